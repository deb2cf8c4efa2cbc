/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_YOUNG_STACKS_H
#define TENURE_SHIM_YOUNG_STACKS_H

/* Of each stack the first blocks are looked at: those that it asks for are looked for (samples.h), and those
 * that it releases are looked into (link_looks.h). A stack is young until that has been done. Here is counted
 * how often it was; that is asked where a stack is not remembered, and a memo of a stack (trail.h) says in
 * one byte what the stack is still young for. */

#include "shim_thread.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Blocks of each stack that are looked for, and into. Measured on seven programs, the second number finds all
 * but one of 204 kinds of links. */
#define TN_YOUNG_BIRTHS   8u
#define TN_YOUNG_RELEASES 32u

/* What a stack is young for; bits. */
#define TN_YOUNG_FOR_BIRTHS   1u
#define TN_YOUNG_FOR_RELEASES 2u

/* The counters: stacks whose ids differ by a multiple of this share one. Bits 0 to 3: blocks that were looked
 * for; 4 to 9: into; 14 and 15: it asks for blocks, it releases some. 0: nothing is known of it. */
#define TN_YOUNG_COUNTERS   65536u
#define TN_YOUNG_ONE_BIRTH  0x0001u
#define TN_YOUNG_ONE_DEATH  0x0010u
#define TN_YOUNG_HAS_BIRTHS 0x4000u
#define TN_YOUNG_HAS_DEATHS 0x8000u

/* What a stack is young for, by its counter. */
static inline uint32_t tn_young_by(uint32_t counter)
{
    if (counter == 0)
        return TN_YOUNG_FOR_BIRTHS | TN_YOUNG_FOR_RELEASES;
    bool has_births = (counter & TN_YOUNG_HAS_BIRTHS) != 0, has_deaths = (counter & TN_YOUNG_HAS_DEATHS) != 0;
    return (has_births && counter % 16 < TN_YOUNG_BIRTHS ? TN_YOUNG_FOR_BIRTHS : 0) |
           (has_deaths && counter / 16 % 64 < TN_YOUNG_RELEASES ? TN_YOUNG_FOR_RELEASES : 0);
}

/* The same, by its id; 0 where no links are looked for. */
static inline uint32_t tn_young_for(uint32_t stack_id)
{
    _Atomic uint16_t *counters = tn_hot.young_stacks;
    if (counters == NULL)
        return 0;
    return tn_young_by(atomic_load_explicit(&counters[stack_id % TN_YOUNG_COUNTERS], memory_order_relaxed));
}

/* Note what a stack does, and one look more, or none (one: TN_YOUNG_ONE_* or 0). Where links are looked for.
 * Two threads may both count one: then one more is looked at. */
static inline void tn_young_count(uint32_t stack_id, uint32_t has, uint32_t one)
{
    _Atomic uint16_t *counter = &tn_hot.young_stacks[stack_id % TN_YOUNG_COUNTERS];
    uint32_t count = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, (uint16_t)((count | has) + one), memory_order_relaxed);
}

#endif
