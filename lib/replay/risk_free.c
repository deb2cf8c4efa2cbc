/* SPDX-License-Identifier: MIT */
/* Level 2 of the risk card, free of any distribution: whether the peaks of equal windows of time rise
 * (Mann-Kendall's test, Theil-Sen's slope), and if not, how likely a longer mission exceeds the recorded
 * peak. */
#include "risk_levels.h"

#include <math.h>
#include <stdlib.h>

#define Z_ONE_SIDED   1.645 /* 5 % */
#define TREND_SHARE   0.05  /* of the median peak: a rise of less over the whole recording does not matter */
#define WINDOWS_MIN   10    /* windows with events */
#define SURVIVAL_GOAL 0.99
#define CONFIDENCE    0.95
#define SLOPES_MAX    (TN_RISK_WINDOWS * TN_RISK_WINDOWS / 2)

const char *tn_refusal_text(enum tn_refusal refusal)
{
    static const char *const texts[] = {
        "",
        "the peaks rise to the end: while something grows, no number means anything",
        "too little is recorded: record for longer, or more of the program's work",
        "blocks that stay are born until the end: a year needs more than was seen",
        "the recording has more events than are held in memory (4 million)",
        "the recording itself does not survive in this heap",
    };
    return texts[refusal];
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), by_value);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Variance of Kendall's S with ties: (n (n - 1) (2 n + 5) - the same of each run of equal values) / 18. */
static double kendall_variance(const double *sorted, size_t count)
{
    double n = (double)count, variance = n * (n - 1) * (2 * n + 5);
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && sorted[end] == sorted[i])
            end++;
        double t = (double)(end - i);
        variance -= t * (t - 1) * (2 * t + 5);
        i = end;
    }
    return variance / 18;
}

/* Over all windows but the first one, which holds the start-up. */
static void find_trend(const struct tn_risk_trace *trace, struct tn_risk_card *card)
{
    const uint64_t *peaks = trace->peaks + 1;
    size_t count = TN_RISK_WINDOWS - 1, slope_count = 0;
    double slopes[SLOPES_MAX], sorted[TN_RISK_WINDOWS], s = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (double)peaks[i];
        for (size_t j = i + 1; j < count; j++) {
            double rise = (double)peaks[j] - (double)peaks[i];
            s += (rise > 0) - (rise < 0);
            slopes[slope_count++] = rise / (double)(j - i);
        }
    }
    double middle = median(sorted, count), variance = kendall_variance(sorted, count);
    double slope = median(slopes, slope_count);
    double step = s > 0 ? s - 1 : s < 0 ? s + 1 : 0; /* continuity */
    card->trend_z = variance > 0 ? step / sqrt(variance) : 0;
    card->trend_share = middle > 0 ? slope * (double)count / middle : 0;
}

void tn_risk_without_distribution(const struct tn_risk_trace *trace, struct tn_risk_card *card)
{
    card->window_count = trace->window_count;
    for (size_t i = 0; i < TN_RISK_WINDOWS; i++)
        card->window_peaks[i] = trace->peaks[i];
    card->missions_needed = (uint64_t)ceil(log(1 - CONFIDENCE) / log(SURVIVAL_GOAL));
    find_trend(trace, card);
    if (trace->is_cut)
        card->free_refusal = TN_REFUSAL_TOO_LONG;
    else if (!card->has_survived)
        card->free_refusal = TN_REFUSAL_DOES_NOT_FIT;
    else if (trace->window_count < WINDOWS_MIN || card->duration_ns == 0)
        card->free_refusal = TN_REFUSAL_TOO_FEW;
    else if (trace->is_growing)
        card->free_refusal = TN_REFUSAL_GROWTH;
    else if (card->trend_z > Z_ONE_SIDED && card->trend_share > TREND_SHARE)
        card->free_refusal = TN_REFUSAL_TREND;
    if (card->free_refusal != TN_REFUSAL_NO)
        return;
    double missions = (double)card->horizon_ns / (double)card->duration_ns;
    card->exceed_probability = missions / (1 + missions);
    card->failure_upper = -expm1(-3 * missions);
}
