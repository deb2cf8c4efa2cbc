/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SITE_H
#define TENURE_SITE_H

/* Which frame of a stack is the site, and via what it reached the allocator. The site is the innermost frame
 * that is neither in the C or C++ runtime nor in an allocation wrapper; `via` is the outermost name among the
 * frames that were skipped on the way, simplified for a reader. For the finishing pass. What is skipped, and
 * why, stands in one table (lib/site/tables.c), explained in docs/sites.md.
 * Rules are read-only once open: any number of threads may use them. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_SITE_VIA_BYTES 96

enum tn_site_kind {
    TN_SITE_PROGRAM = 0, /* code that the programmer can change: a candidate */
    TN_SITE_RUNTIME = 1, /* C library, C++ or Rust standard library, compiler support, allocator */
    TN_SITE_WRAPPER = 2, /* allocates on behalf of its caller: xmalloc, g_malloc, ... */
};

/* What is known of one frame. */
struct tn_site_class {
    enum tn_site_kind kind;
    char via[TN_SITE_VIA_BYTES]; /* skipped frames: name for a reader, cut to fit; "": says nothing (an
                                    allocator template, a function without a name); program: "" */
};

struct tn_site_rules;

/* Make the rules.
 *
 * wrapper_regex  POSIX extended regular expression; a function whose name it matches anywhere is a wrapper,
 *                and so is a place without a name if it matches "module+0xoffset", as reports write it;
 *                NULL: only those of the table
 * Returns        0; -EINVAL: the expression is none, with the story in error; -ENOMEM
 * Owns           the caller owns *ret_rules; tn_site_rules_close releases it */
int tn_site_rules_open(const char *wrapper_regex, struct tn_site_rules **ret_rules, struct tn_error *error);

/* Release. NULL is fine. */
void tn_site_rules_close(struct tn_site_rules *rules);

/* Say what one frame is.
 *
 * function      demangled name as tn_symbol_look_up gives it; NULL: unknown
 * module        path of its module; NULL: outside every module
 * offset_bytes  return address in the module
 * ret_class     written in any case
 * Cost       about 1 us: once for each frame, not for each stack */
void tn_site_classify(const struct tn_site_rules *rules, const char *function, const char *module,
                      uint64_t offset_bytes, struct tn_site_class *ret_class);

/* The way out of a stack, from the innermost frame. Zeroed: at the start. */
struct tn_site_walk {
    const char *via; /* outermost name so far that says something; borrowed from its class; NULL: none */
};

/* Take one frame more, from the innermost one outwards; inlined functions before the frame that holds them.
 *
 * Returns  true: this frame is the site, and walk->via tells how it reached the allocator; NULL: directly, by
 *          the allocation function itself. When the stack ends before: its innermost frame is the site,
 *          reached directly */
bool tn_site_step(struct tn_site_walk *walk, const struct tn_site_class *frame);

#endif
