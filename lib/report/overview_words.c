/* SPDX-License-Identifier: MIT */

/* Sentences that tell in short whether a program is at risk: from memory that keeps rising, from what a
 * replay measured, or from how much comes and goes. Called by compose_overview.c. */

#include "words.h"

#include <inttypes.h>

/* What of a heap's smallest size does not hold what was asked for. Below the first, headers explain it; above
 * the second, more than a quarter of the memory that is bought holds nothing. Both are a judgement. */
#define LOW_PERCENT  10.0
#define HIGH_PERCENT 33.0

const char *tn_words_risk_of_growth(struct tn_words *words, const char *title, uint32_t rank, uint64_t count)
{
    if (count == 1)
        return tn_words_print(
            words, "At risk in a long run: live blocks keep rising at one line (finding %" PRIu32 ": %s).",
            rank, title);
    return tn_words_print(words,
                          "At risk in a long run: live blocks keep rising at %" PRIu64
                          " lines (first of them finding %" PRIu32 ": %s).",
                          count, rank, title);
}

const char *tn_words_risk_of_holes(struct tn_words *words, const struct tn_findings *findings)
{
    double peak_bytes = (double)findings->peak_live_bytes;
    double least = 100 * ((double)findings->heap_least_bytes - peak_bytes) / peak_bytes;
    double most = 100 * ((double)findings->heap_most_bytes - peak_bytes) / peak_bytes;
    const char *level = most < LOW_PERCENT    ? "Little fragmentation"
                        : most < HIGH_PERCENT ? "Some fragmentation"
                                              : "At risk of fragmentation";
    const char *range = tn_words_bytes(words, findings->heap_least_bytes);
    if (findings->heap_most_bytes != findings->heap_least_bytes)
        range = tn_words_print(words, "%s to %s", range, tn_words_bytes(words, findings->heap_most_bytes));
    const char *percent = most - least < 1 ? tn_words_print(words, "%.0f %%", most)
                                           : tn_words_print(words, "%.0f to %.0f %%", least, most);
    return tn_words_print(
        words,
        "%s: for %s in use at the peak, this run needs a small heap of %s (on %zu model%s): %s "
        "more, for headers, rounding and holes.",
        level, tn_words_bytes(words, findings->peak_live_bytes), range, findings->heap_model_count,
        findings->heap_model_count == 1 ? "" : "s", percent);
}

const char *tn_words_risk_of_churn(struct tn_words *words, const struct tn_summary_totals *totals)
{
    return tn_words_print(
        words,
        "%s of the allocations are small and soon released: each leaves a hole that a longer-lived "
        "block can break up.",
        tn_words_share(words, totals->small_short_lived, totals->allocations));
}
