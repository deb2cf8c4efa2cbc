/* SPDX-License-Identifier: MIT */
#include "words_runs.h"

#include <inttypes.h>

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

const char *tn_words_runs_heading(struct tn_words *words, enum tn_runs_state state, size_t run_count)
{
    switch (state) {
    case TN_RUNS_ALL:
        return tn_words_print(words, "Findings that hold in all %zu runs", run_count);
    case TN_RUNS_REACHED:
        return "Findings that hold in every run that reaches their lines";
    case TN_RUNS_SOME:
        return "Findings that hold in some runs only: what they depend on differs from run to run";
    default:
        return "Not so after all: one run shows it, another one the contrary";
    }
}

const char *tn_words_runs_programs(struct tn_words *words)
{
    (void)words;
    return "These are recordings of different programs: what holds in all of them does so by chance.";
}

/* What one run says, unless the finding holds there. */
static const char *verdict_words(struct tn_words *words, const struct tn_runs_finding *merged, size_t run)
{
    uint64_t allocations = merged->site_allocations[run];
    switch (merged->verdicts[run]) {
    case TN_RUN_HOLDS:
        return "";
    case TN_RUN_DOUBTFUL:
        return tn_words_print(words, "in run %zu it is doubtful", run + 1);
    case TN_RUN_SILENT:
        if (merged->shown->site_count == 0)
            return tn_words_print(words, "run %zu does not show it", run + 1);
        return tn_words_print(words, "run %zu makes %s allocation%s there and does not show it", run + 1,
                              tn_words_count(words, allocations), plural(allocations));
    default:
        return tn_words_print(words, "run %zu does not reach it", run + 1);
    }
}

const char *tn_words_runs_verdicts(struct tn_words *words, const struct tn_runs *runs,
                                   const struct tn_runs_finding *merged)
{
    const char *text = "";
    for (size_t i = 0; i < runs->run_count; i++) {
        const char *verdict = verdict_words(words, merged, i);
        if (verdict[0] != '\0')
            text = tn_words_print(words, "%s%s%s", text, text[0] != '\0' ? "; " : "", verdict);
    }
    return text;
}

const char *tn_words_runs_saving(struct tn_words *words, const struct tn_runs_finding *merged)
{
    const char *most = tn_words_count(words, merged->most_removed);
    if (merged->least_removed == merged->most_removed)
        return tn_words_print(words, "saves %s allocation%s a run", most, plural(merged->most_removed));
    return tn_words_print(words, "saves %s to %s allocations a run",
                          tn_words_count(words, merged->least_removed), most);
}

const char *tn_words_runs_more(struct tn_words *words, size_t count)
{
    return tn_words_print(words, "and %zu more: --top N shows %s", count, count == 1 ? "it" : "them");
}
