/* SPDX-License-Identifier: MIT */
#ifndef TENURE_EXPORT_H
#define TENURE_EXPORT_H

/* A recorded process in the formats of other viewers: flame graphs, heap profilers, tracers. Each format is
 * an entry of one table and a file of its own in lib/export. Figures are those that SQL gives on the log. One
 * thread at a time. */

#include "tenure/base.h"

#include <stddef.h>
#include <stdint.h>

struct tn_log;

/* What an export says about each call stack. A format that holds several tells them all, this one first. */
enum tn_export_metric {
    TN_EXPORT_ALLOCATIONS, /* how many were made */
    TN_EXPORT_BYTES,       /* bytes that they asked for */
    TN_EXPORT_PEAK,        /* bytes live when the process had most */
    TN_EXPORT_LIVE_AT_END, /* bytes that were never released */
    TN_EXPORT_SHORT_LIVED, /* allocations that were gone before the process asked for 32 KiB more */
    TN_EXPORT_METRIC_COUNT,
};

/* A metric's name, as `--metric` takes it: "live-at-end". Static storage; any thread. */
const char *tn_export_metric_name(enum tn_export_metric metric);

/* Find a metric by its name.
 *
 * Returns  0; -EINVAL: there is none of this name; error lists them
 * Threads  any */
int tn_export_metric_find(const char *name, enum tn_export_metric *ret_metric, struct tn_error *error);

/* A format. Static, never freed. */
struct tn_export_format;

/* List all formats.
 *
 * index    from 0
 * Returns  the format; NULL behind the last one
 * Threads  any */
const struct tn_export_format *tn_export_format_at(size_t index);

/* A format's name, as `--to` takes it. Static storage; any thread. */
const char *tn_export_format_name(const struct tn_export_format *format);

/* Find a format by its name.
 *
 * Returns  0; -EINVAL: there is none of this name; error lists them
 * Threads  any */
int tn_export_format_find(const char *name, const struct tn_export_format **ret_format,
                          struct tn_error *error);

/* What to write, and where to. */
struct tn_export_options {
    const struct tn_export_format *format;
    enum tn_export_metric metric;
    uint64_t process_id; /* row of `process`; 0: the one with most allocations */

    /* Takes what was made: size_bytes bytes. Returns 0, or a negative errno, which ends the export. */
    int (*write)(void *user, const void *data, size_t size_bytes);
    void *user; /* handed to write */
};

/* Write a process of a log in a format. The log's names and sites must be there: it is finished.
 *
 * log      open; stays open and the caller's
 * Returns  0; -ENOENT: no such process; -EBADMSG: a damaged log; -ENOMEM; -EIO; what write returned. error
 *          says what failed; what was written before is incomplete
 * Cost     two passes over the process's events, some 100 ns an event; memory in proportion to stacks and
 *          live blocks */
int tn_export(struct tn_log *log, const struct tn_export_options *options, struct tn_error *error);

#endif
