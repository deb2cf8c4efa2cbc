/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_COMBINE_LINKS_H
#define TN_KINDS_COMBINE_LINKS_H

/* What links say of a group. For combine_finding.c. */

#include "combine.h"

/* How a member is linked to another one. */
struct tn_combine_link {
    bool is_linked;
    size_t other;               /* index of the other member */
    bool is_holder;             /* the member holds the other one's address; else the other one holds its */
    struct tn_link_share share; /* of looks that saw it, and at which offset in the holder */
    const char *member;         /* what the holder has there: "struct txn.token"; NULL: not known. Borrowed */
};

/* The links of a group. */
struct tn_combine_linkage {
    struct tn_combine_link members[TN_COMBINE_MEMBERS];
    size_t linked_count; /* members with a link */
    bool is_firm;        /* all have one */
    bool is_apart; /* none has, and they are released by different threads, or, although it was looked for, by
                      different functions */
};

/* Find members that are strangers to the first one: they are linked to each other, but by no way to it, which
 * is linked to others itself, or was looked at often enough; and another function releases them.
 *
 * ret_is_stranger  by member
 * Returns          0; -ENOMEM, -EIO; pass->error then says what failed */
int tn_combine_find_strangers(const struct tn_combine *combine, const struct tn_pass *pass,
                              const struct tn_combine_group *group, bool ret_is_stranger[TN_COMBINE_MEMBERS]);

/* Find how a group's members are linked.
 *
 * Returns  0; -ENOMEM, -EIO; pass->error then says what failed */
int tn_combine_find_links(const struct tn_combine *combine, const struct tn_pass *pass,
                          const struct tn_combine_group *group, struct tn_combine_linkage *ret_linkage);

#endif
