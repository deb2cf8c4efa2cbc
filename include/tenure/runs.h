/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RUNS_H
#define TENURE_RUNS_H

/* What several recordings of one program say together: other inputs, other devices. A finding is the same in
 * two runs where its key is. What holds in all of them is surer than what one run shows, and what holds in
 * some depends on something that differs. Plain data in, plain data out, for `tenure report LOG LOG ...`. Any
 * thread on its own data. */

#include "tenure/compare.h"
#include "tenure/kind.h"

/* What a run says of a finding. */
enum tn_run_verdict {
    TN_RUN_HOLDS,       /* it states the finding */
    TN_RUN_DOUBTFUL,    /* it states it, less sure than was asked for */
    TN_RUN_SILENT,      /* its sites allocate, but the run does not state it */
    TN_RUN_NOT_REACHED, /* none of its sites allocates */
};

/* How a finding fares over all runs. In the order of telling. */
enum tn_runs_state {
    TN_RUNS_ALL,     /* holds in all */
    TN_RUNS_REACHED, /* holds in all that reach its sites, which are not all */
    TN_RUNS_SOME,    /* holds in some, and is silent or doubtful in others: it is conditional */
    TN_RUNS_REFUTED, /* a run shows the contrary */
    TN_RUNS_STATE_COUNT
};

/* A finding over all runs. */
struct tn_runs_finding {
    const struct tn_finding *shown;  /* of the run in which it saves most; borrowed */
    const struct tn_kind *kind;      /* of it; borrowed; NULL: not in the table of kinds */
    enum tn_runs_state state;        /* what verdicts come to */
    enum tn_run_verdict *verdicts;   /* owned; one for each run */
    uint64_t *site_allocations;      /* owned; calls of its sites in each run */
    size_t holds_count;              /* runs in which it holds */
    uint64_t least_removed;          /* calls that it saves: least over the runs in which it holds */
    uint64_t most_removed;           /* most over these */
    struct tn_evidence_set evidence; /* owned; scalars: sums of what is counted once a run, else maxima */
};

/* All runs together. Zeroed is empty. */
struct tn_runs {
    const struct tn_compared_run *runs; /* borrowed */
    size_t run_count;                   /* in runs */
    bool is_one_program;                /* all runs recorded a program of the same name */
    struct tn_runs_finding *findings;   /* owned; by state, then what saves most first */
    size_t finding_count;               /* in findings */
};

/* Bring the findings of several runs together.
 *
 * runs      run_count of them, 2 or more, with findings and with all sites in their summaries; borrowed until
 *           tn_runs_finish
 * kinds     table ended by NULL: which evidence is summed, and what refutes a kind
 * least     findings of less confidence are doubtful; those that are it everywhere are left out
 * ret_runs  written on success
 * Returns   0; -ENOMEM
 * Cost      findings x runs x sites */
int tn_runs_merge(const struct tn_compared_run *runs, size_t run_count, const struct tn_kind *const *kinds,
                  enum tn_confidence least, struct tn_runs *ret_runs);

/* Append all of it as one JSON object and a newline; docs/analyses.md has its schema.
 *
 * Returns  0; -ENOMEM (out then holds a part) */
int tn_runs_write_json(const struct tn_runs *runs, struct tn_buffer *out);

/* "all", "reached", "some", "refuted"; "holds", "doubtful", "silent", "not-reached". Static storage. */
const char *tn_runs_state_name(enum tn_runs_state state);
const char *tn_run_verdict_name(enum tn_run_verdict verdict);

/* Release what it owns; it is empty again. NULL and zeroed are fine. */
void tn_runs_finish(struct tn_runs *runs);

#endif
