/* SPDX-License-Identifier: MIT */
#ifndef TENURE_COMPARE_H
#define TENURE_COMPARE_H

/* What changed between two recordings of a program, usually of two builds: totals, sites, findings, heaps,
 * and which of it is a regression. Sites are matched although their lines moved; where nothing tells which of
 * several lines became which, they are compared as one. Plain data in, plain data out, for `tenure diff`;
 * only tn_call_contexts_load reads a log. Any thread on its own data. */

#include "tenure/base.h"
#include "tenure/finding.h"
#include "tenure/summary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_json;
struct tn_log;

/* What a log knows of a module's contents. Strings are owned. */
struct tn_module_build {
    char *path;     /* as mapped */
    char *build_id; /* lower-case hex; "" without one */
};

/* From where a site was called: one hash for each chain of callers, by the names of their functions. */
struct tn_context_set {
    uint64_t *hashes; /* owned; ascending, each once; NULL: none is known */
    size_t count;     /* in hashes */
};

/* What matching needs of a log beside its summary. Zeroed is empty: then sites are matched without it. */
struct tn_call_contexts {
    struct tn_context_set *sites;    /* owned; by site id */
    size_t site_count;               /* entries of sites: 1 + the highest site id */
    struct tn_module_build *modules; /* owned; in order of their ids */
    size_t module_count;             /* in modules */
};

/* Load the contexts of all sites of a log.
 *
 * log           open; stays open and the caller's
 * ret_contexts  written on success; tn_call_contexts_finish releases it
 * Returns       0, also for a log without names: then there are no contexts; -EBADMSG: a damaged log;
 * -ENOMEM,
 *               -EIO; error says what failed and what to do
 * Cost          one pass over the stacks and frames of the log, about 100 ns a stack */
int tn_call_contexts_load(struct tn_log *log, struct tn_call_contexts *ret_contexts, struct tn_error *error);

/* Release what it owns; it is empty again. NULL and zeroed are fine. */
void tn_call_contexts_finish(struct tn_call_contexts *contexts);

/* One of the two recordings. Borrowed from the caller until the comparison is finished. */
struct tn_compared_run {
    const struct tn_summary *summary;        /* with all sites of the process in TN_SUMMARY_BY_ALLOCATIONS */
    const struct tn_findings *findings;      /* ranked, of the same process; NULL: not analysed */
    const struct tn_call_contexts *contexts; /* of the same log; NULL: none */
};

/* A heap model before and after. By the caller. */
struct tn_compared_heap {
    const char *policy;    /* borrowed; the model, as it was asked for */
    uint64_t before_bytes; /* smallest safe heap of the old recording; 0: not found */
    uint64_t after_bytes;  /* of the new one; 0: not found */
};

/* Numbers of a site, or sums over several that are compared as one. */
struct tn_site_figures {
    uint64_t allocations;       /* calls */
    uint64_t total_bytes;       /* asked for */
    uint64_t peak_live_bytes;   /* the sum of the sites' own peaks, which need not be at the same time */
    uint64_t live_at_end;       /* blocks */
    uint64_t small_short_lived; /* as in the summary */
};

/* A site before and after. More than one on a side: lines of one function that nothing tells apart. */
struct tn_site_change {
    size_t before_first, before_count; /* in tn_comparison.before; count 0: the site is new */
    size_t after_first, after_count;   /* in tn_comparison.after; count 0: the site is gone */
    struct tn_site_figures before;     /* sums over its sites; all 0 without any */
    struct tn_site_figures after;      /* the same */
};

enum tn_change_state {
    TN_CHANGE_SAME,    /* on both sides, with the same sites, confidence and, within 5 %, savings */
    TN_CHANGE_CHANGED, /* on both sides */
    TN_CHANGE_GONE,    /* in the old recording only */
    TN_CHANGE_NEW,     /* in the new recording only */
};

/* A finding before and after. */
struct tn_finding_change {
    enum tn_change_state state;
    const struct tn_finding *before; /* borrowed; NULL: new */
    const struct tn_finding *after;  /* borrowed; NULL: gone */
};

/* What can get worse. */
enum tn_regression_kind {
    TN_REGRESSION_CALLS,   /* allocations of the process */
    TN_REGRESSION_PEAK,    /* bytes live at its peak */
    TN_REGRESSION_HEAP,    /* smallest heap of a model */
    TN_REGRESSION_FINDING, /* a new finding that is not weak */
};

/* One thing that got worse: by more than TN_REGRESSION_PERCENT and by more than TN_REGRESSION_LEAST. */
struct tn_regression {
    enum tn_regression_kind kind;
    uint64_t before, after;           /* calls or bytes; 0 of a finding */
    const char *policy;               /* borrowed; of TN_REGRESSION_HEAP; else NULL */
    const struct tn_finding *finding; /* borrowed; of TN_REGRESSION_FINDING; else NULL */
};

#define TN_REGRESSION_PERCENT 5
#define TN_REGRESSION_LEAST   1024 /* calls or bytes: what is less is noise */

/* What changed. Zeroed is empty. */
struct tn_comparison {
    const struct tn_compared_run *old_run; /* borrowed */
    const struct tn_compared_run *new_run; /* borrowed */
    const struct tn_summary_site **before; /* owned; sites of the old recording, by change; borrowed each */
    const struct tn_summary_site **after;  /* owned; of the new one */
    struct tn_site_change *sites;          /* owned; the one with most calls more or less first */
    size_t site_count;                     /* in sites */
    struct tn_finding_change *findings;    /* owned; new, changed, gone, the same; by rank in each */
    size_t finding_count;                  /* in findings */
    const struct tn_compared_heap *heaps;  /* borrowed; in the order in which they were given */
    size_t heap_count;                     /* in heaps */
    struct tn_regression *regressions;     /* owned; by kind, heaps and findings in their order */
    size_t regression_count;               /* in regressions */
};

/* Compare.
 *
 * old_run, new_run  borrowed until tn_comparison_finish
 * heaps             heap_count of them, borrowed likewise; NULL where that is 0
 * ret_comparison    written on success; tn_comparison_finish releases it
 * Returns           0; -ENOMEM
 * Cost              n log n in the sites; quadratic in the sites of one function */
int tn_compare(const struct tn_compared_run *old_run, const struct tn_compared_run *new_run,
               const struct tn_compared_heap *heaps, size_t heap_count, struct tn_comparison *ret_comparison);

/* Whether a site change is one: a figure differs, or it is there on one side only. */
bool tn_site_has_changed(const struct tn_site_change *change);

/* Append the comparison as one JSON object; docs/ci.md describes it.
 *
 * Returns  0 or -ENOMEM */
int tn_comparison_write_json(const struct tn_comparison *comparison, struct tn_buffer *out);

/* "calls", "peak_live_bytes", "smallest_heap_bytes", "finding". Static storage. */
const char *tn_regression_name(enum tn_regression_kind kind);

/* "same", "changed", "gone", "new". Static storage. */
const char *tn_change_state_name(enum tn_change_state state);

/* Release what it owns; it is empty again. NULL and zeroed are fine. */
void tn_comparison_finish(struct tn_comparison *comparison);

#endif
