/* SPDX-License-Identifier: MIT */
/* Adds the counters of a shared header to the totals of the recording. They have 32 bits and wrap, so
 * differences are added; a program can write anything there, so a difference that nobody can have made is
 * not. Called by ring_source.c. */
#include "ring_source.h"

/* What a counter can have risen by since it was seen a second ago, or half a minute when the recorder was
 * held up: more was written there by somebody else. A million processes, and two hundred million events of
 * threads without a ring, are beyond any machine. */
#define CHILDREN_RISE_MAX (UINT32_C(1) << 20)
#define EVENTS_RISE_MAX   (UINT32_C(1) << 28)

static uint32_t load(const _Atomic uint32_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* What was added to a counter since it was last seen. A header that was written over once says nothing any
 * more. */
static uint32_t take_rise(struct tn_rings *rings, const _Atomic uint32_t *counter, uint32_t *seen,
                          uint32_t rise_max)
{
    uint32_t value = load(counter);
    uint32_t rise = value - *seen;
    *seen = value;
    if (rise <= rise_max && !rings->is_header_damaged)
        return rise;
    rings->is_header_damaged = true;
    return 0;
}

void tn_rings_settle_header(struct tn_rings *rings)
{
    const struct tn_shared_header *header = rings->memory.header;
    struct tn_header_counts *counted = &rings->counted;
    struct tn_shim_counts *counts = &rings->shared->counts;
    bool was_damaged = rings->is_header_damaged;
    for (uint32_t i = 0; i < TN_LOSS_REASON_COUNT && !rings->is_refused; i++)
        rings->shared->totals.lost[i] +=
            take_rise(rings, &header->lost_counts[i], &counted->lost[i], EVENTS_RISE_MAX);
    for (uint32_t i = 0; i < TN_CHILD_LOSS_COUNT; i++)
        counts->children_lost[i] +=
            take_rise(rings, &header->children_lost[i], &counted->children_lost[i], CHILDREN_RISE_MAX);
    counts->tasks_refused +=
        take_rise(rings, &header->tasks_refused, &counted->tasks_refused, CHILDREN_RISE_MAX);
    counts->libraries_apart +=
        take_rise(rings, &header->libraries_apart, &counted->libraries_apart, CHILDREN_RISE_MAX);
    counts->stacks_lost += take_rise(rings, &header->stacks_lost, &counted->stacks_lost, EVENTS_RISE_MAX);
    counts->stacks_checked +=
        take_rise(rings, &header->stacks_checked, &counted->stacks_checked, EVENTS_RISE_MAX);
    counts->stacks_different +=
        take_rise(rings, &header->stacks_different, &counted->stacks_different, EVENTS_RISE_MAX);
    counts->rules_learned +=
        take_rise(rings, &header->rules_learned, &counted->rules_learned, EVENTS_RISE_MAX);
    counts->frames_complex +=
        take_rise(rings, &header->frames_complex, &counted->frames_complex, EVENTS_RISE_MAX);
    counts->frames_unwalked +=
        take_rise(rings, &header->frames_unwalked, &counted->frames_unwalked, EVENTS_RISE_MAX);
    counts->damaged_headers += rings->is_header_damaged && !was_damaged;
}

uint64_t tn_rings_header_losses(const struct tn_rings *rings)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < TN_LOSS_REASON_COUNT && !rings->is_refused; i++) {
        uint32_t rise = load(&rings->memory.header->lost_counts[i]) - rings->counted.lost[i];
        sum += rise <= EVENTS_RISE_MAX && !rings->is_header_damaged ? rise : 0;
    }
    return sum;
}
