/* SPDX-License-Identifier: MIT */

/* The findings, in order of rank: a card for each, or one line for those that save little; then how many are
 * not shown, and how to see them. */

#include "compose.h"
#include "select.h"

#include <string.h>

#define SITES_MAX 4 /* of one finding; the JSON report has all */

/* Without words, for findings of a kind that the table does not have. */
static const struct tn_evidence_key no_keys[] = {{.key = NULL}};
static const struct tn_kind unknown_kind = {.verify = "", .evidence = no_keys};

static const struct tn_kind *kind_of(const struct tn_composer *composer, const struct tn_finding *finding)
{
    const struct tn_kind *kind = tn_kind_find(composer->report->kinds, finding->kind);
    return kind != NULL ? kind : &unknown_kind;
}

/* How to see that a change did what the finding promises. */
static const char *verification(const struct tn_kind *kind, const struct tn_finding *finding)
{
    return finding->site_count == 0 && kind->program_verify != NULL ? kind->program_verify : kind->verify;
}

struct tn_report_site tn_compose_finding_site(const struct tn_finding_site *site)
{
    return (struct tn_report_site){.function = site->function,
                                   .file = site->file,
                                   .module = site->module,
                                   .via = site->via,
                                   .line = site->line,
                                   .offset_bytes = site->offset_bytes};
}

/* Choose the code to paste. Returns whether there is any and it is wanted. */
static bool choose_code(struct tn_composer *composer, const struct tn_finding *finding,
                        struct tn_report_code *ret_code)
{
    const char *wanted = composer->report->code != NULL ? composer->report->code : "c";
    bool has_others;
    if (finding->code == NULL || strcmp(wanted, "none") == 0)
        return false;
    ret_code->text = tn_code_sections(&composer->words, finding->code, wanted, &has_others);
    ret_code->remark = has_others ? tn_words_fixed(TN_WORDS_OTHER_CODE) : NULL;
    return true;
}

static void put_card(struct tn_composer *composer, const struct tn_finding *finding)
{
    struct tn_words *words = &composer->words;
    const struct tn_kind *kind = kind_of(composer, finding);
    uint64_t allocations = composer->report->summary->totals.allocations;
    struct tn_report_site sites[SITES_MAX];
    struct tn_report_code code;
    struct tn_report_card card = {
        .rank = finding->rank,
        .title = finding->title,
        .kind = finding->kind,
        .confidence = tn_confidence_name(finding->confidence),
        .sites = sites,
        .texts = {[TN_CARD_CHANGE] = finding->advice,
                  [TN_CARD_EVIDENCE] = tn_words_evidence(words, kind->evidence, &finding->evidence),
                  [TN_CARD_RELEASES] = tn_words_releases(words, finding),
                  [TN_CARD_EFFECT] = tn_words_effect(words, &finding->saving, allocations),
                  [TN_CARD_NOTES] = finding->notes,
                  [TN_CARD_ALTERNATIVES] = finding->alternatives,
                  [TN_CARD_VERIFY] = verification(kind, finding),
                  [TN_CARD_KIND] = tn_words_kind(words, finding)},
        .code = choose_code(composer, finding, &code) ? &code : NULL,
    };
    for (; card.site_count < finding->site_count && card.site_count < SITES_MAX; card.site_count++)
        sites[card.site_count] = tn_compose_finding_site(&finding->sites[card.site_count]);
    if (card.site_count < finding->site_count)
        card.more_sites = tn_words_more_sites(words, finding->site_count - card.site_count);
    composer->sink->card(composer->sink, &card);
}

/* It saves less than a thousandth of the calls and less than a hundredth of the peak: worth a line, not a
 * page. */
static bool is_minor(const struct tn_composer *composer, const struct tn_finding *finding)
{
    const struct tn_kind *kind = kind_of(composer, finding);
    const struct tn_summary_totals *totals = &composer->report->summary->totals;
    const struct tn_finding_saving *saving = &finding->saving;
    int64_t bytes =
        saving->bytes_removed > -saving->peak_bytes_delta ? saving->bytes_removed : -saving->peak_bytes_delta;
    if (kind->is_never_minor || composer->report->named != NULL)
        return false;
    return finding->site_count != 0 && saving->allocations_removed < totals->allocations / 1000 &&
           (bytes <= 0 || (uint64_t)bytes < totals->peak_live_bytes / 100);
}

static void put_minor(struct tn_composer *composer, const struct tn_finding *finding)
{
    composer->sink->entry(
        composer->sink, &(struct tn_report_entry){.number = finding->rank,
                                                  .words = tn_words_minor_title(&composer->words, finding)});
}

/* Each run of minor findings begins with a line that says so; the first such line explains what minor means.
 */
static void put_shown(struct tn_composer *composer)
{
    const struct tn_report *report = composer->report;
    struct tn_report_cursor cursor = {0};
    bool was_minor = false, has_explained = false;
    const struct tn_finding *finding;
    while ((finding = tn_report_next_finding(report, &cursor)) != NULL) {
        bool minor = is_minor(composer, finding);
        if (minor && !was_minor)
            tn_compose_paragraph(composer, TN_PARAGRAPH_BODY,
                                 tn_words_fixed(has_explained ? TN_WORDS_MINOR_AGAIN : TN_WORDS_MINOR));
        has_explained = has_explained || minor;
        was_minor = minor;
        if (minor)
            put_minor(composer, finding);
        else
            put_card(composer, finding);
    }
}

static void put_hidden(struct tn_composer *composer, const struct tn_report_selection *selection)
{
    struct tn_words *words = &composer->words;
    uint64_t given_way = composer->report->findings->given_way;
    if (selection->beyond_max != 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_beyond_top(words, selection->beyond_max));
    if (selection->too_weak != 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_too_weak(words, selection->too_weak));
    if (given_way != 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_given_way(words, given_way));
    if (selection->shown != 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_fixed(TN_WORDS_QUERIES));
}

/* One finding says of itself all that there is to say. */
static void put_plan(struct tn_composer *composer)
{
    const struct tn_finding_plan *plan = &composer->report->findings->plan;
    if (plan->finding_count > 1 && composer->report->named == NULL)
        tn_compose_paragraph(
            composer, TN_PARAGRAPH_BODY,
            tn_words_plan(&composer->words, plan, composer->report->summary->totals.allocations));
}

void tn_compose_findings(struct tn_composer *composer)
{
    struct tn_report_selection selection = tn_report_select(composer->report);
    bool is_closed = composer->report->summary->is_closed;
    composer->sink->heading(composer->sink,
                            tn_words_fixed(selection.shown != 0 ? TN_WORDS_FINDINGS : TN_WORDS_NO_FINDINGS));
    if (selection.shown == 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY,
                             tn_words_fixed(is_closed ? TN_WORDS_NOTHING_FOUND : TN_WORDS_NOTHING_FOUND_YET));
    put_shown(composer);
    tn_compose_libraries(composer);
    put_plan(composer);
    put_hidden(composer, &selection);
}
