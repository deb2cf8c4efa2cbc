/* SPDX-License-Identifier: MIT */

/* The statements of the result of `tenure check`: what the log lost, the limits that are violated with what
 * they count, those that are kept, and what was excepted. Laid out by the text sink. */

#include "compose.h"
#include "tenure/check.h"
#include "text_sink.h"

#include <inttypes.h>

#define PARTS_SHOWN 5

struct check_composer {
    const struct tn_check_result *result;
    struct tn_report_sink *sink;
    struct tn_words words;
};

static void put_paragraph(struct check_composer *composer, enum tn_paragraph_role role, const char *text)
{
    composer->sink->paragraph(composer->sink, &(struct tn_report_paragraph){.role = role, .words = text});
}

/* A sentence that is made in a buffer, moved into the store. */
static const char *keep(struct tn_words *words, struct tn_buffer *made, int result)
{
    const char *text = result == 0 ? tn_words_print(words, "%s", (const char *)made->data) : "";
    if (result < 0)
        words->result = result;
    tn_buffer_finish(made);
    return text;
}

static const char *verdict_words(struct tn_words *words, const struct tn_check_verdict *verdict)
{
    struct tn_buffer made = {0};
    int r = tn_check_print_verdict(verdict, &made);
    return keep(words, &made, r);
}

static const char *part_words(struct tn_words *words, const struct tn_check_part *part,
                              const struct tn_check_verdict *verdict)
{
    struct tn_buffer made = {0};
    int r = tn_check_print_part(part, verdict->limit->metric, &made);
    return keep(words, &made, r);
}

static void put_item(struct check_composer *composer, const char *text)
{
    struct tn_report_part part = {TN_PART_WORDS, text, NULL};
    composer->sink->item(composer->sink, &(struct tn_report_item){&part, 1});
}

/* The parts that count, below the limit that they violate. */
static void put_violation(struct check_composer *composer, const struct tn_check_verdict *verdict)
{
    struct tn_words *words = &composer->words;
    size_t shown = 0, counted = 0;
    composer->sink->heading(composer->sink,
                            tn_words_print(words, "Violated: %s", verdict_words(words, verdict)));
    for (; counted < verdict->part_count && verdict->parts[counted].exception == NULL; counted++) {
        if (shown == PARTS_SHOWN)
            continue;
        shown++;
        put_item(composer, part_words(words, &verdict->parts[counted], verdict));
    }
    size_t left = counted - shown + verdict->parts_left;
    if (left != 0)
        put_item(composer, tn_words_print(words, "and %zu more", left));
}

static void compose_exceptions(struct check_composer *composer)
{
    const struct tn_check_result *result = composer->result;
    struct tn_words *words = &composer->words;
    bool has_any = false;
    for (size_t i = 0; i < result->verdict_count; i++) {
        const struct tn_check_verdict *verdict = &result->verdicts[i];
        for (size_t k = 0; k < verdict->part_count; k++) {
            const struct tn_check_part *part = &verdict->parts[k];
            if (part->exception == NULL)
                continue;
            if (!has_any)
                composer->sink->heading(composer->sink, "Excepted by the policy");
            has_any = true;
            put_item(composer, tn_words_print(words, "%s: %s, because %s", verdict->limit->name,
                                              part_words(words, part, verdict), part->exception->reason));
        }
    }
}

static void compose_unused(struct check_composer *composer)
{
    const struct tn_check_policy *policy = composer->result->policy;
    for (size_t i = 0; i < policy->exception_count; i++)
        if (!composer->result->is_used[i])
            put_paragraph(composer, TN_PARAGRAPH_ALONE,
                          tn_words_print(&composer->words,
                                         "The exception for %s at %s, line %" PRIu32
                                         " of the policy, applies to nothing: remove it.",
                                         policy->exceptions[i].name, policy->exceptions[i].place,
                                         policy->exceptions[i].line));
}

static void compose_verdicts(struct check_composer *composer)
{
    const struct tn_check_result *result = composer->result;
    for (size_t i = 0; i < result->verdict_count; i++)
        if (result->verdicts[i].is_violated)
            put_violation(composer, &result->verdicts[i]);
    if (result->violated_count < result->verdict_count)
        composer->sink->heading(composer->sink, "Kept");
    for (size_t i = 0; i < result->verdict_count; i++)
        if (!result->verdicts[i].is_violated)
            put_item(composer, verdict_words(&composer->words, &result->verdicts[i]));
}

int tn_report_check_text(const struct tn_check_result *result, const struct tn_report_style *style,
                         struct tn_buffer *out)
{
    struct tn_text_sink text = tn_text_sink(out, style);
    struct check_composer composer = {.result = result, .sink = &text.sink};
    const struct tn_summary *summary = result->subject->summary;
    struct tn_composer losses = {.report = &(struct tn_report){.summary = summary}, .sink = &text.sink};
    tn_compose_losses(&losses);
    composer.sink->heading(composer.sink,
                           tn_words_print(&composer.words, "%s: %zu of %zu limits violated", summary->path,
                                          result->violated_count, result->verdict_count));
    compose_verdicts(&composer);
    compose_exceptions(&composer);
    compose_unused(&composer);
    int r = composer.words.result < 0 ? composer.words.result : losses.words.result;
    tn_words_finish(&composer.words);
    tn_words_finish(&losses.words);
    return r < 0 ? r : text.page.result;
}
