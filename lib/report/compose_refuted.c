/* SPDX-License-Identifier: MIT */

/* Findings that a trial has contradicted: no cards, since a card is advice, but one sentence each, with what
 * speaks against it. Called behind the list of findings. */

#include "compose.h"
#include "words_refuted.h"

static void put_refuted(struct tn_composer *composer, const struct tn_finding *finding)
{
    const struct tn_report_part part = {.form = TN_PART_WORDS,
                                        .text = tn_words_refuted(&composer->words, finding)};
    composer->sink->item(composer->sink, &(struct tn_report_item){.parts = &part, .part_count = 1});
}

void tn_compose_refuted(struct tn_composer *composer)
{
    const struct tn_findings *findings = composer->report->findings;
    if (findings->refuted_count == 0)
        return;
    tn_compose_paragraph(composer, TN_PARAGRAPH_BODY, tn_words_refuted_meaning());
    for (size_t i = 0; i < findings->refuted_count; i++)
        put_refuted(composer, &findings->refuted[i]);
}
