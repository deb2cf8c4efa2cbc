/* SPDX-License-Identifier: MIT */

/* The plan: how long the program's blocks live, the steps that change most, and what stays on the heap.
 * Called by compose_overview.c, for the first screen. */

#include "compose.h"
#include "plan_words.h"

#define ROWS_MAX      7u  /* lifetimes, those of the largest share first */
#define SHARE_PERCENT 1.0 /* of the allocations, or of the peak: with less, a lifetime is not told */

static double percent(uint64_t part, uint64_t whole)
{
    return whole != 0 ? 100 * (double)part / (double)whole : 0;
}

static bool is_told(const struct tn_findings *findings, const struct tn_lifetime *lifetime)
{
    return percent(lifetime->allocations, findings->allocations) >= SHARE_PERCENT ||
           percent(lifetime->peak_bytes, findings->peak_live_bytes) >= SHARE_PERCENT;
}

static void put_lifetimes(struct tn_composer *composer)
{
    static const struct tn_report_column columns[] = {
        {"calls", TN_COLUMN_QUANTITY}, {"peak", TN_COLUMN_QUANTITY},      {"lifetime", TN_COLUMN_STATE},
        {"fits", TN_COLUMN_STATE},     {"count (at once)", TN_COLUMN_ID}, {"what", TN_COLUMN_LINE},
    };
    const struct tn_findings *findings = composer->report->findings;
    const struct tn_plan *plan = findings->program_plan;
    struct tn_words *words = &composer->words;
    struct tn_report_row rows[ROWS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < plan->lifetime_count && count < ROWS_MAX; i++) {
        const struct tn_lifetime *lifetime = &plan->lifetimes[i];
        if (!is_told(findings, lifetime))
            continue;
        rows[count++] = (struct tn_report_row){
            .cells = {tn_words_share(words, lifetime->allocations, findings->allocations),
                      tn_words_share(words, lifetime->peak_bytes, findings->peak_live_bytes),
                      tn_lifetime_name(lifetime->kind), lifetime->mechanism,
                      tn_words_lifetime_count(words, lifetime), tn_words_lifetime(words, lifetime)}};
    }
    if (count != 0)
        composer->sink->table(composer->sink,
                              &(struct tn_report_table){.columns = columns,
                                                        .column_count = sizeof(columns) / sizeof(columns[0]),
                                                        .rows = rows,
                                                        .row_count = count,
                                                        .has_titles = true});
}

static void put_step(struct tn_composer *composer, const struct tn_plan_step *step)
{
    struct tn_words *words = &composer->words;
    const struct tn_report_entry entry = {
        .number = step->parts[0].rank,
        .letter = step->letter,
        .words = tn_words_step(words, step),
        .facts = tn_words_step_effect(words, composer->report->findings, step),
    };
    composer->sink->entry(composer->sink, &entry);
}

void tn_compose_plan(struct tn_composer *composer)
{
    const struct tn_plan *plan = composer->report->findings->program_plan;
    put_lifetimes(composer);
    if (plan->step_count == 0) {
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_no_step());
        return;
    }
    tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_fixed(TN_WORDS_DO_FIRST));
    for (size_t i = 0; i < plan->step_count; i++)
        put_step(composer, &plan->steps[i]);
    tn_compose_paragraph(composer, TN_PARAGRAPH_REMARK,
                         tn_words_plan_rest(&composer->words, composer->report->findings));
}

void tn_compose_named_steps(struct tn_composer *composer)
{
    const struct tn_report *report = composer->report;
    const struct tn_plan *plan = report->findings->program_plan;
    for (const char *at = report->steps; at != NULL && *at != '\0'; at++) {
        bool is_alone = (at == report->steps || at[-1] == ',') && (at[1] == ',' || at[1] == '\0');
        const struct tn_plan_step *step = is_alone ? tn_plan_find_step(plan, *at) : NULL;
        if (step != NULL)
            put_step(composer, step);
    }
}
