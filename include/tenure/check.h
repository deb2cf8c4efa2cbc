/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CHECK_H
#define TENURE_CHECK_H

/* A gate for continuous integration: limits on metrics of a recording, exceptions of single sites with their
 * reasons, and the answer as text's data, JSON, JUnit XML or SARIF. docs/ci.md has the metrics and the format
 * of a policy file. For `tenure check`. Only tn_check_count_after_init reads a log. Any thread on its own
 * data. */

#include "tenure/base.h"
#include "tenure/finding.h"
#include "tenure/summary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_log;

enum tn_metric {
    TN_METRIC_AFTER_INIT,    /* allocations after initialisation was done */
    TN_METRIC_SHORT_LIVED,   /* small short-lived allocations a second of the process's life */
    TN_METRIC_FINDINGS,      /* findings that are not weak; of a kind, or all */
    TN_METRIC_SMALLEST_HEAP, /* smallest safe heap of a model, bytes */
    TN_METRIC_FRAGMENTATION, /* free bytes between blocks in that heap, percent of live bytes, mean over time
                              */
    TN_METRIC_PEAK,          /* bytes live at the peak */
    TN_METRIC_LIVE_AT_END,   /* blocks that were not released */
    TN_METRIC_COUNT
};

/* A limit on a metric. Strings are owned by the policy. */
struct tn_check_limit {
    enum tn_metric metric;
    char *name;       /* as it was given: "findings.pool" */
    const char *part; /* in name: the kind or the model; "" without one */
    double max;       /* most that is allowed, in the metric's unit; >= 0 */
    uint32_t line;    /* of the policy file; 0: from the command line */
};

/* A site that a limit does not count. Strings are owned by the policy. */
struct tn_check_exception {
    enum tn_metric metric; /* of those that count by site */
    char *name;            /* as it was given */
    const char *part;      /* in name: the kind; "": all */
    char *place;           /* function, FILE:LINE with as much of the path as is needed, or a finding's key */
    char *reason;          /* why it is allowed; not "" */
    uint32_t line;         /* of the policy file */
};

/* What is demanded. Zeroed is empty. By tn_check_policy_add_limit and tn_check_policy_read. */
struct tn_check_policy {
    struct tn_check_limit *limits; /* owned; in the order in which they were given */
    size_t limit_count;
    struct tn_check_exception *exceptions; /* owned; likewise */
    size_t exception_count;
};

/* Add a limit.
 *
 * text     METRIC=VALUE; findings may have a .KIND, models of heaps need a .POLICY
 * kinds    names of the kinds that there are, ended by NULL
 * Returns  0; -EINVAL: no such metric or kind, no number, or the metric was limited before; -ENOMEM; error
 *          says what is wrong (the policy is unchanged) */
int tn_check_policy_add_limit(struct tn_check_policy *policy, const char *text, const char *const *kinds,
                              struct tn_error *error);

/* Add the limits and exceptions of a policy file: lines `max METRIC=VALUE` and `except METRIC at PLACE
 * because REASON`; `#` begins a comment line.
 *
 * name     of the file, for messages
 * text     the whole file, ended by 0; is cut into words
 * kinds    as above
 * Returns  0; -EBADMSG: a bad line, error names it; -ENOMEM; the policy may hold a part */
int tn_check_policy_read(struct tn_check_policy *policy, const char *name, char *text,
                         const char *const *kinds, struct tn_error *error);

/* Release what a policy owns; it is empty again. Zeroed is fine. */
void tn_check_policy_finish(struct tn_check_policy *policy);

/* Whether one of the limits is on this metric. */
bool tn_check_policy_has(const struct tn_check_policy *policy, enum tn_metric metric);

/* A heap model that was measured. By the caller. */
struct tn_check_heap {
    const char *policy;           /* borrowed; as the part of a limit names it */
    uint64_t smallest_bytes;      /* smallest safe heap; 0: not found */
    double fragmentation_percent; /* in that heap */
};

/* Allocations after initialisation, by site. Zeroed: not counted. */
struct tn_after_init {
    bool has_mark;     /* the process has a mark `initialisation done`; else nothing is counted */
    uint64_t init_ns;  /* when that was, ns since the log's start */
    uint64_t total;    /* allocations after it */
    uint64_t *by_site; /* owned; by site id; [0]: without a site */
    size_t site_count; /* length of by_site */
};

/* Count them.
 *
 * log          open, only read
 * process_id   row of `process`
 * ret_after    written on success; free(ret_after->by_site) releases it
 * Returns      0, also without a mark; -EBADMSG: a damaged log; -ENOMEM; -EIO; error says what failed
 * Cost         one pass over the allocations of the process, about 0.5 us each */
