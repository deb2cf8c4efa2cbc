/* SPDX-License-Identifier: MIT */

/* How to see that a change did what its finding promised: once for each kind that is shown. Called behind the
 * sites. */

#include "compose.h"
#include "select.h"

#include <string.h>

/* A statement of one kind: of findings about lines, or about the whole program. */
static const char *verification(const struct tn_composer *composer, const struct tn_finding *finding)
{
    const struct tn_kind *kind = tn_compose_kind(composer, finding);
    return finding->site_count == 0 && kind->program_verify != NULL ? kind->program_verify : kind->verify;
}

/* What the heading says is not said again. */
static const char *without_heading(const char *words)
{
    static const char start[] = "Record again: ";
    return strncmp(words, start, strlen(start)) == 0 ? words + strlen(start) : words;
}

/* Whether a finding of its kind is shown before this one: the words of both would be nearly the same. */
static bool was_told(const struct tn_composer *composer, const struct tn_finding *finding)
{
    struct tn_report_cursor cursor = {0};
    const struct tn_finding *other;
    while ((other = tn_report_next_finding(composer->report, &cursor)) != NULL && other != finding)
        if (!tn_compose_is_minor(composer, other) && strcmp(other->kind, finding->kind) == 0)
            return true;
    return false;
}

void tn_compose_verify(struct tn_composer *composer)
{
    struct tn_report_cursor cursor = {0};
    const struct tn_finding *finding;
    bool has_heading = false;
    while ((finding = tn_report_next_finding(composer->report, &cursor)) != NULL) {
        const char *words = verification(composer, finding);
        if (tn_compose_is_minor(composer, finding) || words[0] == '\0' || was_told(composer, finding))
            continue;
        if (!has_heading)
            composer->sink->heading(composer->sink, tn_words_fixed(TN_WORDS_VERIFY));
        has_heading = true;
        const struct tn_report_part part = {
            .form = TN_PART_WORDS,
            .text = tn_words_print(&composer->words, "%s: %s", finding->kind, without_heading(words))};
        composer->sink->item(composer->sink, &(struct tn_report_item){.parts = &part, .part_count = 1});
    }
}
