/* SPDX-License-Identifier: MIT */
#include "words_change.h"

#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- quantities */

const char *tn_words_change(struct tn_words *words, uint64_t before, uint64_t after)
{
    if (before == after)
        return "the same";
    if (before == 0)
        return "new";
    if (after == 0)
        return "gone";
    double percent = 100.0 * ((double)after - (double)before) / (double)before;
    /* What changed is never told as 0.0 %. */
    if (percent > -0.05 && percent < 0.05)
        return percent > 0 ? "<+0.1 %" : ">-0.1 %";
    return tn_words_print(words, "%+.1f %%", percent);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* "3 calls more" and "1 call fewer". */
static const char *calls_changed(struct tn_words *words, uint64_t before, uint64_t after)
{
    uint64_t by = distance(before, after);
    return tn_words_print(words, "%s %s %s", tn_words_count(words, by), by == 1 ? "call" : "calls",
                          after > before ? "more" : "fewer");
}

/* ---------------------------------------------------------------------------------------- headings */

const char *tn_words_other_program(struct tn_words *words, const char *before, const char *after)
{
    return tn_words_print(words,
                          "These are recordings of different programs, %s and %s: what follows compares what "
                          "has little to do with each other.",
                          before, after);
}

const char *tn_words_sites_heading(struct tn_words *words, const struct tn_comparison *comparison)
{
    size_t same = 0, changed = 0, gone = 0, new = 0;
    for (size_t i = 0; i < comparison->site_count; i++) {
        const struct tn_site_change *change = &comparison->sites[i];
        if (change->before_count == 0)
            new ++;
        else if (change->after_count == 0)
            gone++;
        else if (tn_site_has_changed(change))
            changed++;
        else
            same++;
    }
    return tn_words_print(words, "Sites: %zu changed, %zu new, %zu gone, %zu the same", changed, new, gone,
                          same);
}

bool tn_words_finding_counts(const struct tn_finding_change *change)
{
    return (change->before != NULL && change->before->confidence != TN_CONFIDENCE_WEAK) ||
           (change->after != NULL && change->after->confidence != TN_CONFIDENCE_WEAK);
}

const char *tn_words_changed_findings_heading(struct tn_words *words, const struct tn_comparison *comparison)
{
    size_t counts[TN_CHANGE_NEW + 1] = {0};
    for (size_t i = 0; i < comparison->finding_count; i++)
        counts[comparison->findings[i].state] += tn_words_finding_counts(&comparison->findings[i]);
    return tn_words_print(words, "Findings: %zu new, %zu changed, %zu gone, %zu the same",
                          counts[TN_CHANGE_NEW], counts[TN_CHANGE_CHANGED], counts[TN_CHANGE_GONE],
                          counts[TN_CHANGE_SAME]);
}

/* ---------------------------------------------------------------------------------------- sites */

/* The calls of a site that is there on both sides. */
static const char *both_calls(struct tn_words *words, const struct tn_site_figures *before,
                              const struct tn_site_figures *after)
{
    if (before->allocations == after->allocations)
        return tn_words_print(words, "as many calls (%s)", tn_words_count(words, after->allocations));
    return tn_words_print(
        words, "%s (%s before, %s now)", calls_changed(words, before->allocations, after->allocations),
        tn_words_count(words, before->allocations), tn_words_count(words, after->allocations));
}

const char *tn_words_site_change(struct tn_words *words, const struct tn_site_change *change)
{
    const struct tn_site_figures *before = &change->before, *after = &change->after;
    bool is_one_sided = change->before_count == 0 || change->after_count == 0;
    const struct tn_site_figures *only = change->before_count == 0 ? after : before;
    if (is_one_sided)
        return tn_words_print(words, "%s: %s %s, %s at its peak", change->before_count == 0 ? "new" : "gone",
                              tn_words_count(words, only->allocations),
                              only->allocations == 1 ? "call" : "calls",
                              tn_words_bytes(words, only->peak_live_bytes));
    const char *calls = both_calls(words, before, after);
    if (before->peak_live_bytes != after->peak_live_bytes)
        return tn_words_print(words, "%s; at its peak %s before, %s now", calls,
                              tn_words_bytes(words, before->peak_live_bytes),
                              tn_words_bytes(words, after->peak_live_bytes));
    if (before->live_at_end != after->live_at_end)
        return tn_words_print(words, "%s; live at the end %s before, %s now", calls,
                              tn_words_count(words, before->live_at_end),
                              tn_words_count(words, after->live_at_end));
    return calls;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "data.c:71", or the offset where there is no line. */
static const char *position(struct tn_words *words, const struct tn_summary_site *site)
{
    if (site->line != 0)
        return tn_words_print(words, "%s:%" PRIu32, base_name(site->file), site->line);
    return tn_words_print(words, "%s+0x%" PRIx64, base_name(site->module), site->offset_bytes);
}

static const char *positions(struct tn_words *words, const struct tn_summary_site *const *sites, size_t count)
{
    const char *list = position(words, sites[0]);
    for (size_t i = 1; i < count && i < 4; i++)
        list = tn_words_print(words, "%s, %s", list, position(words, sites[i]));
    return count > 4 ? tn_words_print(words, "%s and %zu more", list, count - 4) : list;
}

const char *tn_words_site_moved(struct tn_words *words, const struct tn_comparison *comparison,
                                const struct tn_site_change *change)
{
    const struct tn_summary_site *const *before = comparison->before + change->before_first;
    const struct tn_summary_site *const *after = comparison->after + change->after_first;
    if (change->before_count == 0 || change->after_count == 0)
        return NULL;
    if (change->before_count > 1 || change->after_count > 1)
        return tn_words_print(words, "lines that nothing tells apart are taken together: %s before, %s now",
                              positions(words, before, change->before_count),
                              positions(words, after, change->after_count));
    bool is_where_it_was = before[0]->line == after[0]->line &&
                           before[0]->offset_bytes == after[0]->offset_bytes &&
                           strcmp(base_name(before[0]->file), base_name(after[0]->file)) == 0;
    return is_where_it_was ? NULL : tn_words_print(words, "before at %s", position(words, before[0]));
}

/* ---------------------------------------------------------------------------------------- findings */

static const char *finding_name(struct tn_words *words, const struct tn_finding *finding)
{
    return tn_words_print(words, "number %" PRIu32 ": %s (%s, %s)", finding->rank, finding->title,
                          finding->kind, tn_confidence_name(finding->confidence));
}

/* What differs between the two sides of a finding: the confidence, or else the calls that it would save. */
static const char *finding_difference(struct tn_words *words, const struct tn_finding *before,
                                      const struct tn_finding *after)
{
    if (before->confidence != after->confidence)
        return tn_words_print(words, "; it was %s before", tn_confidence_name(before->confidence));
    if (before->saving.allocations_removed != after->saving.allocations_removed)
        return tn_words_print(words, "; it would save %s calls, %s before",
                              tn_words_count(words, after->saving.allocations_removed),
                              tn_words_count(words, before->saving.allocations_removed));
    if (before->site_count != after->site_count)
        return tn_words_print(words, "; it has %zu sites, %zu before", after->site_count, before->site_count);
    return "";
}

const char *tn_words_finding_change(struct tn_words *words, const struct tn_finding_change *change)
{
    const char *state = tn_change_state_name(change->state);
    if (change->after == NULL || change->before == NULL)
        return tn_words_print(words, "%s, %s", state,
                              finding_name(words, change->after != NULL ? change->after : change->before));
    return tn_words_print(words, "%s, %s%s", state, finding_name(words, change->after),
                          finding_difference(words, change->before, change->after));
}

/* ---------------------------------------------------------------------------------------- regressions */

const char *tn_words_regression(struct tn_words *words, const struct tn_regression *regression)
{
    uint64_t before = regression->before, after = regression->after;
    const char *change = tn_words_change(words, before, after);
    switch (regression->kind) {
    case TN_REGRESSION_CALLS:
        return tn_words_print(words, "%s (%s)", calls_changed(words, before, after), change);
    case TN_REGRESSION_PEAK:
        return tn_words_print(words, "%s more live at the peak (%s)", tn_words_bytes(words, after - before),
                              change);
    case TN_REGRESSION_HEAP:
        return tn_words_print(words, "the smallest heap of %s needs %s more (%s)", regression->policy,
                              tn_words_bytes(words, after - before), change);
    case TN_REGRESSION_FINDING:
        break;
    }
    return tn_words_print(words, "a new finding, %s", finding_name(words, regression->finding));
}

const char *tn_words_no_regression(struct tn_words *words)
{
    return tn_words_print(
        words,
        "Nothing: neither calls nor the peak nor a smallest heap grew by more than %d %% and "
        "%s (calls or bytes), and no finding is new.",
        TN_REGRESSION_PERCENT, tn_words_count(words, TN_REGRESSION_LEAST));
}
