/* SPDX-License-Identifier: MIT */
/* What the figures of a trial mean: names of verdicts, medians of pairs, and whether a difference is more
 * than noise. */
#include "tenure/try.h"

#include <stdlib.h>
#include <string.h>

const char *tn_try_verdict_name(enum tn_try_verdict verdict)
{
    static const char *const names[] = {"confirmed", "not-exercised", "too-small", "refuted", "left-out"};
    return names[verdict];
}

bool tn_try_has_refuted(const struct tn_try_report *report)
{
    for (size_t i = 0; i < report->result_count; i++)
        if (report->results[i].verdict == TN_TRY_REFUTED)
            return true;
    return false;
}

uint64_t tn_try_served_calls(const struct tn_try_report *report)
{
    uint64_t calls = 0;
    for (size_t i = 0; i < report->result_count; i++)
        calls += report->results[i].served_calls;
    return calls;
}

uint64_t tn_try_outside_bytes(const struct tn_try_report *report)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < report->result_count; i++)
        bytes += report->results[i].outside_bytes;
    return bytes;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* ret_sorted: room for TN_TRY_RUNS_MAX. Returns how many there are. */
static size_t sort(const uint64_t *values, size_t count, uint64_t *ret_sorted)
{
    size_t kept = count < TN_TRY_RUNS_MAX ? count : TN_TRY_RUNS_MAX;
    memcpy(ret_sorted, values, kept * sizeof(values[0]));
    qsort(ret_sorted, kept, sizeof(values[0]), compare);
    return kept;
}

uint64_t tn_try_median(const uint64_t *values, size_t count)
{
    uint64_t sorted[TN_TRY_RUNS_MAX];
    size_t kept = sort(values, count, sorted);
    if (kept == 0)
        return 0;
    uint64_t upper = sorted[kept / 2];
    return kept % 2 != 0 ? upper : sorted[kept / 2 - 1] + (upper - sorted[kept / 2 - 1]) / 2;
}

static uint64_t spread(const uint64_t *values, size_t count)
{
    uint64_t sorted[TN_TRY_RUNS_MAX];
    size_t kept = sort(values, count, sorted);
    return sorted[kept - 1] - sorted[0];
}

bool tn_try_differs(const uint64_t *before, const uint64_t *after, size_t count)
{
    size_t more = 0, less = 0;
    for (size_t i = 0; i < count; i++) {
        more += after[i] > before[i];
        less += after[i] < before[i];
    }
    if (count < 2 || (more != count && less != count))
        return false;
    uint64_t a = tn_try_median(before, count), b = tn_try_median(after, count);
    uint64_t difference = a > b ? a - b : b - a;
    return difference > spread(before, count) && difference > spread(after, count);
}
