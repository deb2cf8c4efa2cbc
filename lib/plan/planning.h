/* SPDX-License-Identifier: MIT */
#ifndef TN_PLAN_PLANNING_H
#define TN_PLAN_PLANNING_H

/* Making a plan: what is counted of each stack while events pass (lives.c), to which lifetime each belongs
 * (classes.c), which functions are transactions (transactions.c), which sites make one object (objects.c),
 * the rows of lifetimes (lifetimes.c), what each finding would change (candidates.c), and the steps that are
 * made of them (plan_steps.c). All by stack: one line may serve several lifetimes. One thread. */

#include "tenure/analysis.h"
#include "tenure/contained.h"
#include "tenure/plan.h"
#include "tenure/source_frames.h"

#define TN_PLAN_NONE UINT32_MAX

/* What was seen of the blocks born with one stack. */
struct tn_plan_stack {
    uint64_t births;          /* resizes included */
    uint64_t late_births;     /* of these: after the start of the program */
    uint64_t released;        /* while the program ran, but not by a resize */
    uint64_t live_count;      /* now */
    uint64_t peak_live_count; /* the most at once */
    uint64_t live_bytes;      /* now */
    uint64_t peak_bytes;      /* live when the process had most bytes live; right once all is settled */
    uint64_t first_index;     /* births of the process up to and with its first one */
    uint64_t last_index;      /* the same for its last one */
    uint64_t changed;         /* as tn_pass_site.changed */
    uint64_t settled;         /* blocks of which it is known what contained them */
    uint64_t contained;       /* of these: in a call of a function that is entered again and again */
    uint64_t own;             /* of these: in a call of the function that asked for them */
    uint8_t kind;             /* enum tn_lifetime_kind */
    uint32_t row;             /* index in tn_plan.lifetimes; TN_PLAN_NONE: in none yet */
    double left;   /* share of its births that the findings chosen so far leave on the heap: 0 to 1 */
    bool is_taken; /* a finding that was chosen changes its blocks: a second one could not */
};

/* How many blocks of one site were live, all its stacks together. */
struct tn_plan_count {
    uint64_t live_count;      /* now */
    uint64_t peak_live_count; /* the most at once */
};

/* State of the planner. A site that was split into roles is one here: all indices in tn_pass.sites that stand
 * for one row of `site` are told as the first of them. */
struct tn_planning {
    struct tn_plan_stack *stacks; /* owned; by stack row id */
    size_t stack_count;           /* in stacks */
    struct tn_plan_count *counts; /* owned; by row of `site`; 0: blocks without one */
    uint32_t *same_site; /* owned; by index in tn_pass.sites: the first index that stands for the same site */
    uint32_t *by_site;   /* owned; rows of stacks with births, those of one site together */
    size_t *site_starts; /* owned; by site: index in by_site; one more at the end */
    const struct tn_pass *pass;            /* borrowed; while the plan is made */
    const struct tn_contained *contained;  /* borrowed; likewise */
    const struct tn_source_frames *frames; /* borrowed; NULL: nobody followed calls */
    const struct tn_findings *findings;    /* borrowed; likewise */
};

/* What is asked of the events. */
extern const struct tn_analysis tn_plan_lives;

/* Sort the stacks with births by site, and settle what was live at the peak. Returns 0 or -ENOMEM. */
int tn_plan_lives_end(struct tn_planning *planning);

/* The site of a stack: index in tn_pass.sites. */
uint32_t tn_plan_site_of(const struct tn_planning *planning, uint32_t stack_id);

/* Decide the kind of every stack with births, transactions apart: what a call contains is temporary for now.
 */
void tn_plan_classify(struct tn_planning *planning);

/* The level of a stack at which the outermost call of a function stands; 0: it is not in it. */
uint32_t tn_plan_level_of(const struct tn_planning *planning, uint32_t stack_id, uint32_t function);

/* Blocks of a stack that a call at a level, or a deeper one, contained. */
uint64_t tn_plan_contained_at(const struct tn_planning *planning, uint32_t stack_id, uint32_t level);

/* Append an empty row. Returns it, or NULL: out of memory. */
struct tn_lifetime *tn_plan_add_row(struct tn_plan *plan, enum tn_lifetime_kind kind);

/* Add a row for each function whose calls are the transactions of the program, and put their stacks into it.
 *
 * Returns  0; -ENOMEM, -EIO, -EBADMSG */
int tn_plan_find_transactions(struct tn_planning *planning, struct tn_plan *plan);

/* Add a row for each sort of object, and put its stacks into it.
 *
 * Returns  0; -ENOMEM, -EIO, -EBADMSG */
int tn_plan_find_objects(struct tn_planning *planning, struct tn_plan *plan);

/* Fill plan->lifetimes. Returns 0; -ENOMEM, -EIO, -EBADMSG. */
int tn_plan_find_lifetimes(struct tn_planning *planning, struct tn_plan *plan);

/* The program's line of a site.
 *
 * site      index in tn_pass.sites, not 0
 * ret_site  line and site_id are written; the caller releases the line, also after an error
 * Returns   0; -ENOMEM, -EIO */
int tn_plan_name_site(const struct tn_pass *pass, uint32_t site, struct tn_plan_site *ret_site);

/* A finding that may be a part of a step, and what it changes. */
struct tn_plan_candidate {
    const struct tn_finding *finding; /* borrowed */
    const char *mechanism;            /* as tn_plan_step.mechanism */
    uint32_t *stacks;                 /* owned; rows of the stacks of its blocks */
    size_t stack_count;               /* in stacks */
    uint64_t births;                  /* with these stacks */
    double removed;                   /* share of these births that do not reach the heap any more */
    bool leaves_heap;                 /* its blocks come from elsewhere, and so do their bytes at the peak */
    enum tn_lifetime_kind kind;       /* of most of its births */
    size_t step;                      /* index of the step that it is a part of; SIZE_MAX: none */
    double allocations;               /* that it removes beside those chosen before it */
    double peak_bytes;                /* that leave the heap at the peak, likewise */
    double cost_bytes;                /* that memory at the peak rises by, likewise; negative: falls */
};

/* All findings that a step may have.
 *
 * ret_candidates  the caller releases it by tn_plan_candidates_finish, also after an error
 * Returns         0; -ENOMEM, -EIO */
int tn_plan_list_candidates(const struct tn_planning *planning, struct tn_plan_candidate **ret_candidates,
                            size_t *ret_count);

/* Release candidates. NULL is fine. */
void tn_plan_candidates_finish(struct tn_plan_candidate *candidates, size_t count);

/* Fill what a candidate changes of what is left on the heap.
 *
 * Returns  what that is worth: the share of the calls, and what it does to the memory at the peak */
double tn_plan_weigh(const struct tn_planning *planning, struct tn_plan_candidate *candidate);

/* Take what a candidate changes off what is left on the heap. */
void tn_plan_take(struct tn_planning *planning, const struct tn_plan_candidate *candidate);

/* Fill plan->steps and plan->rest. Returns 0; -ENOMEM, -EIO. */
int tn_plan_find_steps(struct tn_planning *planning, struct tn_plan *plan);

#endif
