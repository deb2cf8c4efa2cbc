/* SPDX-License-Identifier: MIT */
#ifndef TN_COMPARE_MATCH_SITES_H
#define TN_COMPARE_MATCH_SITES_H

/* Which site of the old recording became which of the new one. docs/ci.md has the rules. */

#include "tenure/compare.h"

#include <stddef.h>
#include <stdint.h>

/* A site that looks for its counterpart. Strings are borrowed from the site. */
struct site_candidate {
    const struct tn_summary_site *site;    /* borrowed */
    const struct tn_context_set *contexts; /* borrowed; NULL: none known */
    const char *build_id;                  /* borrowed; of its module; "" when not known */
    const char *module;                    /* begin of the module's name; the program itself has length 0 */
    size_t module_length, function_length; /* of the names without version and marks of clones */
    bool is_new;                           /* of the new recording */
    size_t order;                          /* in the list of its recording: the last word between equals */
    struct site_candidate *partner;        /* NULL: not matched one to one */
    uint32_t group;                        /* from 1: its change; 0: none yet */
};

/* Match.
 *
 * candidates   count of them, of both recordings, in any order; are ordered, and get partner and group
 * ret_groups   number of changes: groups are 1 to *ret_groups
 * Returns      0; -ENOMEM
 * Cost         n log n; quadratic in the sites of one function */
int tn_match_sites(struct site_candidate *candidates, size_t count, uint32_t *ret_groups);

#endif
