/* SPDX-License-Identifier: MIT */
#ifndef TN_CHECK_METRICS_H
#define TN_CHECK_METRICS_H

/* The table of metrics: what each is called and how it is counted. The one place that knows their names. */

#include "tenure/check.h"

/* What follows the name of a metric, behind a dot. */
enum metric_part {
    PART_NONE,  /* nothing */
    PART_KIND,  /* a kind of finding, or nothing */
    PART_MODEL, /* a model of a heap, always */
};

/* Static. */
struct metric_entry {
    const char *name; /* without its part */
    enum metric_part part;
    bool is_by_site;     /* it can be told site by site, and so be excepted */
    const char *unit;    /* behind a value: " B"; "" for a count */
    const char *summary; /* one sentence without a full stop */
};

/* By enum tn_metric. */
extern const struct metric_entry tn_metric_entries[TN_METRIC_COUNT];

/* Take a metric's name apart.
 *
 * name      "findings.pool"
 * kinds     names of the kinds that there are, ended by NULL
 * ret_part  in name: behind the dot, or its end
 * Returns   0; -EINVAL: there is no such metric or kind, or a part is missing or too much; error says which,
 * as
 *           the end of a sentence */
int tn_metric_parse(const char *name, const char *const *kinds, enum tn_metric *ret_metric,
                    const char **ret_part, struct tn_error *error);

#endif
