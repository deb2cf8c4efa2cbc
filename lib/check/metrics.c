/* SPDX-License-Identifier: MIT */

/* The table of metrics, and the reading of their names: "findings.pool" is a metric and a part of it. Called
 * for limits and exceptions. */

#include "metrics.h"

#include <errno.h>
#include <string.h>

#define METRIC_NAMES                                                                                         \
    "there are allocations_after_init, small_short_lived_per_s, findings[.KIND], "                           \
    "smallest_heap_bytes.MODEL, "                                                                            \
    "fragmentation_percent.MODEL, peak_live_bytes and live_at_end"

const struct metric_entry tn_metric_entries[TN_METRIC_COUNT] = {
    [TN_METRIC_AFTER_INIT] = {"allocations_after_init", PART_NONE, true, "",
                              "Allocations after the mark 'initialisation done'"},
    [TN_METRIC_SHORT_LIVED] = {"small_short_lived_per_s", PART_NONE, true, "",
                               "Allocations of at most 1,024 bytes that were released before the process had "
                               "asked for another 32 KiB, a second of the process's life"},
    [TN_METRIC_FINDINGS] = {"findings", PART_KIND, true, "",
                            "Findings of the report that are not weak: advice that was not followed"},
    [TN_METRIC_SMALLEST_HEAP] = {"smallest_heap_bytes", PART_MODEL, false, " B",
                                 "The smallest heap of this model in which the recorded process survives"},
    [TN_METRIC_FRAGMENTATION] =
        {"fragmentation_percent", PART_MODEL, false, " %",
         "Free bytes between blocks in the smallest heap of this model, in percent of "
         "the live bytes, as means over time"},
    [TN_METRIC_PEAK] = {"peak_live_bytes", PART_NONE, false, " B", "Most bytes asked for and live at once"},
    [TN_METRIC_LIVE_AT_END] = {"live_at_end", PART_NONE, true, "",
                               "Blocks that were not released when the process ended"},
};

const char *tn_metric_summary(enum tn_metric metric)
{
    return tn_metric_entries[metric].summary;
}

static bool is_kind(const char *name, const char *const *kinds)
{
    for (; *kinds != NULL; kinds++)
        if (strcmp(*kinds, name) == 0)
            return true;
    return false;
}

static int check_part(const struct metric_entry *entry, const char *part, const char *const *kinds,
                      struct tn_error *error)
{
    bool has_part = part[0] != '\0';
    if (entry->part == PART_NONE && has_part)
        return tn_error_set(error, -EINVAL, "'%s' takes nothing behind a dot", entry->name);
    if (entry->part == PART_MODEL && !has_part)
        return tn_error_set(
            error, -EINVAL,
            "'%s' needs a model of a heap behind a dot, as in %s.tlsf; 'tenure simulate --help' "
            "lists them",
            entry->name, entry->name);
    if (entry->part == PART_KIND && has_part && !is_kind(part, kinds))
        return tn_error_set(error, -EINVAL,
                            "'%s' is no kind of finding; 'tenure report --list-kinds' lists them", part);
    return 0;
}

int tn_metric_parse(const char *name, const char *const *kinds, enum tn_metric *ret_metric,
                    const char **ret_part, struct tn_error *error)
{
    size_t length = strcspn(name, ".");
    for (int i = 0; i < TN_METRIC_COUNT; i++) {
        const struct metric_entry *entry = &tn_metric_entries[i];
        if (strlen(entry->name) != length || strncmp(entry->name, name, length) != 0)
            continue;
        const char *part = name[length] == '.' ? name + length + 1 : name + length;
        int r = check_part(entry, part, kinds, error);
        if (r < 0)
            return r;
        *ret_metric = (enum tn_metric)i;
        *ret_part = part;
        return 0;
    }
    return tn_error_set(error, -EINVAL, "'%s' is no metric: " METRIC_NAMES, name);
}
