/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_ARENA_STATEMENT_H
#define TN_KINDS_ARENA_STATEMENT_H

/* What one finding is made of (arena_finding.c), for its conditions (arena_conditions.c). */

#include "arenas.h"

/* All that one finding is made of. */
struct tn_arena_statement {
    struct tn_arenas *arenas;
    const struct tn_pass *pass;
    const struct tn_arena_choice *choice;
    const struct tn_arena_function *counts;
    struct tn_arena_survey survey; /* owned */
    struct tn_finding_line line;   /* owned; the function's line in most of its births */
    uint32_t *sites;               /* owned; those that are served */
    uint64_t resizes, doubtful;    /* of those sites */
    uint64_t escapes;              /* of their blocks: that outlived the call */
    bool is_split;                 /* a site that is served has blocks outside the function's calls, too */
};

/* Add the conditions under which a finding is true of other runs.
 *
 * Returns  0, -ENOMEM or -EIO */
int tn_arena_add_conditions(const struct tn_arena_statement *statement, struct tn_finding *finding);

#endif
