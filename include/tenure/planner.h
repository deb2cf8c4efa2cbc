/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PLANNER_H
#define TENURE_PLANNER_H

/* What makes the plan: an analysis beside the kinds, and a last word once their findings are ranked. Tools
 * pass it to tn_analyze, which knows it no otherwise. Static storage; one thread at a time. */

struct tn_analysis;
struct tn_contained;
struct tn_findings;
struct tn_pass;

/* Makes a plan. */
struct tn_planner {
    const struct tn_analysis *analysis; /* what it asks of the events; consult and conclude are NULL */

    /* After all kinds have concluded: findings are ranked and have their keys, none is left out yet.
     *
     * state      the analysis's own
     * contained  zeroed where no kind has followed calls
     * findings   their plan is written; the rest is only read
     * Returns    0; -ENOMEM, -EIO, -EBADMSG: pass->error says what failed; there is no plan then */
    int (*plan)(void *state, const struct tn_pass *pass, const struct tn_contained *contained,
                struct tn_findings *findings);
};

/* The planner of this build. */
extern const struct tn_planner tn_planner;

#endif
