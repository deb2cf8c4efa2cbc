/* SPDX-License-Identifier: MIT */
/* Level 1 of the risk card: the bounds that the recording kept (bytes and blocks live at once, sizes), and
 * the region that is known to suffice for every program within them. Formulas and sources:
 * docs/simulator.md. */
#include "risk_levels.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Policies that a bound is known for. GAPS holds for each that fails only when no free piece is as large
 * as the block, and that merges free pieces which touch. */
static const struct {
    const char *policy;
    enum tn_certificate certificate; /* the best that is known: first fit has two */
    unsigned slack_words;            /* pointers that a block may be larger than its need, at most */
    unsigned unit_words; /* not 0: sizes are multiples of 8 bytes; 0: of the alignment asked for */
} known[] = {
    {"first-fit", TN_CERTIFICATE_FIRST_FIT, 0, 0},
    {"best-fit", TN_CERTIFICATE_GAPS, 0, 0},
    {"next-fit", TN_CERTIFICATE_GAPS, 0, 0},
    {"worst-fit", TN_CERTIFICATE_GAPS, 0, 0},
    {"freertos-heap4", TN_CERTIFICATE_FIRST_FIT, 4, 1},
    {"buddy", TN_CERTIFICATE_BUDDY, 0, 0},
    {"pools", TN_CERTIFICATE_POOLS, 0, 0},
};

/* Bounds that the recording kept; sizes in bytes of region. */
struct bounds {
    uint64_t bytes, count;   /* most at once */
    uint64_t largest, least; /* block */
    bool has_alignment;      /* a block was aligned to more than the policy's own */
};

const char *tn_certificate_name(enum tn_certificate certificate)
{
    static const char *const names[] = {"none", "gaps", "first-fit", "buddy", "pools"};
    return names[certificate];
}

static void count_block(struct bounds *bounds, uint64_t *bytes, uint64_t *count, uint64_t block)
{
    *bytes += block;
    *count += 1;
    if (*bytes > bounds->bytes)
        bounds->bytes = *bytes;
    if (*count > bounds->count)
        bounds->count = *count;
    if (block > bounds->largest)
        bounds->largest = block;
    if (block < bounds->least)
        bounds->least = block;
}

/* A resize may need the old and the new block at once for a moment: counted as if it always did. */
static int find_bounds(const struct tn_risk_trace *trace, const struct tn_heap *heap, uint64_t slack,
                       uint64_t unit, struct bounds *ret_bounds)
{
    uint64_t *blocks = calloc(trace->event_count + 1u, sizeof(blocks[0])), bytes = 0, count = 0;
    if (blocks == NULL)
        return -ENOMEM;
    struct bounds bounds = {.least = UINT64_MAX};
    for (uint32_t i = 0; i < trace->event_count; i++) {
        const struct tn_risk_event *event = &trace->events[i];
        uint64_t block = event->kind != TN_REPLAY_RELEASE ? tn_heap_need(heap, event->size_bytes) : 0;
        uint64_t alignment = event->align_log2_1 != 0 ? UINT64_C(1) << (event->align_log2_1 - 1) : 0;
        bounds.has_alignment = bounds.has_alignment || alignment > unit;
        if (block != 0)
            count_block(&bounds, &bytes, &count, block + slack);
        bytes -= blocks[event->birth];
        count -= blocks[event->birth] != 0;
        blocks[event->birth] = block != 0 ? block + slack : 0;
    }
    free(blocks);
    *ret_bounds = bounds;
    return 0;
}

static uint64_t log2_up(uint64_t value)
{
    return value > 1 ? 64u - (uint64_t)__builtin_clzll(value - 1) : 0;
}

/* K blocks leave at most K + 1 gaps; a request fails only when each is smaller than it. Sizes are multiples
 * of the unit, so a gap is smaller by a unit at least. */
static uint64_t gaps_bound(const struct bounds *bounds, uint64_t unit)
{
    uint64_t gap = bounds->largest > unit ? bounds->largest - unit : 0;
    return bounds->bytes + (bounds->count + 1) * gap;
}

