/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PLAN_H
#define TENURE_PLAN_H

/* The plan of a program: how long its blocks live, and the few steps that change most. Plain data that owns
 * all it holds, made from the events and the findings of one process (tenure/planner.h), completed with
 * measured effects by a replay, read by reports. docs/analyses.md tells how it is made. Any number of threads
 * may read. */

#include "tenure/finding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_PLAN_STEPS_MAX 5  /* letters A to E */
#define TN_PLAN_SITES_MAX 10 /* lines that are named of a lifetime, and of what stays on the heap */

/* How long blocks live. */
enum tn_lifetime_kind {
    TN_LIFETIME_PROCESS = 0, /* made while the program starts, kept to its end */
    TN_LIFETIME_OBJECT, /* outlives the call that made it, and is released while the program runs, or made
                           later */
    TN_LIFETIME_TRANSACTION, /* gone when a call of a function ends that is entered again and again */
    TN_LIFETIME_TEMPORARY,   /* gone when the function that asked for it returns */
};

/* What of one line belongs to a lifetime, or stays on the heap. */
struct tn_plan_site {
    uint64_t site_id;            /* row of `site`; 0: the log has none */
    struct tn_finding_line line; /* owned; the program's line that asks */
    uint64_t allocations;        /* of the process's */
    uint64_t peak_bytes;         /* live when the process had most bytes live */
};

/* A lifetime of the program: all blocks that share it. */
struct tn_lifetime {
    enum tn_lifetime_kind kind;
    const char *mechanism;        /* that fits it: "static", "pool", "arena", "stack". Static storage */
    struct tn_finding_line begin; /* owned; object: the line that makes it; transaction: the function; "" for
                                     the others, and for what several objects share */
    struct tn_finding_line end;   /* owned; object: the line that releases most; "": there is none */
    uint64_t count;               /* blocks (process, temporary), objects, or calls */
    uint64_t at_once;     /* of these, the most that were alive or under way at once; temporary: of one line;
                             0: several objects share the row */
    uint64_t allocations; /* of the process's */
    uint64_t peak_bytes;  /* live when the process had most bytes live */
    struct tn_plan_site *sites; /* owned; those with most allocations first */
    size_t site_count;          /* in sites, at most TN_PLAN_SITES_MAX */
    size_t line_count;          /* lines that have blocks of this lifetime */
};

/* A finding that is a part of a step. */
struct tn_plan_part {
    uint32_t rank;       /* its number */
    uint32_t key;        /* its lasting name */
    bool is_conditional; /* a condition decides it in other runs */
};

/* One step: findings that say the same. */
struct tn_plan_step {
    char letter;           /* from A */
    const char *mechanism; /* "static", "pool", "arena", "stack", "structure", "capacity". Static storage */
    char *title;           /* owned; one line, what to do */
    struct tn_plan_part *parts;        /* owned; those that save most first */
    size_t part_count;                 /* in parts, not 0 */
    uint64_t allocations_removed;      /* calls that this step keeps from the heap beside the steps before it;
                                          counted */
    uint64_t peak_bytes_moved;         /* that leave the heap at the process's peak, likewise; counted */
    struct tn_finding_saving together; /* this step and all before it, by a replay; if is_measured, or
                                          allocations_removed is not 0; heap_deltas stays empty */
};

/* The whole plan. Zeroed: none. */
struct tn_plan {
    struct tn_lifetime *lifetimes; /* owned; process, objects, transactions, temporaries, each part by size */
    size_t lifetime_count;         /* in lifetimes */
    struct tn_plan_step *steps;    /* owned; the one that changes most first */
    size_t step_count;             /* in steps, at most TN_PLAN_STEPS_MAX; 0: nothing changes much */
    struct tn_plan_site *rest;     /* owned; lines whose blocks stay on the heap, most allocations first */
    size_t rest_count;             /* in rest, at most TN_PLAN_SITES_MAX */
    uint64_t rest_allocations;     /* that stay on the heap, at all lines; counted */
    uint64_t rest_peak_bytes;      /* the same at the process's peak */
    size_t sure_count; /* parts of all steps that no condition decides; 0, or as many as there are: sure is
                          empty */
    struct tn_finding_saving sure; /* of those alone, by a replay */
};

/* "process", "object", "transaction", "temporary". Static storage. */
const char *tn_lifetime_name(enum tn_lifetime_kind kind);

/* The step of a letter, of either case.
 *
 * plan     may be NULL
 * Returns  NULL: there is none */
const struct tn_plan_step *tn_plan_find_step(const struct tn_plan *plan, char letter);

/* Whether a step has a finding of this key as a part. */
bool tn_plan_step_has(const struct tn_plan_step *step, uint32_t key);

/* Write out the letters in a list of findings: "A,7" becomes "3,12,7" where step A has the findings 3 and 12,
 * by their keys. What is no letter stays as it is.
 *
 * ret_names  the caller frees it
 * Returns    0; -EINVAL: no step has such a letter (*ret_letter says which, the rest is untouched); -ENOMEM
 */
int tn_plan_expand(const struct tn_plan *plan, const char *names, char **ret_names, char *ret_letter);

/* Release what a plan owns, and the plan. NULL is fine. */
void tn_plan_free(struct tn_plan *plan);

#endif
