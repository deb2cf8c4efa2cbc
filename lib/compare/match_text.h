/* SPDX-License-Identifier: MIT */
#ifndef TN_COMPARE_MATCH_TEXT_H
#define TN_COMPARE_MATCH_TEXT_H

/* Names as two builds of a program have them in common: functions without what the compiler adds to their
 * clones, modules without folder and version, source files by the folders that they share. */

#include <stddef.h>
#include <stdint.h>

/* Length of a function's name without the marks of a clone: ".constprop.0", " [clone .isra.0]". */
size_t tn_match_function_length(const char *function);

/* A hash of that name; never 0. */
uint64_t tn_match_function_hash(const char *function);

/* The name of a module without its folder.
 *
 * ret_length  of it without what follows ".so": "libz.so" of "/usr/lib/libz.so.1.2.13"
 * Returns     where it begins in path */
const char *tn_match_module(const char *path, size_t *ret_length);

/* A hash of that name; never 0, and never that of a function of the same name. */
uint64_t tn_match_module_hash(const char *path);

/* How many components two paths have in common at their ends: 2 of "/a/src/x.c" and "/b/src/x.c". Unknown
 * files ("") have none. */
size_t tn_match_common_folders(const char *left, const char *right);

#endif
