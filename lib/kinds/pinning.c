/* SPDX-License-Identifier: MIT */
/* The kind `pinning`: attributes fragmentation to the sites whose blocks separate free extents. The blocks
 * are placed in an unbounded first-fit heap, which is sampled up to SAMPLES times: where all blocks between
 * two holes come from one site, the holes would be one without it. Placing costs as much as all other kinds
 * together, so it runs in a worker thread. */
#include "tenure/analysis.h"
#include "tenure/heap.h"
#include "tenure/kinds.h"
#include "tenure/releases.h"
#include "tenure/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES      128 /* once so many were taken, only every second one is */
#define HEADER_BYTES 8
#define ALIGN_BYTES  8

/* Releases that the worker prefetches for, so many changes ahead. */
#define EXPECT_NEAR 4u
#define EXPECT_SLOT 16u

/* A birth or a death, as the worker gets it. */
struct change {
    uint64_t time_ns, size_bytes;
    uint32_t slot, site, alignment_bytes;
    bool is_birth;
};

/* Between begin and conclude the worker thread owns everything but `worker` and the thresholds. */
struct pinning_state {
    struct tn_worker *worker; /* owned */
    struct tn_heap *heap;
    uint32_t *blocks; /* owned; by slot; 0: it has none */
    size_t block_count;
    struct tn_heap_pin *pins; /* owned; by site */
    uint64_t events, stride, taken, looks;
    uint64_t first_ns, sampled_ns;
    double share, most_share;
    uint64_t least_bytes;
};

static const struct tn_threshold thresholds[] = {
    {"pinning.share", 0.05, 0.001, 100,
     "free bytes that a site keeps apart on average, as a share of the peak of live bytes, at least",
     "below, merging these holes saves less than the alignment of most heaps"},
    {"pinning.bytes", 4096, 1, 1e12, "the same in bytes, at least",
     "a page; a 4 KiB heap is the paper's example"},
    {"pinning.most-share", 0.25, 0.001, 1,
     "live bytes of a site at its peak, as a share of the process's peak, at most",
     "what holds most of the memory lies between most holes: it is no few blocks among others"},
    {0},
};

/* One sample of the heap. */
struct look {
    struct pinning_state *state;
    double weight_ns; /* time since the last sample, ns */
};

static int blame(void *context, uint32_t site, uint64_t bytes)
{
    struct look *look = context;
    tn_heap_pin_add(&look->state->pins[site], look->state->looks, bytes, look->weight_ns);
    return 0;
}

static void take_look(struct pinning_state *state, uint64_t time_ns)
{
    if (state->events == 0)
        state->first_ns = state->sampled_ns = time_ns;
    state->events++;
    if (state->events % state->stride != 0)
        return;
    if (++state->taken == SAMPLES) {
        state->taken = SAMPLES / 2;
        state->stride *= 2;
    }
    state->looks++;
    struct look look = {.state = state};
    look.weight_ns = time_ns > state->sampled_ns ? (double)(time_ns - state->sampled_ns) : 0;
    tn_heap_find_pins(state->heap, blame, &look, NULL);
    state->sampled_ns = time_ns;
}

static int grow(struct pinning_state *state, uint32_t slot)
{
    size_t count = (size_t)slot * 2 + 64;
    uint32_t *blocks = realloc(state->blocks, count * sizeof(*blocks));
    if (blocks == NULL)
        return -ENOMEM;
    memset(blocks + state->block_count, 0, (count - state->block_count) * sizeof(*blocks));
    state->blocks = blocks;
    state->block_count = count;
    return 0;
}

static int place_block(struct pinning_state *state, const struct change *change)
{
    int r = change->slot >= state->block_count ? grow(state, change->slot) : 0;
    if (r < 0)
        return r;
    uint32_t *placed = &state->blocks[change->slot];
    *placed = 0;
    r = tn_heap_place(state->heap, change->size_bytes, change->alignment_bytes, change->site, placed);
    return r == -ENOMEM ? r : 0;
}

