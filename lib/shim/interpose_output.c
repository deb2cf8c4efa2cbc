/* SPDX-License-Identifier: MIT */

/* The functions that write to files and sockets: what is written is often queued first, so before they do it,
 * the addresses of sampled blocks are looked for (samples.h). They do nothing else, and are passed on. */

#include "enter.h"
#include "real.h"
#include "samples.h"
#include "sys.h"

#include <errno.h>
#include <sys/types.h>

#include "banned.h"

/* Not the headers of the system: sendto takes a union there. */
struct iovec;
struct msghdr;
struct sockaddr;

TN_EXPORT ssize_t write(int fd, const void *data, size_t size);
TN_EXPORT ssize_t writev(int fd, const struct iovec *parts, int count);
TN_EXPORT ssize_t send(int fd, const void *data, size_t size, int flags);
TN_EXPORT ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
                         uint32_t to_size);
TN_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags);

TN_ALWAYS_INLINE void look(const struct tn_caller *caller)
{
    struct tn_thread *thread = &tn_thread;
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    /* Only where nothing is to be done first: these calls are no events, and begin or count nothing. */
    if (TN_LIKELY(thread->samples.count == 0) || thread->generation != generation ||
        (thread->inside_cfa | thread->operator_depth) != 0 || tn_enter(thread, caller) != TN_WAY_RECORD)
        return;
    tn_samples_output(thread);
    tn_leave(thread);
}

/* From a raw system call's result to libc's, for calls that come before the real functions are known. */
static ssize_t result_of(long result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

TN_EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    look(&caller);
    return tn_real.write != NULL ? tn_real.write(fd, data, size)
                                 : result_of(tn_sys3(SYS_write, fd, (long)data, (long)size));
}

TN_EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    const struct tn_caller caller = TN_CALLER();
    look(&caller);
    return tn_real.writev != NULL ? tn_real.writev(fd, parts, count)
                                  : result_of(tn_sys3(SYS_writev, fd, (long)parts, count));
}

TN_EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
    const struct tn_caller caller = TN_CALLER();
    look(&caller);
    return tn_real.send != NULL ? tn_real.send(fd, data, size, flags)
                                : result_of(tn_sys6(SYS_sendto, fd, (long)data, (long)size, flags, 0, 0));
}

TN_EXPORT ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
                         uint32_t to_size)
{
    const struct tn_caller caller = TN_CALLER();
    look(&caller);
    return tn_real.sendto != NULL
               ? tn_real.sendto(fd, data, size, flags, to, to_size)
               : result_of(tn_sys6(SYS_sendto, fd, (long)data, (long)size, flags, (long)to, to_size));
}

TN_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct tn_caller caller = TN_CALLER();
    look(&caller);
    return tn_real.sendmsg != NULL ? tn_real.sendmsg(fd, message, flags)
                                   : result_of(tn_sys3(SYS_sendmsg, fd, (long)message, flags));
}
