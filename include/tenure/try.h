/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TRY_H
#define TENURE_TRY_H

/* What came of it when findings were applied in the program itself: the verdict on each of them, and the runs
 * without and with them side by side. Plain data and the reports that are written from it. The work in the
 * program is done by the library of trial.h. One thread. */

#include "tenure/base.h"
#include "tenure/finding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_TRY_RUNS_MAX 99 /* pairs */

enum tn_try_verdict {
    TN_TRY_CONFIRMED = 0, /* its blocks were served as it says, and nothing contradicted it */
    TN_TRY_NOT_EXERCISED, /* none of its calls was made in the run */
    TN_TRY_TOO_SMALL,     /* the same, but the heap had to serve some: a pool was empty, an arena full */
    TN_TRY_REFUTED,       /* something happened that it rules out */
    TN_TRY_LEFT_OUT,      /* it was not tried: `reason` says why */
};

/* "confirmed", "not-exercised", "too-small", "refuted", "left-out". Static. */
const char *tn_try_verdict_name(enum tn_try_verdict verdict);

/* What came of one finding. */
struct tn_try_result {
    const struct tn_finding *finding; /* borrowed */
    enum tn_try_verdict verdict;
    const char *reason;              /* static; why it was left out; else NULL */
    uint64_t place_count;            /* call stacks of its blocks in the log */
    uint64_t missing_count;          /* of these, in files that are not what was recorded */
    uint64_t claimed_calls;          /* that it keeps from the heap, by the log */
    uint64_t asked_calls;            /* of its places in the run */
    uint64_t served_calls;           /* of these, that the heap did not see */
    uint64_t fallback_calls;         /* of these, that the heap had to serve: a pool was empty, a block too
                                        large */
    uint64_t peak_count;             /* blocks that it served at once, at most */
    uint64_t outside_bytes;          /* of memory that it took in place of the heap */
    uint64_t event;                  /* refuted: number of the program's allocator call, from 1; 0: not
                                        known */
    struct tn_refutation refutation; /* owned; refuted: what did it */
};

/* One way in which the program was run. */
struct tn_log;

struct tn_try_side {
    int status;            /* of the recorded run, as a shell has it: 128 and the signal's number */
    bool is_hung;          /* it did not end in time */
    int drive_status;      /* of the drive command, likewise; 0 without one */
    uint64_t output_hash;  /* of what the program, or the drive command, wrote to stdout */
    uint64_t output_bytes; /* likewise, of the program */
    uint64_t calls;        /* allocations that the program made */
    uint64_t heap_calls;   /* of these, that reached the heap */
    uint64_t failures;     /* of these, that it refused */
    uint64_t peak_bytes;   /* live in the heap at most, as asked for */
    uint64_t region_bytes; /* smallest region that the heap's part of the events needs, first-fit, or what
                              the model of --heap used; 0: not known */
    uint64_t duration_ns[TN_TRY_RUNS_MAX]; /* by pair, as the next two; 0: not known */
    uint64_t cpu_ns[TN_TRY_RUNS_MAX];
    uint64_t resident_bytes[TN_TRY_RUNS_MAX];
};

/* A whole trial. Strings are borrowed. */
struct tn_try_report {
    const char *log;     /* path */
    const char *command; /* the program and its arguments, as a shell needs them */
    const char *plan;    /* as it was given */
    const char *record;  /* path of the new recording; NULL: it was not kept */
    struct tn_try_result *results;
    size_t result_count;
    struct tn_try_side without, with;
    size_t run_count;       /* pairs that were timed */
    bool has_steady_output; /* two runs without the plan wrote the same */
    bool is_saved;          /* what was refuted stands in the log */
    uint64_t heap_bytes;    /* --heap; 0: the C library's */
    const char *policy;     /* with --heap */
};

/* Write what the second allocator is to do, as trial.h has it: a change for each result, in their order.
 *
 * results      with their findings; gets place_count and missing_count, and the verdict and the reason of
 * what is
 *              left out
 * file         appended to
 * Returns      0; -EBADMSG, -EIO: the log cannot be read; -ENOMEM; error says what failed */
int tn_try_plan_write(struct tn_log *log, struct tn_try_result *results, size_t result_count,
                      struct tn_buffer *file, struct tn_error *error);

/* Read what the second allocator told.
 *
 * path      of the file after the run
 * program   path of what was executed
 * when      for refutations, UTC
 * report    results are completed; command is read
 * Returns   0; -ENODATA: the library was never loaded into the program; -EBADMSG: no such file; -ENOMEM;
 *           error says what failed */
int tn_try_results_read(const char *path, const char *program, const char *when, struct tn_try_report *report,
                        struct tn_error *error);

/* Whether a trial can show what a finding says.
 *
 * Returns  NULL; else why not: static */
const char *tn_try_reason(const struct tn_finding *finding);

/* Release what results own. */
void tn_try_results_finish(struct tn_try_result *results, size_t count);

/* Whether any finding was refuted. */
bool tn_try_has_refuted(const struct tn_try_report *report);

/* What the findings keep from the heap in the run, all together, and what they take in its place. */
uint64_t tn_try_served_calls(const struct tn_try_report *report);
uint64_t tn_try_outside_bytes(const struct tn_try_report *report);

/* The middle value of count, of an even number the mean of the middle two; 0: there is none. */
uint64_t tn_try_median(const uint64_t *values, size_t count);

/* Whether the difference between two series, measured in pairs, is more than noise: its sign is the same in
 * each pair, and its median larger than the spread within each series. */
bool tn_try_differs(const uint64_t *before, const uint64_t *after, size_t count);

/* Write the report.
 *
 * Returns  0 or -ENOMEM */
int tn_try_write_text(const struct tn_try_report *report, struct tn_buffer *out);
int tn_try_write_json(const struct tn_try_report *report, struct tn_buffer *out);

#endif