static void release(struct pinning_state *state, uint32_t slot)
{
    if (slot >= state->block_count || state->blocks[slot] == 0)
        return;
    tn_heap_release(state->heap, state->blocks[slot]);
    state->blocks[slot] = 0;
}

/* Old blocks are in no cache: the slot is asked for first, then the block, then its neighbours. */
static void expect(const struct pinning_state *state, const struct change *changes, size_t count)
{
    for (size_t ahead = EXPECT_NEAR; ahead <= EXPECT_SLOT; ahead *= 2) {
        uint32_t slot = ahead < count && !changes[ahead].is_birth ? changes[ahead].slot : UINT32_MAX;
        if (slot >= state->block_count)
            continue;
        if (ahead == EXPECT_SLOT)
            __builtin_prefetch(&state->blocks[slot], 1);
        else if (state->blocks[slot] != 0)
            tn_heap_expect(state->heap, state->blocks[slot], ahead == EXPECT_NEAR);
    }
}

static int apply(void *own, const void *items, size_t count)
{
    struct pinning_state *state = own;
    const struct change *changes = items;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        expect(state, &changes[i], count - i);
        if (changes[i].is_birth)
            r = place_block(state, &changes[i]);
        else
            release(state, changes[i].slot);
        take_look(state, changes[i].time_ns);
    }
    return r;
}

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct pinning_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    *ret_state = state;
    state->stride = 1;
    state->share = tn_pass_threshold(pass, "pinning.share");
    state->most_share = tn_pass_threshold(pass, "pinning.most-share");
    state->least_bytes = (uint64_t)tn_pass_threshold(pass, "pinning.bytes");
    state->pins = calloc(pass->site_count, sizeof(state->pins[0]));
    struct tn_heap_options options;
    tn_heap_options_init(&options);
    options.header_bytes = HEADER_BYTES;
    options.align_bytes = ALIGN_BYTES;
    if (state->pins == NULL)
        return -ENOMEM;
    int r = tn_heap_open(tn_policy_find("first-fit"), &options, &state->heap, pass->error);
    return r < 0 ? r : tn_worker_open(sizeof(struct change), apply, state, &state->worker);
}

static int birth(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct pinning_state *state = own;
    const struct tn_block *block = event->block;
    struct change *change = tn_worker_add(state->worker);
    uint64_t time_ns = tn_pass_recorded_ns(pass, event->event->time_ns);
    *change =
        (struct change){time_ns, block->size_bytes, block->slot, block->site, block->alignment_bytes, true};
    return 0;
}

static int death(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct pinning_state *state = own;
    struct change *change = tn_worker_add(state->worker);
    uint64_t time_ns = tn_pass_recorded_ns(pass, event->event->time_ns);
    *change = (struct change){.time_ns = time_ns, .slot = event->block->slot};
    return 0;
}

static uint64_t mean_of(const struct pinning_state *state, uint32_t site)
{
    double ns = (double)(state->sampled_ns - state->first_ns);
    return ns > 0 ? (uint64_t)(state->pins[site].byte_ns / ns) : 0;
}

static void fill_evidence(const struct pinning_state *state, const struct tn_pass_site *seen, uint32_t site,
                          struct tn_finding *finding)
{
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_count(evidence, "allocations", seen->allocations);
    tn_evidence_add_count(evidence, "peak_count", seen->peak_live_count);
    tn_evidence_add_bytes(evidence, "pinned_mean_bytes", mean_of(state, site));
    tn_evidence_add_bytes(evidence, "pinned_peak_bytes", state->pins[site].peak_bytes);
    tn_evidence_add_text(evidence, "policy", "first-fit");
    tn_evidence_add_bytes(evidence, "header_bytes", HEADER_BYTES);
    tn_evidence_add_bytes(evidence, "alignment_bytes", ALIGN_BYTES);
}

