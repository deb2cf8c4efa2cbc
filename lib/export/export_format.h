/* SPDX-License-Identifier: MIT */
#ifndef TN_EXPORT_FORMAT_H
#define TN_EXPORT_FORMAT_H

/* What a format is: an entry of the table in export.c, and a function in a file of its own. */

#include "profile.h"

#include "tenure/export.h"

#include <stdbool.h>

/* An export in progress. */
struct tn_export_job {
    struct tn_log *log;                      /* borrowed */
    struct tn_profile *profile;              /* borrowed */
    const struct tn_export_options *options; /* borrowed */
    struct tn_buffer out;                    /* what was made and not handed to options->write yet */
};

struct tn_export_format {
    const char *name;                        /* as `--to` takes it */
    int (*write)(struct tn_export_job *job); /* appends to job->out; 0 or a negative errno */
};

extern const struct tn_export_format tn_export_folded;
extern const struct tn_export_format tn_export_speedscope;
extern const struct tn_export_format tn_export_dhat;
extern const struct tn_export_format tn_export_massif;
extern const struct tn_export_format tn_export_heaptrack;
extern const struct tn_export_format tn_export_perfetto;
extern const struct tn_export_format tn_export_pprof;
extern const struct tn_export_format tn_export_csv;

/* Hand over what job->out holds if that is much; formats call it between two records.
 *
 * Returns  0, or what options->write returned */
int tn_export_drain(struct tn_export_job *job);

/* What a metric tells of a stack: a count or bytes. */
uint64_t tn_export_value(const struct tn_profile_figures *figures, enum tn_export_metric metric);

/* Append a place as valgrind's tools print it: "0x12: f (a.c:3)", "0x12: f (in /lib/x.so)".
 *
 * Returns  0 or -ENOMEM */
int tn_export_print_place(struct tn_buffer *out, const struct tn_place *place);

/* Whether a metric is in bytes, and no count. */
bool tn_export_is_bytes(enum tn_export_metric metric);

#endif
