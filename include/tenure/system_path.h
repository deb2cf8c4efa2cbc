/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SYSTEM_PATH_H
#define TENURE_SYSTEM_PATH_H

/* Which files came with the system. In a header alone, and without libc, so that the shim has it, too. */

#include <stdbool.h>
#include <stddef.h>

/* Whether a file lies where systems keep what their packages bring; /usr/local is what somebody built here.
 *
 * path     absolute, as it was mapped; "" is of nobody
 * Returns  by its name alone: links are not followed
 * Threads  any
 * Cost     some ten comparisons */
static inline bool tn_is_system_path(const char *path)
{
    static const char *const roots[] = {"/lib/",       "/lib32/",     "/lib64/",     "/libx32/",
                                        "/usr/lib/",   "/usr/lib32/", "/usr/lib64/", "/usr/libx32/",
                                        "/nix/store/", "/gnu/store/"};
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        size_t at = 0;
        while (roots[i][at] != '\0' && path[at] == roots[i][at])
            at++;
        if (roots[i][at] == '\0')
            return true;
    }
    return false;
}

#endif
