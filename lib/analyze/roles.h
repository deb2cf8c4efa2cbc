/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_ROLES_H
#define TN_ANALYZE_ROLES_H

/* Roles: sites that are split by call path where more can be said of the parts than of the whole. First the
 * sites are chosen whose parts differ in what was counted of them; then the events pass once more with the
 * parts in the place of these sites; and what the kinds then state decides which sites stay split. */

#include "stack_profile.h"

/* By what a site is split. */
enum tn_role_level {
    TN_ROLE_WHOLE = 0, /* it is not */
    TN_ROLE_CALL,      /* which of the calls on its line it is */
    TN_ROLE_CALLER,    /* the line that leads to the site */
    TN_ROLE_CALLERS_2, /* that line and the one that leads there */
    TN_ROLE_OUTERMOST, /* the outermost function of the program: what a thread began with */
    TN_ROLE_LEVEL_END,
};

/* A part of a site. */
struct tn_role_part {
    uint64_t key; /* equal for stacks that belong to it */
    uint32_t callers[TN_ROLE_CALLERS_MAX];
    uint32_t caller_count;
    struct tn_finding_call call; /* is_told: the calls on the site's line tell the parts apart */
    struct tn_stack_profile profile;
    uint32_t site; /* its index in tn_pass.sites while the events pass */
    double value;  /* of what is stated of it, 0 to 1 */
};

/* Whether a part is all that the other parts leave. */
static inline bool tn_role_part_is_rest(const struct tn_role_part *part)
{
    return part->caller_count == 0 && part->call.number == 0;
}

/* A site that is or may be split. */
struct tn_role_split {
    uint32_t site; /* whole, index in tn_pass.sites */
    enum tn_role_level level;
    bool is_settled;                  /* it stays as it is now, split or not */
    uint64_t allocations, peak_bytes; /* of the site */
    double value;                     /* of what is stated of the whole site */
    double
        loss; /* taken off that value, because calls of several sizes on one line are told as one; else 0 */
    struct tn_role_part *parts; /* owned */
    size_t part_count;
};

/* All of them. */
struct tn_role_plan {
    struct tn_role_split *splits; /* owned */
    size_t count;
    struct tn_stack_profiles *profiles; /* owned; of the first look */
    uint32_t
        *part_of_stack; /* owned; by row of `stack`: 1 + index in the parts of its site's split; 0: none */
};

/* Release what a plan owns. Zeroed is fine. */
void tn_role_plan_finish(struct tn_role_plan *plan);

/* Divide a site at a level, its parts those with most births first; small ones are joined to one.
 *
 * split    its site and level are set; parts are written, those that were there are released
 * Returns  0; -ENOMEM, -EIO, -EBADMSG
 * Cost     the stacks of the log, and the depth of those of the site */
int tn_role_parts_make(const struct tn_pass *pass, struct tn_role_plan *plan, struct tn_role_split *split);

/* Join the parts that are not marked to one, which stands for all that the others leave.
 *
 * is_kept   by index in the parts
 * Returns   whether the parts are others now */
bool tn_role_parts_join(const struct tn_pass *pass, struct tn_role_plan *plan, struct tn_role_split *split,
                        const bool *is_kept);

/* Choose the sites that are worth a try, at the first level that could tell their parts apart.
 *
 * findings  of the whole sites; who gives way is decided
 * Returns   0; -ENOMEM, -EIO, -EBADMSG; the plan is the caller's to finish in any case */
int tn_role_candidates_choose(const struct tn_pass *pass, const struct tn_findings *findings,
                              struct tn_role_plan *plan);

/* Go on to the next level at which the parts of a site differ; TN_ROLE_LEVEL_END: there is none.
 *
 * Returns  0; -ENOMEM, -EIO, -EBADMSG */
int tn_role_candidate_advance(const struct tn_pass *pass, struct tn_role_plan *plan,
                              struct tn_role_split *split);

/* What the findings that lead say of each site, as a number: 1 where blocks go for good and nothing is to be
 * read in the source, 0 where nothing is said.
 *
 * ret_values  by index in tn_pass.sites; of tn_pass.site_count
 * Cost        the sites of the findings */
void tn_role_values(const struct tn_pass *pass, const struct tn_findings *findings, double *ret_values);

/* The share of a site's allocations and of what it has at the peak that a part has: 0 to 1. */
double tn_role_part_share(const struct tn_pass *pass, const struct tn_role_split *split,
                          const struct tn_role_part *part);

/* Put findings about whole sites in the place of those about their parts that say no more.
 *
 * whole     findings of the sites as they are; those that are taken over are left empty in it
 * split     of sites and roles: those that are replaced are released
 * Cost      the square of the findings */
void tn_role_merge(const struct tn_pass *pass, const struct tn_role_plan *plan, struct tn_findings *whole,
                   struct tn_findings *split);

/* Treat the parts of a plan as sites from now on: stacks, sites and counts of the pass are as before the
 * first event, but for the profiles, which are not counted again.
 *
 * Returns  0; -ENOMEM; pass->error then says what failed */
int tn_pass_take_roles(struct tn_pass *pass, struct tn_role_plan *plan);

/* Release what the pass keeps of roles; its sites are not changed. */
void tn_pass_drop_roles(struct tn_pass *pass);

/* Append the SQL condition that selects the blocks of a role in `allocation`, by the frames of their stacks.
 *
 * site     index in tn_pass.sites of a role
 * Returns  0; -ENOMEM, -EIO; out then holds a part */
int tn_role_print_where(const struct tn_pass *pass, uint32_t site, struct tn_buffer *out);

/* How to look at the events. */
struct tn_role_engine {
    /* Run the events past the kinds and add what they state to findings, which are empty. */
    int (*state)(struct tn_pass *pass, struct tn_findings *findings);
};

/* Find roles: what is stated of them replaces what is stated of their sites.
 *
 * engine    called once for each further look at the events
 * findings  of the whole sites, not ranked
 * Returns   0; -ENOMEM, -EIO, -EBADMSG, what the engine returned; pass->error then says what failed
 * Cost      without candidates a walk over the sites; else a pass for each level that is tried, and one more
 * where
 *           some sites stay whole */
int tn_roles_find(struct tn_pass *pass, const struct tn_role_engine *engine, struct tn_findings *findings);

#endif
