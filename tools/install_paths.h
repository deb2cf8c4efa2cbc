/* SPDX-License-Identifier: MIT */
#ifndef TENURE_INSTALL_PATHS_H
#define TENURE_INSTALL_PATHS_H

/* Paths of the other parts of tenure, relative to the running tool, in the build tree or installed, so that a
 * moved tree works. Any thread. */

#include "tenure/base.h"

#include <limits.h>

struct tn_install_paths {
    char shim[PATH_MAX];     /* libtenure.so */
    char recorder[PATH_MAX]; /* tenure-recorder; TENURE_RECORDER overrides it */
};

/* Find both parts.
 *
 * Returns  0; -ENOENT: one is missing; -EINVAL: the shim's path has a space or a colon, which LD_PRELOAD
 *          cannot contain; error says what failed and what to do */
int tn_install_paths_find(struct tn_install_paths *ret_paths, struct tn_error *error);

/* Libraries for the programs of `fail` and `try`. */
enum tn_library {
    TN_LIBRARY_INJECT, /* makes allocations fail, and models a small heap */
    TN_LIBRARY_TRIAL,  /* the second allocator */
};

/* Find one of them.
 *
 * Returns  as tn_install_paths_find */
int tn_install_paths_find_library(enum tn_library library, char ret_path[PATH_MAX], struct tn_error *error);

#endif
