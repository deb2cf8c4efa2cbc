/* SPDX-License-Identifier: MIT */
#ifndef TENURE_ANALYZE_H
#define TENURE_ANALYZE_H

/* From a log to findings: one pass over the events of one process, shared by all kinds that the caller names.
 * What each kind asks, and by which thresholds, is explained in docs/analyses.md. For tools; one thread at a
 * time on one log. */

#include "tenure/base.h"
#include "tenure/finding.h"
#include "tenure/kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_allocation;
struct tn_log;
struct tn_planner;

/* A threshold that was set. */
struct tn_threshold_value {
    const char *name; /* borrowed; one of a kind's thresholds */
    double value;     /* within its min and max */
};

/* Who sees the events of the process beside the kinds: each once, in true order. Both are called in one
 * thread, not the caller's, and no more after tn_analyze has returned. Of the allocation thread_id, stack_id,
 * size_bytes and birth_ns are set; at a death also death_ns, lifetime_bytes, free_thread_id and
 * free_stack_id. They return 0, or a negative errno that ends the analysis. */
struct tn_event_watch {
    int (*birth)(void *context, const struct tn_allocation *allocation); /* a block is born */
    int (*death)(void *context, const struct tn_allocation *allocation); /* a block dies */
    void *context;                                                       /* given to both */
};

/* What to analyse. Zeroed is a good default. */
struct tn_analyze_options {
    uint64_t process_id;      /* 0: the process with most allocations */
    uint64_t min_allocations; /* sites with fewer are left alone, but by kinds that speak of single blocks; 0:
                                 the default, TN_MIN_ALLOCATIONS */
    const char *wrapper_regex; /* NULL; else more wrappers, as `tenure record --wrapper` takes them */
    const char *only;          /* NULL: every kind; else names, separated by commas: findings of the
                                  others are left out in the end, and those that gave way stay */
    const char *pool_sizes;    /* NULL; else block sizes that `pool` prices beside its own choice: bytes,
                                  separated by commas */
    const struct tn_threshold_value *values; /* borrowed; set thresholds */
    size_t value_count;                      /* in values */
    const struct tn_planner *planner;   /* borrowed; makes findings->program_plan; NULL: there will be none */
    const struct tn_event_watch *watch; /* borrowed; NULL: nobody */
    void (*progress)(void *user, uint64_t done, uint64_t total); /* called with events; NULL: it is not */
    void *user;                                                  /* given to progress */
};

#define TN_MIN_ALLOCATIONS 20u /* fewer may fall together by chance: docs/analyses.md */

/* Analyse.
 *
 * log           open; may still be recorded, or cut short: then what it holds so far
 * kinds         what to look for, ended by NULL: tn_kinds
 * ret_findings  ranked; the caller releases them by tn_findings_finish
 * Returns       0, also without any finding; -EINVAL an unknown kind, threshold or expression; -ENOENT no
 *               such process; -EBADMSG a damaged log; -ENOMEM, -EIO. error says what failed and what to do;
 *               ret_findings is then not written
 * Cost          one pass: docs/analyses.md has figures; memory in proportion to live blocks, stacks and sites
 */
int tn_analyze(struct tn_log *log, const struct tn_kind *const *kinds,
               const struct tn_analyze_options *options, struct tn_findings *ret_findings,
               struct tn_error *error);

/* Let kinds that claim the same sites compete, and order and number all findings: by what they save, the most
 * first; those that gave way last. A finding gives way when kinds that it yields to lead at all its sites;
 * their `alternatives` then name its kind. A weak finding never displaces another confidence. Numbers and
 * keys are given before anything is left out, so that they are the same whatever a report shows. tn_analyze
 * has done so.
 *
 * findings  items, allocations and peak_live_bytes are read; items, rank, key, has_given_way, alternatives
 * and
 *           given_way written. What a replay measured is not looked at
 * kinds     ended by NULL; weights and precedence
 * only      NULL: findings that gave way are released, and counted in given_way; else names of kinds,
 * separated
 *           by commas: all findings of other kinds are released, and those that gave way stay
 * Returns   0; -ENOMEM (all findings are still there, unordered)
 * Cost      n log n, and the sites times the kinds */
int tn_findings_rank(struct tn_findings *findings, const struct tn_kind *const *kinds, const char *only);

/* The first step of tn_findings_rank: decide which findings give way. Nothing is moved or released, and it
 * may be done again, as tn_findings_rank does.
 *
 * findings  has_given_way and alternatives are written
 * Returns   0 or -ENOMEM
 * Cost      the sites times the kinds */
int tn_findings_compete(struct tn_findings *findings, const struct tn_kind *const *kinds);

/* Write findings into the log's tables `finding` and `finding_site`, replacing those of the same process.
 *
 * path     of a log that no recorder writes
 * Returns  0; -EBUSY it is being recorded; -EACCES, -EROFS, -ENOSPC, -EIO. error says what failed and what to
 *          do; the log is then unchanged */
int tn_findings_save(const char *path, const struct tn_findings *findings, struct tn_error *error);

/* Write into the log that a trial has contradicted a finding: its row in `finding` gets refuted_by, and is
 * made if there is none.
 *
 * path     as of tn_findings_save
 * finding  of the process process_id, with its key and refuted_by
 * Returns  as tn_findings_save */
int tn_finding_save_refuted(const char *path, uint64_t process_id, const struct tn_finding *finding,
                            struct tn_error *error);

#endif
