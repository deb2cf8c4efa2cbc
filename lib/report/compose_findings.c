/* SPDX-License-Identifier: MIT */

/* The findings, in order of rank: a card for each, or one line for those that save little; then how many are
 * not shown, and how to see them. */

#include "compose.h"
#include "select.h"

#include "tenure/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without words, for findings of a kind that the table does not have. */
static const struct tn_evidence_key no_keys[] = {{.key = NULL}};
static const struct tn_kind unknown_kind = {.verify = "", .evidence = no_keys};

const struct tn_kind *tn_compose_kind(const struct tn_composer *composer, const struct tn_finding *finding)
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

/* A site, and from where it is called in the role that the finding is about. */
static struct tn_report_site role_site(struct tn_words *words, const struct tn_finding_site *own)
{
    struct tn_report_site site = tn_compose_finding_site(own);
    char role[512];
    if (own->is_tail_call)
        site.via = tn_words_print(words, "%s, by a tail call", own->via);
    if (tn_finding_site_is_role(own))
        site.via = tn_words_print(words, "%s, %s", site.via, tn_finding_role_print(own, role, sizeof(role)));
    return site;
}

/* Whether a finding is told in a few lines, since there are many. */
static bool is_brief(const struct tn_composer *composer)
{
    return composer->report->named == NULL && !composer->has_whole_cards;
}

/* Choose the code to paste. Returns whether there is any and it is wanted. */
static bool choose_code(struct tn_composer *composer, const struct tn_finding *finding,
                        struct tn_report_code *ret_code)
{
    const char *fallback = is_brief(composer) ? "none" : "c";
    const char *wanted = composer->report->code != NULL ? composer->report->code : fallback;
    bool has_others;
    if (finding->code == NULL || strcmp(wanted, "none") == 0)
        return false;
    ret_code->text = tn_code_sections(&composer->words, finding->code, wanted, &has_others);
    ret_code->remark = has_others ? tn_words_fixed(TN_WORDS_OTHER_CODE) : NULL;
    return true;
}

/* What a reader needs to decide; the command in the heading tells the rest. */
static void fill_brief(struct tn_composer *composer, const struct tn_finding *finding,
                       struct tn_report_card *card)
{
    card->is_brief = true;
    card->tag = tn_words_tag(&composer->words, finding);
    if (card->texts[TN_CARD_EVIDENCE][0] != '\0' && card->texts[TN_CARD_RELEASES][0] != '\0') {
        card->texts[TN_CARD_EVIDENCE] = tn_words_why_and_where(
            &composer->words, card->texts[TN_CARD_EVIDENCE], card->texts[TN_CARD_RELEASES]);
        card->texts[TN_CARD_RELEASES] = NULL;
    }
    if (finding->confidence == TN_CONFIDENCE_WEAK)
        card->texts[TN_CARD_NOTES] = finding->notes;
}

static void fill_whole(struct tn_composer *composer, const struct tn_finding *finding,
                       struct tn_report_site *sites, struct tn_report_card *card)
{
    struct tn_words *words = &composer->words;
    card->texts[TN_CARD_CHANGE] = finding->advice;
    card->texts[TN_CARD_ESTIMATE] = tn_words_estimate(words, &finding->saving);
    card->texts[TN_CARD_NOTES] = finding->notes;
    card->texts[TN_CARD_ALTERNATIVES] = finding->alternatives;
    card->texts[TN_CARD_VERIFY] = verification(tn_compose_kind(composer, finding), finding);
    card->texts[TN_CARD_KIND] = tn_words_kind(words, finding);
    card->sites = sites;
    card->site_count = finding->site_count;
    for (size_t i = 0; i < finding->site_count; i++)
        sites[i] = role_site(words, &finding->sites[i]);
}

