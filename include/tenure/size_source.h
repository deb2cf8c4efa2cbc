/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SIZE_SOURCE_H
#define TENURE_SIZE_SOURCE_H

/* Where the size of a site's blocks comes from: is it a number in the code, or computed? Asked of the machine
 * code of the calls that led to the births, from the allocator outwards, as far as a size is passed on as an
 * argument. Kinds ask when they state findings. One thread. */

#include "tenure/analysis.h"

enum tn_size_kind {
    TN_SIZE_FIXED = 0, /* a number on every path; the kinds below are worse, in this order */
    TN_SIZE_NOT_KNOWN, /* the code cannot be read, or followed */
    TN_SIZE_COMPUTED,  /* by the program, at run time */
    TN_SIZE_TEXT,      /* the length of a text: the block is a copy of one, or was printed into */
};

/* What is known of a size. */
struct tn_size_source {
    enum tn_size_kind kind; /* the worst of all stacks */
    uint64_t fixed_bytes;   /* the largest number, where all are fixed; else 0 */
    uint32_t frame_id;      /* row of `frame`: the call whose argument is computed; 0: the site's own */
};

/* How far out the size may be passed down from and still be fixed. */
struct tn_size_range {
    uint32_t function; /* as far as this function: index in tn_source_frames.functions; 0: the site's own; of
                          a role, that of its outermost caller */
};

/* Find where the size of a site's blocks comes from.
 *
 * site        index in tn_pass.sites
 * names       its names
 * stacks      rows of the stacks of its births; NULL: all that the pass has seen
 * ret_source  written when 0 is returned
 * Returns     0; -ENOMEM, -EIO; pass->error then says what failed
 * Cost        some milliseconds for each call that was not asked about before; with stacks NULL, all stacks
 */
int tn_size_source_find(const struct tn_pass *pass, uint32_t site, const struct tn_finding_site *names,
                        const uint32_t *stacks, size_t stack_count, struct tn_size_range range,
                        struct tn_size_source *ret_source);

/* Make a finding conditional where the size of a site's blocks is not fixed: kinds "text-length",
 * "size-computed" and "size-unknown".
 *
 * what      the site in words, where the finding has several: "the size of make (a.c:10)"; NULL: "the size"
 * max_bytes largest size that was seen: the limit to set
 * Returns   0; -ENOMEM, -EIO */
int tn_size_source_add_condition(const struct tn_pass *pass, const struct tn_size_source *source,
                                 const struct tn_finding_site *names, const char *what, uint64_t max_bytes,
                                 struct tn_finding *finding);

/* Make a finding conditional where the size of one of its sites' blocks is known to be computed, or to be
 * that of a text; for kinds whose blocks all had one size, which is enough where nothing is known of the
 * code.
 *
 * sites      indices in tn_pass.sites, as tn_finding_begin took them
 * max_bytes  largest size that was seen
 * Returns    0; -ENOMEM, -EIO */
int tn_size_source_add_computed(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                                uint64_t max_bytes, struct tn_finding *finding);

#endif
