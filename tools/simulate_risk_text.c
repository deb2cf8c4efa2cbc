/* SPDX-License-Identifier: MIT */
/* The risk card as text: one paragraph a level, with what it assumes, or why it refuses. Called by
 * simulate_text.c for each policy that has a card. */
#include "simulate_print.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_DAY   (86400 * 1000000000.0)
#define PERCENT_TEXT 16
#define LEAST_TOLD   0.0001 /* "at least" so few says nothing */

/* Only 0 and 1 are printed as 0 and 100 %. */
static const char *percent_text(char *text, double share)
{
    if (share > 0 && share < 0.00005)
        snprintf(text, PERCENT_TEXT, "<0.01 %%");
    else if (share < 1 && share > 0.99995)
        snprintf(text, PERCENT_TEXT, ">99.99 %%");
    else
        snprintf(text, PERCENT_TEXT, "%.4g %%", 100 * share);
    return text;
}

/* Days for long missions: tn_print_duration has nothing above hours. */
static const char *mission_text(char *text, uint64_t horizon_ns)
{
    double days = (double)horizon_ns / NS_PER_DAY;
    if (days < 2)
        return tn_print_duration(text, horizon_ns);
    snprintf(text, TN_QUANTITY_TEXT_BYTES, "%.4g days", days);
    return text;
}

static int print_bounds(const struct tn_risk_card *card, struct tn_buffer *out)
{
    static const char *const sources[] = {"", "counting the gaps between blocks",
                                          "Robson's bound of first fit", "Robson's bound of powers of two"};
    char heap[TN_QUANTITY_TEXT_BYTES], live[TN_QUANTITY_TEXT_BYTES], count[TN_QUANTITY_TEXT_BYTES],
        largest[TN_QUANTITY_TEXT_BYTES];
    if (card->certificate == TN_CERTIFICATE_POOLS)
        return tn_buffer_print(
            out,
            "    certificate  pools cannot fail while no more blocks of a size live at once than its\n"
            "                 pool has: %s bytes\n",
            tn_print_count(heap, card->certified_bytes));
    return tn_buffer_print(
        out,
        "    certificate  %s bytes cannot fail while at most %s bytes in %s blocks live at\n"
        "                 once, headers included, none larger than %s: %.2f x what lives, by\n"
        "                 %s\n",
        tn_print_count(heap, card->certified_bytes), tn_print_count(live, card->bound_bytes),
        tn_print_count(count, card->bound_count), tn_print_count(largest, card->bound_block_bytes),
        card->certified_factor, sources[card->certificate]);
}

static int print_certificate(const struct tn_risk_card *card, struct tn_buffer *out)
{
    if (card->certificate == TN_CERTIFICATE_NONE)
        return tn_buffer_print(
            out, "    certificate  none: no bound is known for this policy and these alignments\n");
    int r = print_bounds(card, out);
    if (r == 0 && !card->is_certified)
        return tn_buffer_print(out, "                 this heap is smaller: not certified\n");
    if (r == 0)
        r = tn_buffer_print(
            out,
            "                 this heap is as large: guaranteed by the certificate. The bounds are\n"
            "                 those of the recording: that the program keeps them is yours to show\n");
    return r;
}

static int print_free(const struct tn_risk_card *card, struct tn_buffer *out)
{
    char duration[TN_QUANTITY_TEXT_BYTES], horizon[TN_QUANTITY_TEXT_BYTES], exceed[PERCENT_TEXT],
        upper[PERCENT_TEXT];
    if (card->free_refusal != TN_REFUSAL_NO)
        return tn_buffer_print(out, "    from peaks   refused: %s\n", tn_refusal_text(card->free_refusal));
    return tn_buffer_print(
        out,
        "    from peaks   recorded %s, mission %s: the mission's peak exceeds the recorded one with\n"
        "                 probability %s; from no failure so far, at most %s fail (95 %%).\n"
        "                 To claim 99 %% survival from tests alone, at 95 %% confidence: %" PRIu64
        " such missions\n"
        "                 without a failure. No trend was found in %u windows (Mann-Kendall z %.2f).\n",
        tn_print_duration(duration, card->duration_ns), mission_text(horizon, card->horizon_ns),
        percent_text(exceed, card->exceed_probability), percent_text(upper, card->failure_upper),
        card->missions_needed, TN_RISK_WINDOWS, card->trend_z);
}

static int print_resample(const struct tn_risk_card *card, struct tn_buffer *out)
{
    char epochs[TN_QUANTITY_TEXT_BYTES], done[TN_QUANTITY_TEXT_BYTES], whole[TN_QUANTITY_TEXT_BYTES],
        need[TN_QUANTITY_TEXT_BYTES], most[TN_QUANTITY_TEXT_BYTES], survival[PERCENT_TEXT], low[PERCENT_TEXT],
        high[PERCENT_TEXT], mission[PERCENT_TEXT];
    if (card->resample_refusal != TN_REFUSAL_NO)
        return tn_buffer_print(
            out, "    resampled    refused: %s\n                 (%s epochs between idle points)\n",
            tn_refusal_text(card->resample_refusal), tn_print_count(epochs, card->epoch_count));
    int r = tn_buffer_print(out,
                            "    resampled    %" PRIu64
                            " missions of %s epochs, drawn from %s between idle points, replayed: %s\n"
                            "                 survive (95 %% interval %s to %s).\n",
                            card->replicas, tn_print_count(done, card->epochs_replayed),
                            tn_print_count(epochs, card->epoch_count), percent_text(survival, card->survival),
                            percent_text(low, card->survival_low), percent_text(high, card->survival_high));
    bool is_longer = card->epochs_horizon > card->epochs_replayed;
    if (r == 0 && is_longer && card->mission_low < LEAST_TOLD)
        r = tn_buffer_print(out,
                            "                 The mission has %s epochs: too many for these to say how many "
                            "survive.\n",
                            tn_print_count(whole, card->epochs_horizon));
    else if (r == 0 && is_longer)
        r = tn_buffer_print(
            out,
            "                 The mission has %s epochs: at least %s survive, if epochs fail\n"
            "                 independently of each other.\n",
            tn_print_count(whole, card->epochs_horizon), percent_text(mission, card->mission_low));
    if (r == 0 && card->need_max_bytes != 0)
        r = tn_buffer_print(out, "                 They needed %s bytes, half of them at most %s.\n",
                            tn_print_count(most, card->need_max_bytes),
                            tn_print_count(need, card->need_median_bytes));
    if (r == 0)
        r = tn_buffer_print(
            out,
            "                 Assumed: epochs are independent and like those recorded; nothing\n"
            "                 larger than what was recorded can appear. Evidence, no promise.\n");
    return r;
}

int tn_simulate_print_risk(const struct tn_risk_card *card, struct tn_buffer *out)
{
    char heap[TN_QUANTITY_TEXT_BYTES], horizon[TN_QUANTITY_TEXT_BYTES];
    int r = tn_buffer_print(out, "  risk of a heap of %s bytes in %s\n",
                            tn_print_count(heap, card->heap_bytes), mission_text(horizon, card->horizon_ns));
    if (r == 0)
        r = print_certificate(card, out);
    if (r == 0)
        r = print_free(card, out);
    return r < 0 ? r : print_resample(card, out);
}
