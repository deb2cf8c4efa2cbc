/* SPDX-License-Identifier: MIT */

/* prctl, by which a program restricts its own system calls: the shim must make none afterwards that are not
 * permitted, or the program would be killed for them. */

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

TN_EXPORT int prctl(int option, ...)
{
    va_list arguments;
    long argument[4];
    va_start(arguments, option);
    for (unsigned i = 0; i < 4; i++)
        argument[i] = va_arg(arguments, long);
    va_end(arguments);
    struct tn_thread *thread = &tn_thread;
    bool is_strict = option == PR_SET_SECCOMP && argument[0] == SECCOMP_MODE_STRICT;
    bool was_strict = be_strict(thread, thread->is_strict || is_strict);
    if (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS)
        tn_filter_note(option == PR_SET_SECCOMP);
    long result = tn_sys6(SYS_prctl, option, argument[0], argument[1], argument[2], argument[3], 0);
    if (result >= 0)
        return (int)result;
    be_strict(thread, was_strict);
    errno = (int)-result;
    return -1;
}
