/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINDING_H
#define TENURE_FINDING_H

/* Findings: what an analysis states of a log, as plain data that owns all it holds. Reports are written from
 * them and from a summary, and need no log. Field names are those of the JSON report, which docs/analyses.md
 * documents. Written by kinds, ordered by the engine, completed with measured effects by a replay; read by
 * any number of threads. */

#include "tenure/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tn_confidence {
    TN_CONFIDENCE_WEAK = 0,   /* something speaks against it; hidden unless asked for */
    TN_CONFIDENCE_CONSISTENT, /* every observation agrees, and the log could have shown the contrary */
    TN_CONFIDENCE_PROVEN,     /* certain for the recorded run */
};

/* One site that a finding is about. Strings are owned, "" when not known, never NULL. */
struct tn_finding_site {
    uint64_t site_id;      /* row of `site`; 0: the log has none */
    char *function;        /* the program's function that asked */
    char *file;            /* as the debug information has it */
    uint32_t line;         /* 0: not known */
    char *module;          /* path */
    uint64_t offset_bytes; /* in the module; 0 where the line is known */
    char *via;             /* how the site reached the allocator */
    uint64_t allocations; /* that this site made in the process, whether they agree with the finding or not */
    uint32_t per_group;   /* `combine`: its blocks in one structure, at most at once; else 0 */
};

/* What one policy's heap needs less (negative) or more, measured by a replay. */
struct tn_finding_heap_delta {
    char *policy;  /* owned */
    int64_t bytes; /* after minus before, of the smallest heap that the log survives */
};

/* What is saved when the advice is followed. Negative values are costs; deltas are after minus before. */
struct tn_finding_saving {
    uint64_t allocations_removed; /* calls that no longer reach the heap, over the whole run */
    int64_t bytes_removed;        /* header and rounding that the heap no longer spends, at the peak
                                     (docs/analyses.md) */
    int64_t peak_bytes_delta;     /* of the whole program's memory (heap, static, stack) at its peak */
    struct tn_finding_heap_delta *heap_deltas; /* owned; empty until a replay measured them */
    size_t heap_delta_count;                   /* in heap_deltas */
    uint64_t outside_bytes; /* that the change takes elsewhere, at their peak; 0 until a replay measured it */
    const char *outside;    /* where the blocks go instead, by the kind: "stack", "static", "pool"; NULL:
                               nowhere,    or not in a replay. Static storage */
};

/* What the replay needs to apply a finding to a trace. */
enum tn_apply {
    TN_APPLY_NONE = 0, /* advice that no replay can show */
    TN_APPLY_REMOVE,   /* these sites' blocks leave the heap (stack, static, permanent) */
    TN_APPLY_COMBINE,  /* one block of apply_bytes from the first member's birth to the last one's death */
    TN_APPLY_POOL,     /* blocks move into a pool of apply_count blocks of apply_bytes */
    TN_APPLY_FIXED,    /* every block gets apply_bytes */
    TN_APPLY_PRESIZE,  /* a realloc chain gets apply_bytes from the start */
};

/* One finding. Strings are owned, never NULL after tn_findings_add succeeded, except where said. */
struct tn_finding {
    const char *kind;                /* name of the kind; static storage */
    uint32_t rank;                   /* from 1, over all findings that lead; by tn_findings_rank */
    enum tn_confidence confidence;   /* by the kind */
    char *title;                     /* one line, with the number that matters: no final stop */
    struct tn_finding_site *sites;   /* owned; the one to change first; for `combine` the parent */
    size_t site_count;               /* 0: about the whole program */
    const char *tactic;              /* the paper's tactic, in a few words; static storage */
    char *advice;                    /* one or two sentences: what to change, where */
    struct tn_finding_saving saving; /* estimated by the kind; heap_deltas and outside_bytes by a replay */
    struct tn_evidence_set evidence; /* owned; keys as the kind declares them (tenure/kind.h) */
    double discount;     /* 0 to 1: share by which its saving counts less in the order than its kind's does */
    uint64_t rise_bytes; /* that its live blocks rose by over the run: counts in the order where it is more
                            than what the peak would lose; 0: they did not rise */
    char *query;         /* SQL that gives one row; each column bears the name of a top-level scalar key of
                            evidence and its value */
    char *code;          /* ready to paste; NULL: none */
    char *notes;         /* lines of caveats and exceptions for a reader; NULL: none */
    enum tn_apply apply; /* how a replay applies it, to blocks of `sites` */
    uint64_t apply_bytes; /* see enum tn_apply */
    uint64_t apply_count; /* see enum tn_apply */
    char *alternatives;   /* "pool, preallocate": kinds that claimed the same site and gave way; NULL: none */
};

/* All findings of one process. Zeroed is empty. */
struct tn_findings {
    struct tn_finding *items; /* owned; in order of rank once ranked */
    size_t count;             /* in items */
    size_t capacity;          /* room in items */
    uint64_t process_id;      /* that they are about */
    uint64_t allocations;     /* of that process, all of them: what savings are a share of */
    uint64_t peak_live_bytes; /* of that process: the same for bytes */
    uint64_t given_way;       /* findings that tn_findings_rank took out, because a stronger one leads */
};

/* Give title, advice, query, code or notes, printf-like; what was there is released.
 *
 * field    of a finding
 * Returns  0; -ENOMEM (the field is unchanged) */
int tn_finding_set(char **field, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Take over a finding. On success the list owns what finding points to; the struct itself is copied.
 *
 * Returns  0; -ENOMEM, or the error that its evidence remembers (the list is unchanged and the finding still
 *          the caller's) */
int tn_findings_add(struct tn_findings *findings, const struct tn_finding *finding);

/* Release what one finding owns; it is zeroed. */
void tn_finding_finish(struct tn_finding *finding);

/* Release all; the list is empty again. NULL and zeroed are fine. */
void tn_findings_finish(struct tn_findings *findings);

/* "proven", "consistent", "weak". In the header, so that reports need not link the analyses. */
static inline const char *tn_confidence_name(enum tn_confidence confidence)
{
    return confidence == TN_CONFIDENCE_PROVEN       ? "proven"
           : confidence == TN_CONFIDENCE_CONSISTENT ? "consistent"
                                                    : "weak";
}

#endif