/* Robson 1977, as o1heap's documentation gives it: M (1 + ceil(log2 n)), sizes 1 to n units. */
static uint64_t first_fit_bound(const struct bounds *bounds, uint64_t unit)
{
    return bounds->bytes * (1 + log2_up((bounds->largest + unit - 1) / unit));
}

/* Robson, as SQLite's documentation of its power-of-two allocator gives it: M (1 + log2(n) / 2) - n + 1 in
 * units of the smallest block, which are powers of two here already. */
static uint64_t buddy_bound(const struct bounds *bounds)
{
    uint64_t unit = bounds->least, live = bounds->bytes / unit, n = bounds->largest / unit;
    uint64_t units = (uint64_t)ceil((double)live * (1 + (double)log2_up(n) / 2)) - n + 1;
    return units * unit;
}

static uint64_t pools_bytes(const struct tn_heap_options *options)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < options->pool_count; i++)
        bytes += options->pools[i].block_bytes * options->pools[i].count;
    return bytes;
}

static void put_certificate(struct tn_risk_card *card, const struct tn_heap_options *heap,
                            const struct bounds *bounds, enum tn_certificate certificate, uint64_t unit)
{
    card->certificate = certificate;
    card->bound_least_bytes = certificate == TN_CERTIFICATE_BUDDY ? bounds->least : unit;
    if (certificate == TN_CERTIFICATE_POOLS)
        card->certified_bytes = pools_bytes(heap);
    else if (certificate == TN_CERTIFICATE_BUDDY)
        card->certified_bytes = buddy_bound(bounds);
    else
        card->certified_bytes = gaps_bound(bounds, unit);
    if (certificate == TN_CERTIFICATE_FIRST_FIT) {
        uint64_t robson = first_fit_bound(bounds, unit);
        card->certificate = robson < card->certified_bytes ? certificate : TN_CERTIFICATE_GAPS;
        card->certified_bytes = robson < card->certified_bytes ? robson : card->certified_bytes;
    }
}

static void certify(struct tn_risk_card *card, const struct tn_risk_options *options,
                    const struct bounds *bounds, enum tn_certificate certificate, uint64_t unit,
                    const struct tn_heap_state *empty)
{
    card->bound_bytes = bounds->bytes;
    card->bound_count = bounds->count;
    card->bound_block_bytes = bounds->largest;
    if (certificate == TN_CERTIFICATE_NONE || bounds->count == 0 || bounds->has_alignment)
        return;
    put_certificate(card, &options->heap, bounds, certificate, unit);
    card->certified_bytes += empty->fixed_bytes;
    card->certified_factor = (double)card->certified_bytes / (double)bounds->bytes;
    card->is_certified = card->heap_bytes >= card->certified_bytes && card->has_survived;
}

int tn_risk_certify(const struct tn_risk_trace *trace, const struct tn_risk_options *options,
                    struct tn_risk_card *card, struct tn_error *error)
{
    enum tn_certificate certificate = TN_CERTIFICATE_NONE;
    uint64_t slack = 0, unit = options->heap.align_bytes != TN_HEAP_DEFAULT ? options->heap.align_bytes : 1;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].policy, tn_policy_name(options->policy)) == 0) {
            certificate = known[i].certificate;
            slack = known[i].slack_words * options->heap.pointer_bytes;
            unit = known[i].unit_words != 0 ? 8 : unit;
        }
    if (options->heap.min_block_bytes != TN_HEAP_DEFAULT && slack == 0 && certificate != TN_CERTIFICATE_BUDDY)
        slack = options->heap.min_block_bytes;
    struct tn_heap_options unlimited = options->heap;
    unlimited.heap_bytes = TN_HEAP_UNLIMITED;
    struct tn_heap *heap;
    int r = tn_heap_open(options->policy, &unlimited, &heap, error);
    if (r < 0)
        return r;
    struct tn_heap_state empty;
    struct bounds bounds;
    tn_heap_state(heap, &empty);
    r = find_bounds(trace, heap, slack, unit, &bounds);
    tn_heap_close(heap);
    if (r < 0)
        return tn_error_set(error, r, "cannot assess the risk: out of memory");
    certify(card, options, &bounds, certificate, unit, &empty);
    return 0;
}
