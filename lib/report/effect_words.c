/* SPDX-License-Identifier: MIT */

/* Sentences about what changes save and cost: estimated, measured by a replay, and several together. What the
 * heap needs less and what is needed elsewhere instead is netted, so that nobody adds it up wrongly. */

#include "words.h"

#include <string.h>

#define EVEN_PARTS 20 /* a net change below this part of what moves is about even */

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* "4.2 KiB less", "4.2 KiB more" or "as before". */
static const char *delta(struct tn_words *words, int64_t bytes)
{
    if (bytes == 0)
        return "as before";
    uint64_t size_bytes = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    return tn_words_print(words, "%s %s", tn_words_bytes(words, size_bytes), bytes < 0 ? "less" : "more");
}

/* One more statement behind others. */
static const char *join(struct tn_words *words, const char *before, const char *statement)
{
    return before[0] != '\0' ? tn_words_print(words, "%s; %s", before, statement) : statement;
}

static uint64_t magnitude(int64_t bytes)
{
    return bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
}

static bool is_luck(const struct tn_finding_saving *saving, int64_t bytes)
{
    return bytes == 0 || magnitude(bytes) <= saving->heap_noise_bytes;
}

/* "heap -24.2 KiB", or that nothing is to be seen. */
static const char *heap_words(struct tn_words *words, const struct tn_finding_saving *saving)
{
    if (is_luck(saving, saving->heap_median_bytes))
        return "heap: no clear change";
    return tn_words_print(words, "heap %c%s", saving->heap_median_bytes < 0 ? '-' : '+',
                          tn_words_bytes(words, magnitude(saving->heap_median_bytes)));
}

/* Where several places take the blocks, the sum of them. */
static const char *place_words(const char *outside)
{
    return strcmp(outside, "mixed") == 0 ? "elsewhere" : outside;
}

/* "922 B more memory", or what the heap alone does where nothing goes elsewhere. */
const char *tn_words_net(struct tn_words *words, const struct tn_finding_saving *saving)
{
    if (!saving->is_measured)
        return "";
    if (saving->outside == NULL || saving->outside_bytes == 0)
        return heap_words(words, saving);
    int64_t net_bytes = tn_saving_net_bytes(saving);
    bool is_even = is_luck(saving, net_bytes) || magnitude(net_bytes) < saving->outside_bytes / EVEN_PARTS;
    return tn_words_print(words, "%s memory", is_even ? "about as much" : delta(words, net_bytes));
}

const char *tn_words_measured(struct tn_words *words, const struct tn_finding_saving *saving)
{
    const char *net = tn_words_net(words, saving);
    if (!saving->is_measured || saving->outside == NULL || saving->outside_bytes == 0)
        return net;
    return tn_words_print(words, "%s (%s, %s +%s)", net, heap_words(words, saving),
                          place_words(saving->outside), tn_words_bytes(words, saving->outside_bytes));
}

static const char *fewer(struct tn_words *words, uint64_t removed, uint64_t allocations)
{
    return tn_words_print(words, "%s allocation%s (%s)", tn_words_count(words, removed), plural(removed),
                          tn_words_share(words, removed, allocations));
}

const char *tn_words_effect(struct tn_words *words, const struct tn_finding_saving *saving,
                            uint64_t allocations)
{
    uint64_t removed = saving->is_measured ? saving->replay_allocations_removed : saving->allocations_removed;
    const char *effect = removed != 0 ? fewer(words, removed, allocations) : "";
    const char *measured = tn_words_measured(words, saving);
    if (measured[0] != '\0')
        return join(words, effect, measured);
    if (saving->peak_bytes_delta != 0)
        return join(words, effect,
                    tn_words_print(words, "memory at the peak: %s", delta(words, saving->peak_bytes_delta)));
    if (saving->bytes_removed > 0)
        return join(words, effect,
                    tn_words_print(words, "%s of headers and rounding",
                                   tn_words_bytes(words, (uint64_t)saving->bytes_removed)));
    return effect;
}

const char *tn_words_estimate(struct tn_words *words, const struct tn_finding_saving *saving)
{
    const char *estimate = "";
    if (saving->allocations_removed != saving->replay_allocations_removed)
        estimate =
            tn_words_print(words, "%s allocation%s", tn_words_count(words, saving->allocations_removed),
                           plural(saving->allocations_removed));
    if (saving->bytes_removed > 0)
        estimate = join(words, estimate,
                        tn_words_print(words, "%s of headers and rounding",
                                       tn_words_bytes(words, (uint64_t)saving->bytes_removed)));
    if (saving->peak_bytes_delta != 0)
        estimate =
            join(words, estimate,
                 tn_words_print(words, "memory at the peak: %s", delta(words, saving->peak_bytes_delta)));
    return saving->is_measured ? estimate : "";
}

/* "1,200 allocations (12 % of all); heap -2.00 KiB" */
static const char *together_words(struct tn_words *words, const struct tn_finding_saving *saving,
                                  uint64_t allocations)
{
    const char *effect = fewer(words, saving->allocations_removed, allocations);
    const char *measured = tn_words_measured(words, saving);
    return measured[0] != '\0' ? join(words, effect, measured) : effect;
}

const char *tn_words_first_together(struct tn_words *words, const struct tn_finding_plan *plan,
                                    size_t first_count, uint64_t allocations)
{
    size_t measured = plan->first_count != 0 ? plan->first_count : plan->finding_count;
    const struct tn_finding_saving *saving = plan->first_count != 0 ? &plan->first : &plan->together;
    if (measured < 2 || measured > first_count)
        return "";
    const char *effect = together_words(words, saving, allocations);
    if (measured < first_count)
        return tn_words_print(words, "The %zu of these that a replay can show save together: %s.", measured,
                              effect);
    return tn_words_print(words, "Together these save: %s.", effect);
}

const char *tn_words_plan(struct tn_words *words, const struct tn_finding_plan *plan, uint64_t allocations)
{
    const char *text =
        tn_words_print(words, "All %zu changes that a replay can show save together: %s.",
                       plan->finding_count, together_words(words, &plan->together, allocations));
    uint64_t together = plan->together.allocations_removed;
    if (plan->alone_allocations > together)
        text = tn_words_print(words,
                              "%s One by one they would come to %s: %s of these allocations can be "
                              "saved by one change only, whichever is made.",
                              text, tn_words_count(words, plan->alone_allocations),
                              tn_words_count(words, plan->alone_allocations - together));
    if (plan->sure_count != 0)
        text = tn_words_print(words, "%s Without conditional ones (%zu %s left): %s.", text, plan->sure_count,
                              plan->sure_count == 1 ? "is" : "are",
                              together_words(words, &plan->sure, allocations));
    return text;
}