static int fill_query(const struct tn_pass *pass, uint32_t site, struct tn_finding *finding)
{
    char *head = NULL, *where = NULL;
    int r = tn_finding_live_query(pass, &site, 1, &head);
    if (r == 0)
        r = tn_finding_where(pass, &site, 1, &where);
    if (r == 0)
        r = tn_finding_set(
            &finding->query,
            "%sSELECT count(*) AS allocations, (SELECT max(live_count) FROM live) AS peak_count"
            " FROM allocation WHERE %s",
            head, where);
    free(head);
    free(where);
    return r;
}

static int fill_texts(const struct pinning_state *state, uint32_t site, struct tn_finding *finding)
{
    char place[256], mean[TN_QUANTITY_TEXT_BYTES];
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_bytes(mean, mean_of(state, site));
    int r = tn_finding_set(&finding->title,
                           "Move the blocks of %s out of the way: they split %s of free space, on average",
                           place, mean);
    if (r == 0)
        r = tn_finding_set(
            &finding->advice,
            "Allocate the blocks of %s before anything that is released again, or in a pool or region "
            "of their own: where they lie now, the free space on both sides of them cannot be used as "
            "one.",
            place);
    return r;
}

static int add_finding(const struct pinning_state *state, const struct tn_pass *pass, uint32_t site,
                       struct tn_findings *findings)
{
    const struct tn_pass_site *seen = &pass->sites[site];
    struct tn_finding finding;
    int r = tn_finding_begin(pass, &tn_kind_pinning, &site, 1, &finding);
    if (r < 0)
        return r;
    finding.confidence = TN_CONFIDENCE_CONSISTENT;
    finding.saving.outside = "pool";
    finding.apply = TN_APPLY_POOL;
    finding.apply_bytes = seen->max_size_bytes;
    finding.apply_count = seen->peak_live_count;
    r = fill_texts(state, site, &finding);
    fill_evidence(state, seen, site, &finding);
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
    struct pinning_state *state = own;
    int r = tn_worker_wait(state->worker);
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++) {
        const struct tn_pass_site *seen = &pass->sites[site];
        uint64_t mean_bytes = mean_of(state, site);
        double peak_bytes = (double)pass->peak_live_bytes;
        if (!seen->is_runtime && mean_bytes >= state->least_bytes &&
            (double)mean_bytes >= state->share * peak_bytes &&
            (double)seen->peak_live_bytes <= state->most_share * peak_bytes)
            r = add_finding(state, pass, site, findings);
    }
    return r;
}

static void finish(void *own)
{
    struct pinning_state *state = own;
    if (state == NULL)
        return;
    tn_worker_close(state->worker);
    tn_heap_close(state->heap);
    free(state->blocks);
    free(state->pins);
    free(state);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("pinned_mean_bytes", COUNT, BYTES), TN_TOLD("", " of free space kept apart on average"),
     .is_required = true, .is_detail = true},
    {TN_KEY("pinned_peak_bytes", COUNT, BYTES), TN_TOLD("at most ", ""), .is_required = true},
    {TN_KEY("peak_count", COUNT, COUNT), TN_TOLD("", " blocks live at once")},
    {TN_KEY("allocations", COUNT, COUNT)},
    {TN_KEY("policy", TEXT, NONE), .is_required = true},
    {TN_KEY("header_bytes", COUNT, BYTES)},
    {TN_KEY("alignment_bytes", COUNT, BYTES)},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", "combine",     "permanent", "arena",
                                        "pool",         "preallocate", "growth",    NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .death = death,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_pinning = {
    .name = "pinning",
    .summary = "long-lived blocks that hold holes open among short-lived ones",
    .tactic = "Use static and permanent allocations",
    .verify = "Simulate again: these blocks keep no free space apart.",
    .is_never_minor = true,
    .weight = 0.25,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
