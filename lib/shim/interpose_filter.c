/* SPDX-License-Identifier: MIT */

/* prctl and syscall, by which a program restricts its own system calls: the shim must make none afterwards
 * that are not permitted, or the program would be killed for them. */

#include "real.h"
#include "shim_filter.h"
#include "shim_thread.h"
#include "sys.h"

#include <errno.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdarg.h>

#include "banned.h"

TN_EXPORT int prctl(int option, ...);

/* The strict mode permits a thread to read, write and leave, and some kernels forbid it the time stamp, too.
 * From here on its events are only counted.
 *
 * Returns  what it was */
static bool be_strict(struct tn_thread *thread, bool is_strict)
{
    bool was_strict = thread->is_strict;
    thread->is_strict = is_strict;
    if (is_strict)
        thread->generation = TN_GENERATION_NONE;
    return was_strict;
}

/* The call itself, with what it means for the shim. Returns as the kernel does. */
static long call_prctl(int option, long a, long b, long c, long d)
{
    struct tn_thread *thread = &tn_thread;
    bool is_strict = option == PR_SET_SECCOMP && a == SECCOMP_MODE_STRICT;
    bool was_strict = be_strict(thread, thread->is_strict || is_strict);
    if (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS)
        tn_filter_note(option == PR_SET_SECCOMP);
    long result = tn_sys6(SYS_prctl, option, a, b, c, d, 0);
    if (result < 0)
        be_strict(thread, was_strict);
    return result;
}

static long call_seccomp(unsigned operation, long flags, long arguments)
{
    struct tn_thread *thread = &tn_thread;
    bool was_strict = be_strict(thread, thread->is_strict || operation == SECCOMP_SET_MODE_STRICT);
    if (operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER)
        tn_filter_note(true);
    long result = tn_sys3(SYS_seccomp, operation, flags, arguments);
    if (result < 0)
        be_strict(thread, was_strict);
    return result;
}

/* From what the kernel returns to what libc does. */
static long give(long result)
{
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

TN_EXPORT int prctl(int option, ...)
{
    va_list arguments;
    long argument[4];
    va_start(arguments, option);
    for (unsigned i = 0; i < 4; i++)
        argument[i] = va_arg(arguments, long);
    va_end(arguments);
    return (int)give(call_prctl(option, argument[0], argument[1], argument[2], argument[3]));
}

void *tn_syscall_next;

#ifdef TN_ARCH_WATCH_SYSCALL
/* syscall() of libc, by which filters are set, too. Of all numbers but two it is libc's own, entered by a
 * jump: who makes a process or a thread by it returns on a stack that no frame of ours may lie in. */
__attribute__((used)) long tn_syscall_watched(long number, long a, long b, long c, long d, long e, long f);

TN_ARCH_WATCH_SYSCALL

/* Called by the code above for those two, and for all before libc's own is known. */
long tn_syscall_watched(long number, long a, long b, long c, long d, long e, long f)
{
    if (number == SYS_prctl)
        return give(call_prctl((int)a, b, c, d, e));
    if (number == SYS_seccomp)
        return give(call_seccomp((unsigned)a, b, c));
    return give(tn_sys6(number, a, b, c, d, e, f));
}
#endif
