/* SPDX-License-Identifier: MIT */

/* Looks into blocks that die: their contents are still there when they are released, and the first 256 bytes
 * hold nearly all addresses of other blocks. Called by samples.c. */

#include "link_looks.h"

#include "emit.h"
#include "sys.h"
#include "young_stacks.h"

#include "banned.h"

/* Measured on seven programs: 86 to 100 % of all addresses of other blocks lie in these. */
#define SCAN_WORDS_MAX 32u

/* What a look costs, here and in the recorder, which takes some three times as long: half a microsecond or
 * so, and for each address that is found a tenth. Not measured for each: a thread that is interrupted in a
 * look would be taken for one that looks for long. */
#define SCAN_TICKS UINT64_C(2048)
#define WORD_TICKS UINT64_C(256)

/* Time that may be spent before the process has lived long enough: for two thousand looks. */
#define GRACE_TICKS (SCAN_TICKS << 11)

/* And for each event of a thread so much, if that is less: a program that waits for a processor lives long
 * and does little. */
#define EVENT_TICKS 8u

#define COUNTER_BYTES (TN_YOUNG_COUNTERS * sizeof(uint16_t))

static void *counters; /* of this process, or in a fork child that has none yet, of its parent */
static _Atomic uint64_t spent_ticks;

void tn_links_begin(void)
{
    tn_heap_begin_reading();
    tn_unmap_pages(counters, COUNTER_BYTES);
    counters = NULL;
    if (tn_shim_process.options.links != TN_LINKS_NO)
        counters = tn_map_pages(COUNTER_BYTES);
    tn_hot.young_stacks = counters;
    atomic_store(&spent_ticks, 0);
    tn_links_search_begin();
}

bool tn_links_may_scan(const struct tn_thread *thread)
{
    const struct tn_samples *samples = &thread->samples;
    uint32_t percent = tn_shim_process.options.links_percent;
    uint64_t event_count = samples->next - samples->left;
    uint64_t life_ticks = thread->last_ticks - tn_hot.header->start_ticks;
    if (percent >= 100)
        return true;
    return percent != 0 && samples->spent_ticks < event_count * EVENT_TICKS * percent + GRACE_TICKS &&
           atomic_load_explicit(&spent_ticks, memory_order_relaxed) <
               life_ticks / 100 * percent + GRACE_TICKS;
}

/* Keep the words that may be addresses of blocks. Returns how many. */
static uint32_t pick(const uint64_t *words, uint32_t count, uint64_t *found)
{
    uintptr_t low = atomic_load_explicit(&tn_hot.spans.low, memory_order_relaxed);
    uintptr_t bytes = atomic_load_explicit(&tn_hot.spans.high, memory_order_relaxed) - low;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (words[i] - low < bytes)
            found[kept++] = tn_event_found(words[i], i * (uint32_t)sizeof(words[0]));
    return kept;
}

void tn_links_scan(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    uint64_t words[SCAN_WORDS_MAX];
    size_t usable_bytes = tn_usable_size(address, 0);
    size_t count = usable_bytes / sizeof(words[0]);
    if (count > SCAN_WORDS_MAX)
        count = SCAN_WORDS_MAX;
    if ((uintptr_t)address % sizeof(words[0]) != 0 ||
        !tn_heap_read((uintptr_t)address, usable_bytes, words, (uint32_t)count))
        return;
    uint64_t found[SCAN_WORDS_MAX];
    uint32_t kept = pick(words, (uint32_t)count, found);
    uint64_t took_ticks = SCAN_TICKS + kept * WORD_TICKS;
    thread->samples.spent_ticks += took_ticks;
    atomic_fetch_add_explicit(&spent_ticks, took_ticks, memory_order_relaxed);
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_LINKS_WORDS + kept, false);
    if (event == NULL)
        return;
    tn_event_put_links(event, stack_id, (uintptr_t)address, TN_LINK_HOLDER_DEATH, found, kept);
    tn_emit_end(thread, TN_EVENT_LINKS_WORDS + kept);
}