static void put_card(struct tn_composer *composer, const struct tn_finding *finding)
{
    struct tn_words *words = &composer->words;
    bool brief = is_brief(composer);
    struct tn_report_site *sites = calloc(finding->site_count + 1, sizeof(sites[0]));
    struct tn_report_code code;
    struct tn_report_card card = {
        .rank = finding->rank,
        .title = tn_words_title(words, finding),
        .condition = tn_words_condition(words, finding, brief),
        .kind = finding->kind,
        .confidence = tn_confidence_name(finding->confidence),
        .texts = {[TN_CARD_EVIDENCE] = tn_words_evidence(words, tn_compose_kind(composer, finding)->evidence,
                                                         &finding->evidence, brief),
                  [TN_CARD_RELEASES] = tn_words_releases(words, finding, brief),
                  [TN_CARD_EFFECT] = tn_words_effect(words, &finding->saving,
                                                     composer->report->summary->totals.allocations)},
        .code = choose_code(composer, finding, &code) ? &code : NULL,
    };
    if (sites == NULL)
        words->result = -ENOMEM;
    else if (brief)
        fill_brief(composer, finding, &card);
    else
        fill_whole(composer, finding, sites, &card);
    composer->sink->card(composer->sink, &card);
    free(sites);
}

bool tn_compose_is_minor(const struct tn_composer *composer, const struct tn_finding *finding)
{
    return finding->is_small && composer->report->named == NULL;
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
        bool minor = tn_compose_is_minor(composer, finding);
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
    const struct tn_words_hidden hidden = {.beyond_top = selection->beyond_max,
                                           .too_weak = selection->too_weak,
                                           .given_way = composer->report->findings->given_way,
                                           .small = selection->small,
                                           .small_allocations_removed = selection->small_allocations_removed};
    const char *words = tn_words_hidden(&composer->words, &hidden);
    if (words != NULL)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, words);
}

/* Where neither the steps of a plan nor the first findings have told what all come to. */
static void put_plan(struct tn_composer *composer)
{
    const struct tn_finding_plan *plan = &composer->report->findings->plan;
    const struct tn_plan *steps = composer->report->findings->program_plan;
    if (plan->finding_count > 1 && (steps != NULL ? steps->step_count == 0 : plan->first_count != 0))
        tn_compose_paragraph(
            composer, TN_PARAGRAPH_BODY,
            tn_words_plan(&composer->words, plan, composer->report->summary->totals.allocations));
}

void tn_compose_findings(struct tn_composer *composer)
{
    struct tn_report_selection selection = tn_report_select(composer->report);
    bool is_closed = composer->report->summary->is_closed;
    bool is_brief = selection.shown != 0 && composer->report->named == NULL;
    composer->sink->heading(composer->sink,
                            tn_words_fixed(is_brief ? TN_WORDS_FINDINGS : TN_WORDS_NO_FINDINGS));
    if (selection.shown == 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY,
                             tn_words_fixed(is_closed ? TN_WORDS_NOTHING_FOUND : TN_WORDS_NOTHING_FOUND_YET));
    tn_compose_named_steps(composer);
    put_shown(composer);
    if (composer->report->named != NULL)
        return;
    tn_compose_libraries(composer);
    put_plan(composer);
    put_hidden(composer, &selection);
    tn_compose_refuted(composer);
}

void tn_compose_cards(struct tn_composer *composer)
{
    struct tn_report_selection selection = tn_report_select(composer->report);
    struct tn_report_cursor cursor = {0};
    const struct tn_finding *finding;
    composer->has_whole_cards = true;
    if (selection.shown == 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_BODY,
                             tn_words_fixed(composer->report->summary->is_closed
                                                ? TN_WORDS_NOTHING_FOUND
                                                : TN_WORDS_NOTHING_FOUND_YET));
    while ((finding = tn_report_next_finding(composer->report, &cursor)) != NULL)
        put_card(composer, finding);
    composer->has_whole_cards = false;
    tn_compose_libraries(composer);
    put_plan(composer);
    put_hidden(composer, &selection);
    tn_compose_refuted(composer);
}
