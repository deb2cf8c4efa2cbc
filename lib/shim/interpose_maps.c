/* SPDX-License-Identifier: MIT */

/* The functions that take memory away or replace it. Where stacks of coroutines were found, what is known of
 * them counts no more afterwards (stack_region.h). They do nothing else, and are passed on. */

/* Both names of mmap are needed, so none of them may stand for the other. */
#undef _FILE_OFFSET_BITS

#include "heap_spans.h"
#include "real.h"
#include "stack_region.h"
#include "sys.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "banned.h"

TN_EXPORT int munmap(void *address, size_t size);
TN_EXPORT int mprotect(void *address, size_t size, int protection);
TN_EXPORT void *mremap(void *address, size_t old_size, size_t size, int flags, ...);
TN_EXPORT void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
TN_EXPORT void *mmap64(void *address, size_t size, int protection, int flags, int fd, int64_t offset);
TN_EXPORT int shmdt(const void *address);

static void note(const void *address, size_t size)
{
    if (tn_regions_touch((uintptr_t)address, size))
        tn_regions_change();
}

/* From a raw system call's result to libc's. */
static long result_of(long result)
{
    if (result >= 0 || result <= -4096)
        return result;
    errno = (int)-result;
    return -1;
}

TN_EXPORT int munmap(void *address, size_t size)
{
    long result = tn_real.munmap != NULL ? tn_real.munmap(address, size)
                                         : result_of(tn_sys2(SYS_munmap, (long)address, (long)size));
    note(address, size);
    return (int)result;
}

/* Before the real call: afterwards no other thread may read it. */
TN_EXPORT int mprotect(void *address, size_t size, int protection)
{
    if ((protection & PROT_READ) == 0)
        tn_heap_protected(address, size);
    long result = tn_real.mprotect != NULL
                      ? tn_real.mprotect(address, size, protection)
                      : result_of(tn_sys3(SYS_mprotect, (long)address, (long)size, protection));
    note(address, size);
    return (int)result;
}

TN_EXPORT void *mremap(void *address, size_t old_size, size_t size, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    void *to = va_arg(arguments, void *);
    va_end(arguments);
    void *result = tn_real.mremap != NULL
                       ? tn_real.mremap(address, old_size, size, flags, to)
                       : (void *)result_of(tn_sys6(SYS_mremap, (long)address, (long)old_size, (long)size,
                                                   flags, (long)to, 0));
    note(address, old_size);
    if ((flags & MREMAP_FIXED) != 0)
        note(to, size);
    return result;
}

/* Both names of mmap. */
static void *map(void *address, size_t size, int protection, int flags, int fd, int64_t offset)
{
    if ((flags & MAP_FIXED) != 0 && (protection & PROT_READ) == 0)
        tn_heap_protected(address, size);
    void *result = tn_real.mmap != NULL ? tn_real.mmap(address, size, protection, flags, fd, offset)
                                        : (void *)result_of(tn_sys6(SYS_mmap, (long)address, (long)size,
                                                                    protection, flags, fd, (long)offset));
    if ((flags & MAP_FIXED) != 0)
        note(address, size);
    return result;
}

TN_EXPORT void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return map(address, size, protection, flags, fd, offset);
}

TN_EXPORT void *mmap64(void *address, size_t size, int protection, int flags, int fd, int64_t offset)
{
    return map(address, size, protection, flags, fd, offset);
}

TN_EXPORT int shmdt(const void *address)
{
    long result =
        tn_real.shmdt != NULL ? tn_real.shmdt(address) : result_of(tn_sys1(SYS_shmdt, (long)address));
    note(address, SIZE_MAX - (uintptr_t)address); /* its size is not known here */
    return (int)result;
}
