/* SPDX-License-Identifier: MIT */
/* The kind `overhead`: blocks so small that header and rounding outweigh what they hold. Rounding is what the
 * recorded allocator gave above the size asked for; the header is TN_HEADER_BYTES. */
#include "tenure/analysis.h"
#include "tenure/cplusplus.h"
#include "tenure/kinds.h"
#include "tenure/releases.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct overhead_site {
    uint64_t overhead_bytes, live_overhead_bytes, peak_overhead_bytes;
};

struct overhead_state {
    struct overhead_site *sites; /* owned; by site */
    double ratio;
    uint64_t peak_count;
};

static const struct tn_threshold thresholds[] = {
    {"overhead.ratio", 1, 0.1, 100,
     "overhead of all blocks of a site, at least this many times what they hold",
     "the kind's definition: header and rounding outweigh the payload"},
    {"overhead.peak-count", 16, 1, 1e12, "blocks of a site that live at once, at least",
     "below, all that can be saved is some hundred bytes"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct overhead_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    *ret_state = state;
    state->ratio = tn_pass_threshold(pass, "overhead.ratio");
    state->peak_count = (uint64_t)tn_pass_threshold(pass, "overhead.peak-count");
    state->sites = calloc(pass->site_count, sizeof(state->sites[0]));
    return state->sites != NULL ? 0 : -ENOMEM;
}

static uint64_t overhead_of(const struct tn_block *block)
{
    return block->usable_size_bytes - block->size_bytes + TN_HEADER_BYTES;
}

static int birth(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct overhead_state *state = own;
    struct overhead_site *site = &state->sites[event->block->site];
    uint64_t overhead_bytes = overhead_of(event->block);
    (void)pass;
    site->overhead_bytes += overhead_bytes;
    site->live_overhead_bytes += overhead_bytes;
    if (site->live_overhead_bytes > site->peak_overhead_bytes)
        site->peak_overhead_bytes = site->live_overhead_bytes;
    return 0;
}

static int death(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct overhead_state *state = own;
    (void)pass;
    state->sites[event->block->site].live_overhead_bytes -= overhead_of(event->block);
    return 0;
}

static bool is_worth_it(const struct overhead_state *state, const struct tn_pass *pass, uint32_t site)
{
    const struct tn_pass_site *seen = &pass->sites[site];
    return !seen->is_runtime && seen->allocations >= pass->options->min_allocations &&
           seen->peak_live_count >= state->peak_count && seen->total_bytes != 0 &&
           (double)state->sites[site].overhead_bytes >= state->ratio * (double)seen->total_bytes;
}

static void fill_evidence(const struct overhead_site *own, const struct tn_pass_site *seen,
                          struct tn_finding *finding)
{
    struct tn_evidence_set *evidence = &finding->evidence;
    uint64_t mean_bytes = (seen->total_bytes + seen->allocations - 1) / seen->allocations;
    tn_evidence_add_count(evidence, "allocations", seen->allocations);
    tn_evidence_add_bytes(evidence, "payload_bytes", seen->total_bytes);
    tn_evidence_add_bytes(evidence, "overhead_bytes", own->overhead_bytes);
    tn_evidence_add_count(evidence, "peak_count", seen->peak_live_count);
    tn_evidence_add_bytes(evidence, "header_bytes", TN_HEADER_BYTES);
    tn_evidence_add_bytes(evidence, "peak_overhead_bytes", own->peak_overhead_bytes);
    tn_evidence_add_bytes(evidence, "mean_size_bytes", mean_bytes);
    struct tn_evidence_set *heaps = tn_evidence_add_list(evidence, "heaps");
    for (const struct tn_heap_cost *cost = tn_heap_costs; cost->policy != NULL; cost++) {
        struct tn_evidence_set *heap = tn_evidence_add_object(heaps, NULL);
        tn_evidence_add_text(heap, "policy", cost->policy);
        tn_evidence_add_bytes(heap, "header_bytes", cost->header_bytes);
        tn_evidence_add_bytes(heap, "alignment_bytes", cost->alignment_bytes);
        tn_evidence_add_bytes(heap, "block_bytes", tn_heap_block_bytes(cost, mean_bytes));
    }
}

static int fill_query(const struct tn_pass *pass, uint32_t site, struct tn_finding *finding)
{
    char *head = NULL, *where = NULL;
    int r = tn_finding_live_query(pass, &site, 1, &head);
    if (r == 0)
        r = tn_finding_where(pass, &site, 1, &where);
    if (r == 0)
        r = tn_finding_set(&finding->query,
                           "%sSELECT count(*) AS allocations, sum(size_bytes) AS payload_bytes,"
                           " sum(usable_size_bytes - size_bytes + %u) AS overhead_bytes,"
                           " (SELECT max(live_count) FROM live) AS peak_count FROM allocation WHERE %s",
                           head, TN_HEADER_BYTES, where);
    free(head);
    free(where);
    return r;
}

/* Where the largest block is many times the mean, a member of its size would cost more than the blocks do. */
#define VARYING 2

static uint64_t mean_bytes_of(const struct tn_pass_site *seen)
{
    return (seen->total_bytes + seen->allocations - 1) / seen->allocations;
}

static bool is_varying(const struct tn_pass_site *seen)
{
    return seen->max_size_bytes > VARYING * mean_bytes_of(seen);
}

/* Size to embed where sizes vary: the mean, rounded up to a pointer's alignment. */
static uint64_t kept_bytes(const struct tn_pass_site *seen)
{
    return (mean_bytes_of(seen) + 7) / 8 * 8;
}

static int fill_texts(const struct overhead_site *own, const struct tn_pass_site *seen,
                      struct tn_finding *finding)
{
    char place[256], count[TN_QUANTITY_TEXT_BYTES], bytes[TN_QUANTITY_TEXT_BYTES],
        size[2 * TN_QUANTITY_TEXT_BYTES + 8];
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_count(count, seen->peak_live_count);
    tn_print_bytes(bytes, own->peak_overhead_bytes);
    if (seen->min_size_bytes == seen->max_size_bytes)
        snprintf(size, sizeof(size), "%s B", tn_count_text(seen->max_size_bytes).text);
    else
        snprintf(size, sizeof(size), "%s to %s B", tn_count_text(seen->min_size_bytes).text,
                 tn_count_text(seen->max_size_bytes).text);
    int r =
        tn_finding_set(&finding->title,
                       "Keep the blocks of %s (%s) inside what points to them: headers and rounding take %s",
                       place, size, bytes);
    if (r == 0 && is_varying(seen))
        return tn_finding_set(
            &finding->advice,
            "Keep up to %s bytes of each block of %s inside the structure that points to it, and only what "
            "is longer on"
            " the heap; or take short ones from an array or pool: up to %s live at once, and on average each"
            " costs the heap more than it holds.",
            tn_count_text(kept_bytes(seen)).text, place, count);
    if (r == 0)
        r = tn_finding_set(
            &finding->advice,
            "Keep the %s of %s inside the structure that points to them, or in an array or pool:"
            " up to %s live at once, and each costs the heap more than it holds.",
            size, place, count);
    return r;
}

/* In words of C++, where its library or a new expression makes the blocks. */
static int fill_cplusplus(const struct tn_pass_site *seen, const struct overhead_site *own,
                          const struct tn_made_by *made_by, struct tn_finding *finding)
{
    char place[256];
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    struct tn_cplusplus_scene scene = {.made_by = made_by,
                                       .place = place,
                                       .allocations = seen->allocations,
                                       .block_bytes = own->peak_overhead_bytes,
                                       .block_count = seen->peak_live_count};
    return tn_cplusplus_overhead_words(&scene, finding);
}

static int add_finding(const struct overhead_state *state, const struct tn_pass *pass, uint32_t site,
                       struct tn_findings *findings)
{
    const struct tn_pass_site *seen = &pass->sites[site];
    const struct overhead_site *own = &state->sites[site];
    struct tn_finding finding;
    int r = tn_finding_begin(pass, &tn_kind_overhead, &site, 1, &finding);
    if (r < 0)
        return r;
    finding.confidence = TN_CONFIDENCE_CONSISTENT;
    finding.saving.allocations_removed = seen->allocations;
    finding.saving.bytes_removed = (int64_t)own->peak_overhead_bytes;
    finding.saving.peak_bytes_delta = -(int64_t)((double)own->overhead_bytes / (double)seen->allocations *
                                                 (double)seen->live_count_at_peak);
    finding.saving.outside = "pool";
    finding.apply = TN_APPLY_POOL;
    finding.apply_bytes = is_varying(seen) ? kept_bytes(seen) : seen->max_size_bytes;
    finding.apply_count = seen->peak_live_count;
    struct tn_made_by made_by = {0};
    r = tn_pass_maker(pass, site, &made_by);
    if (r == 0)
        r = tn_cplusplus_overhead_has(made_by.maker) ? fill_cplusplus(seen, own, &made_by, &finding)
                                                     : fill_texts(own, seen, &finding);
    fill_evidence(own, seen, &finding);
    if (r == 0)
        r = fill_query(pass, site, &finding);
    if (r == 0)
        r = tn_pass_add_finding(pass, &site, 1, &finding, findings);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

static int conclude(void *own, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct overhead_state *state = own;
    int r = 0;
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++)
        if (is_worth_it(state, pass, site))
            r = add_finding(state, pass, site, findings);
    return r;
}

static void finish(void *own)
{
    struct overhead_state *state = own;
    if (state != NULL)
        free(state->sites);
    free(state);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key heap_keys[] = {
    {TN_KEY("policy", TEXT, NONE), .is_required = true},
    {TN_KEY("header_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("alignment_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("block_bytes", COUNT, BYTES), .is_required = true},
    {0},
};

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("allocations", COUNT, COUNT), TN_TOLD("", " allocations"), .is_required = true,
     .is_summed = true},
    {TN_KEY("payload_bytes", COUNT, BYTES), TN_TOLD("of ", " together"), .is_required = true,
     .is_summed = true},
    {TN_KEY("overhead_bytes", COUNT, BYTES), TN_TOLD("header and rounding ", ""), .is_required = true,
     .is_summed = true},
    {TN_KEY("peak_count", COUNT, COUNT), TN_TOLD("", " live at once")},
    {TN_KEY("header_bytes", COUNT, BYTES)},
    {TN_KEY("peak_overhead_bytes", COUNT, BYTES)},
    {TN_KEY("mean_size_bytes", COUNT, BYTES)},
    {TN_KEY("heaps", LIST, NONE), .members = heap_keys},
    {TN_KEY("made_by", TEXT, NONE)},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", "combine",     "permanent",     "arena",
                                        "pool",         "preallocate", "fixed-maximum", NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .death = death,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_overhead = {
    .name = "overhead",
    .summary = "blocks so small that header and rounding outweigh what they hold",
    .tactic = "Combine related structures",
    .verify = "Record again: this line is gone, or asks for fewer and larger blocks.",
    .weight = 0.25,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
