/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_COMBINE_STATEMENT_H
#define TN_KINDS_COMBINE_STATEMENT_H

/* A group as a finding states it: its numbers (combine_finding.c) and its words (combine_words.c). */

#include "combine_links.h"

#include "tenure/analysis.h"

/* What a finding is written from. */
struct tn_combine_statement {
    const struct tn_combine *combine;
    const struct tn_pass *pass;
    const struct tn_combine_group *group;
    uint64_t combined_bytes;
    uint64_t blocks_per_group;
    uint64_t allocations;        /* of all members, a chain of reallocs once */
    uint64_t peak_groups;        /* most structures at once */
    uint64_t header_saved_bytes; /* at that time */
    uint64_t unused_bytes;       /* in each structure, on average, since members have their maximum size */
    double mean_bytes;           /* of the members of one structure */
    uint64_t varying;            /* members whose blocks have more than one size */
    bool has_resizes;
    struct tn_combine_linkage linkage;
};

/* The share of the groups that have a member; 1 where that is not told. */
double tn_combine_share(const struct tn_combine_group *group, size_t member);

/* Whether all sites of a finding lie in one module. */
bool tn_combine_has_one_module(const struct tn_finding *finding);

/* Fill title and advice. Returns 0 or -ENOMEM. */
int tn_combine_fill_texts(const struct tn_combine_statement *statement, struct tn_finding *finding);

/* Fill the notes. Returns 0 or -ENOMEM. */
int tn_combine_fill_notes(const struct tn_combine_statement *statement, struct tn_finding *finding);

/* The links of a group in words, "at +16 in 98 %, at +24 in 95 %"; "" where there is none. Returns ret_text.
 */
const char *tn_combine_print_links(const struct tn_combine_statement *statement, char *ret_text,
                                   size_t text_bytes);

#endif
