/* SPDX-License-Identifier: MIT */

/* Sentences about the plan. What a step brings is told as it was measured with those before it, where it was;
 * else as it was counted. */

#include "plan_words.h"

#include <inttypes.h>

#define REST_NAMED 3u /* lines that are named of what stays on the heap */

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* "packet.c:504" */
static const char *line_of(struct tn_words *words, const struct tn_finding_line *line)
{
    char place[512];
    return tn_words_print(words, "%s", tn_finding_line_print(line, place, sizeof(place)));
}

/* " lwm2m_handle_packet", where the line does not tell it already. */
static const char *function_of(struct tn_words *words, const struct tn_finding_line *line)
{
    char name[TN_SHORT_NAME_BYTES];
    if (line->line == 0 || line->function[0] == '\0')
        return "";
    return tn_words_print(words, " %s", tn_function_short_name(line->function, name, sizeof(name)));
}

const char *tn_words_lifetime_count(struct tn_words *words, const struct tn_lifetime *lifetime)
{
    const char *count = tn_words_count(words, lifetime->count);
    bool is_kept = lifetime->kind == TN_LIFETIME_PROCESS || lifetime->at_once == 0;
    return is_kept ? count
                   : tn_words_print(words, "%s (%s)", count, tn_words_count(words, lifetime->at_once));
}

/* What has no name of its own is told by how many lines it is of, and by the first. */
static const char *lines_words(struct tn_words *words, const struct tn_lifetime *lifetime)
{
    const char *other = lifetime->kind == TN_LIFETIME_OBJECT ? "other " : "";
    if (lifetime->site_count == 0)
        return "";
    const struct tn_finding_line *first = &lifetime->sites[0].line;
    if (lifetime->line_count == 1)
        return tn_words_print(words, "%s%s", line_of(words, first), function_of(words, first));
    return tn_words_print(words, "%zu %slines, such as %s%s", lifetime->line_count, other,
                          line_of(words, first), function_of(words, first));
}

const char *tn_words_lifetime(struct tn_words *words, const struct tn_lifetime *lifetime)
{
    if (lifetime->begin.function == NULL)
        return lines_words(words, lifetime);
    const char *begin = line_of(words, &lifetime->begin), *function = function_of(words, &lifetime->begin);
    if (lifetime->kind != TN_LIFETIME_OBJECT)
        return tn_words_print(words, "%s%s", begin, function);
    if (lifetime->end.function == NULL)
        return tn_words_print(words, "%s, kept:%s", begin, function);
    return tn_words_print(words, "%s to %s%s", begin, line_of(words, &lifetime->end), function);
}

const char *tn_words_step(struct tn_words *words, const struct tn_plan_step *step)
{
    const char *list = "";
    size_t conditional = 0;
    for (size_t i = 0; i < step->part_count; i++) {
        list = tn_words_print(words, "%s%s%" PRIu32, list, i != 0 ? ", " : "", step->parts[i].rank);
        conditional += step->parts[i].is_conditional;
    }
    const char *condition = conditional == 0                  ? ""
                            : step->part_count == 1           ? ", on a condition"
                            : conditional == step->part_count ? ", on conditions"
                                                              : ", some on conditions";
    return tn_words_print(words, "%s (finding%s %s%s)", step->title, plural(step->part_count), list,
                          condition);
}

/* "2,249 allocations (86.3 %)" */
static const char *calls_words(struct tn_words *words, uint64_t removed, uint64_t allocations)
{
    return tn_words_print(words, "%s allocation%s (%s)", tn_words_count(words, removed), plural(removed),
                          tn_words_share(words, removed, allocations));
}

static const char *together_words(struct tn_words *words, const struct tn_finding_saving *saving,
                                  uint64_t allocations)
{
    return tn_words_print(words, "%s; %s", calls_words(words, saving->allocations_removed, allocations),
                          tn_words_measured(words, saving));
}

const char *tn_words_step_effect(struct tn_words *words, const struct tn_findings *findings,
                                 const struct tn_plan_step *step)
{
    const char *moved = step->peak_bytes_moved != 0
                            ? tn_words_print(words, "; %s of the peak leave%s the heap",
                                             tn_words_bytes(words, step->peak_bytes_moved),
                                             step->peak_bytes_moved == 1 ? "s" : "")
                            : "";
    const char *own = calls_words(words, step->allocations_removed, findings->allocations);
    if (!step->together.is_measured)
        return tn_words_print(words, "saves %s%s", own, moved);
    if (step->letter == 'A')
        return tn_words_print(words, "saves %s",
                              together_words(words, &step->together, findings->allocations));
    uint64_t removed = step->together.allocations_removed;
    return tn_words_print(words, "saves %s; so far %s (%s), %s", own, tn_words_count(words, removed),
                          tn_words_share(words, removed, findings->allocations),
                          tn_words_net(words, &step->together));
}

const char *tn_words_plan_rest(struct tn_words *words, const struct tn_findings *findings)
{
    const struct tn_plan *plan = findings->program_plan;
    const struct tn_finding_saving *all = &plan->steps[plan->step_count - 1].together;
    const char *text = "";
    if (all->is_measured && plan->step_count > 1)
        text = tn_words_print(words, "All together: %s. ", together_words(words, all, findings->allocations));
    if (plan->sure_count != 0)
        text = tn_words_print(words, "%sWithout conditional findings: %s. ", text,
                              together_words(words, &plan->sure, findings->allocations));
    /* What the replay took out and what is left must add up for the reader; a count misses what a realloc
     * carries on. */
    uint64_t rest = plan->rest_allocations;
    if (all->is_measured && all->allocations_removed <= findings->allocations)
        rest = findings->allocations - all->allocations_removed;
    text = tn_words_print(words, "%sOn the heap stay %s and %s of the peak", text,
                          calls_words(words, rest, findings->allocations),
                          tn_words_bytes(words, plan->rest_peak_bytes));
    for (size_t i = 0; i < plan->rest_count && i < REST_NAMED; i++)
        text =
            tn_words_print(words, "%s%s%s", text, i == 0 ? ": " : ", ", line_of(words, &plan->rest[i].line));
    text = tn_words_print(words, "%s%s.", text, plan->rest_count > REST_NAMED ? " and others" : "");
    if (!all->is_measured)
        text = tn_words_print(words, "%s The steps are counted, not replayed: --policy does that.", text);
    return text;
}

const char *tn_words_no_step(void)
{
    return "No step of a plan: no finding about single lines would save 2 % of the allocations, and 50 of "
           "them, or take 5 % of the peak, and 1 KiB, out of the heap.";
}
