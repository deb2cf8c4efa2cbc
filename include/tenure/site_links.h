/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SITE_LINKS_H
#define TENURE_SITE_LINKS_H

/* Who holds whose address, as the recording saw it, by stacks and by sites, with the looks that were made.
 * Kinds ask when they state findings. No link proves nothing: the looks are samples. Loaded once; read-only
 * afterwards. */

#include "tenure/analysis.h"
#include "tenure/map.h"

/* A held block's address in blocks of another site at one offset, at one moment. */
struct tn_link_by_site {
    uint32_t holder, held; /* indices in tn_pass.sites; holder 0: a global */
    uint32_t moment;       /* enum tn_link_moment */
    uint64_t module_id;    /* of a global; else 0 */
    uint64_t offset_bytes; /* in the holder; of a global minus the load bias */
    uint64_t looks;        /* that found it */
    uint64_t distinct;     /* held blocks, of each pair of stacks, added up */
};

/* The same by stacks. */
struct tn_link_by_stack {
    uint32_t holder_stack_id; /* row; 0: a global */
    uint32_t held_stack_id;   /* row */
    uint32_t moment;
    uint64_t module_id; /* of a global; else 0 */
    uint64_t offset_bytes;
    uint64_t looks;
    uint64_t distinct;
};

/* What blocks of a site that hold addresses probably are. */
struct tn_link_member {
    uint32_t holder; /* index in tn_pass.sites */
    uint64_t offset_bytes;
    char *text; /* owned: "struct txn.token"; without a member where one of several in a union holds */
};

/* All links of a process. */
struct tn_site_links {
    struct tn_link_by_site *sites;   /* owned; by held site, holder, module, offset, moment */
    size_t site_count;               /* in sites */
    struct tn_link_by_stack *stacks; /* owned; by held stack */
    size_t stack_count;              /* in stacks */
    struct tn_link_member *members;  /* owned; what the finishing could name */
    size_t member_count;             /* in members */
    struct tn_map looks;             /* stack row and moment -> looks made */
    struct tn_map site_looks;        /* site and moment -> the same */
};

/* A share of looks. looks_made 0: none were made. */
struct tn_link_share {
    uint64_t looks, looks_made;
    uint64_t offset_bytes; /* where in the holder */
};

/* What chance may explain, and what it does not: for the kinds. */
#define TN_SITE_LINK_DISTINCT_MIN TN_LINK_DISTINCT_MIN
#define TN_SITE_LINK_SHARE_MIN    TN_LINK_SHARE_MIN

/* Load the links of the pass's process.
 *
 * ret_links  the caller releases it by tn_site_links_finish, also after an error; a log that has none gives
 * none
 * Returns    0; -ENOMEM, -EIO, -EBADMSG; pass->error then says what failed
 * Cost       two queries; at most 65,536 links */
int tn_site_links_load(const struct tn_pass *pass, struct tn_site_links *ret_links);

/* Release what it owns. Zeroed is fine. */
void tn_site_links_finish(struct tn_site_links *links);

/* How surely blocks of one site are held by those of another at one offset: the largest share of looks, of
 * those into dying holders or of those for the held blocks' addresses at one moment.
 *
 * holder, held  indices in tn_pass.sites
 * ret_share     written only if there is a link that chance does not explain
 * Returns       whether there is one
 * Cost          the links of the held site */
bool tn_site_links_between(const struct tn_site_links *links, uint32_t holder, uint32_t held,
                           struct tn_link_share *ret_share);

/* The next site whose blocks were seen to hold those of a site: the lowest index above `after`; 0: there is
 * no further one. Whether chance explains it, tn_site_links_between tells. */
uint32_t tn_site_links_next_holder(const struct tn_site_links *links, uint32_t held, uint32_t after);

/* What blocks of a site probably are, and their member at an offset: "struct txn.token", "struct txn" where
 * it is one of several in a union; NULL: not known. Borrowed from links. */
const char *tn_site_links_member(const struct tn_site_links *links, uint32_t holder, uint64_t offset_bytes);

/* Looks that could have shown blocks of one site held by those of another. */
uint64_t tn_site_links_looks_between(const struct tn_site_links *links, uint32_t holder, uint32_t held);

/* The looks that were made at a moment for the addresses of a stack's blocks. */
uint64_t tn_site_links_looks(const struct tn_site_links *links, uint32_t stack_id, uint32_t moment);

#endif