int tn_check_count_after_init(struct tn_log *log, uint64_t process_id, struct tn_after_init *ret_after,
                              struct tn_error *error);

/* What is checked. By the caller; borrowed until the result is finished. */
struct tn_check_subject {
    const struct tn_summary *summary;   /* with all sites in TN_SUMMARY_BY_ALLOCATIONS */
    const struct tn_findings *findings; /* ranked; NULL: not analysed, which only a limit on findings needs */
    const struct tn_after_init *after_init; /* NULL: not counted, likewise */
    const struct tn_check_heap *heaps;      /* heap_count of them; all that the limits name */
    size_t heap_count;
};

/* What a site or a finding adds to a metric. */
struct tn_check_part {
    double amount; /* in the metric's unit */
    const struct tn_summary_site
        *site;                        /* borrowed; where; NULL: the whole program, or only finding knows it */
    const struct tn_finding *finding; /* borrowed; of TN_METRIC_FINDINGS; else NULL */
    const struct tn_check_exception *exception; /* borrowed; why it does not count; NULL: it counts */
};

/* What came of a limit. */
struct tn_check_verdict {
    const struct tn_check_limit *limit; /* borrowed */
    double value;                       /* what counts, in the metric's unit */
    double excepted;                    /* what does not, because of exceptions */
    bool is_violated;                   /* value > limit->max */
    /* Owned; those that count, the largest first, at most TN_CHECK_PARTS_MAX, then those that do not. For
       what belongs to the program as a whole, the site with the highest peak, as a place to look at. */
    struct tn_check_part *parts;
    size_t part_count; /* in parts */
    size_t parts_left; /* that count, and are not in parts */
};

#define TN_CHECK_PARTS_MAX 20

/* What came of a check. Zeroed is empty. */
struct tn_check_result {
    const struct tn_check_subject *subject; /* borrowed */
    const struct tn_check_policy *policy;   /* borrowed */
    struct tn_check_verdict *verdicts;      /* owned; by limit */
    size_t verdict_count;                   /* in verdicts */
    size_t violated_count;                  /* verdicts that are violated */
    bool *is_used;                          /* owned; by exception: it applied to something */
};

/* Whether what a log says can be too little: it is not complete or not finished, events were lost, or could
 * not be matched. */
bool tn_check_is_lossy(const struct tn_summary *summary);

/* Check.
 *
 * policy, subject  borrowed until tn_check_result_finish
 * ret_result       written on success
 * Returns          0, violated or not; -ENODATA: a metric that the log does not give; -ENOMEM; error says
 *                  what failed and what to do */
int tn_check(const struct tn_check_policy *policy, const struct tn_check_subject *subject,
             struct tn_check_result *ret_result, struct tn_error *error);

/* Release what a result owns; it is empty again. Zeroed is fine. */
void tn_check_result_finish(struct tn_check_result *result);

/* Append the result as one JSON object; docs/ci.md describes it.
 *
 * Returns  0 or -ENOMEM */
int tn_check_write_json(const struct tn_check_result *result, struct tn_buffer *out);

/* Append the result as JUnit XML: a test case for each limit.
 *
 * Returns  0 or -ENOMEM
 * Source   the schemas of Ant (JUnit.xsd) and of the Jenkins xUnit plug-in (junit-10.xsd) */
int tn_check_write_junit(const struct tn_check_result *result, struct tn_buffer *out);

/* Append the result as SARIF 2.1.0: a result for each place that a violated limit counts, and a suppressed
 * one for each exception.
 *
 * source_root  absolute path without a slash at its end: files below it are named relative to it; "": none
 * are
 * Returns      0 or -ENOMEM
 * Source       Static Analysis Results Interchange Format 2.1.0, OASIS, 2020 */
int tn_check_write_sarif(const struct tn_check_result *result, const char *source_root,
                         struct tn_buffer *out);

/* Append a sentence: "smallest_heap_bytes.tlsf: 70,000 B, at most 65,536 B allowed".
 *
 * Returns  0 or -ENOMEM */
int tn_check_print_verdict(const struct tn_check_verdict *verdict, struct tn_buffer *out);

/* Append a phrase: "1,200 by parse at data.c:88 via malloc", or a finding's kind and title.
 *
 * part     of a verdict on this metric
 * Returns  0 or -ENOMEM */
int tn_check_print_part(const struct tn_check_part *part, enum tn_metric metric, struct tn_buffer *out);

/* What a metric is, in one sentence. Static storage. */
const char *tn_metric_summary(enum tn_metric metric);

#endif
