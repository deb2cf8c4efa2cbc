/* SPDX-License-Identifier: MIT */

/* dlopen and dlmopen, which can load libraries that resolve malloc past everything that was preloaded: with
 * RTLD_DEEPBIND, or in a namespace of their own. What these allocate is not seen; that is counted, so that it
 * can be said. The calls are passed on as they are. */

#include "real.h"
#include "shim_process.h"
#include "sys.h"
#include "tell_child.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#ifdef TN_ARCH_WATCH_DLOPEN
/* Called by the code below. */
__attribute__((used)) void tn_dlopen_see(const char *path, int flags);
__attribute__((used)) void tn_dlmopen_see(Lmid_t namespace, const char *path, int flags);

TN_ARCH_WATCH_DLOPEN

/* Whether a path names a file that is there; names that are to be searched for are believed. */
static bool may_be_found(const char *path)
{
    const char *at = path;
    while (at != NULL && *at != '\0' && *at != '/')
        at++;
    return path != NULL && (*at == '\0' || tn_sys3(SYS_faccessat, AT_FDCWD, (long)path, R_OK) == 0);
}

/* RTLD_NOLOAD only asks for what is loaded already. */
static void note_apart(const char *path, int flags)
{
    bool is_recorded = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed) != 0;
    if (is_recorded && !tn_is_filtered && (flags & RTLD_NOLOAD) == 0 && may_be_found(path))
        atomic_fetch_add_explicit(&tn_hot.header->libraries_apart, 1, memory_order_relaxed);
}

void tn_dlopen_see(const char *path, int flags)
{
    (void)tn_child_begin();
    if ((flags & RTLD_DEEPBIND) != 0)
        note_apart(path, flags);
}

void tn_dlmopen_see(Lmid_t namespace, const char *path, int flags)
{
    (void)tn_child_begin();
    if (namespace != LM_ID_BASE || (flags & RTLD_DEEPBIND) != 0)
        note_apart(path, flags);
}
#endif
