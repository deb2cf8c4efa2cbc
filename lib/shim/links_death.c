/* SPDX-License-Identifier: MIT */

/* Looks into blocks that die: their contents are still there when they are released, and the first 256 bytes
 * hold nearly all addresses of other blocks. Called by the entry points through emit.h. */

#include "link_looks.h"

#include "emit.h"
#include "sys.h"

#include "banned.h"

/* Measured on seven programs: 86 to 100 % of all addresses of other blocks lie in these. */
#define SCAN_WORDS_MAX 32u

/* First a byte for each stack that releases, then two for each that asks. */
#define COUNTER_BYTES (3 * TN_LINK_COUNTERS)

static void *counters; /* of this process, or in a fork child that has none yet, of its parent */

void tn_links_begin(void)
{
    tn_heap_begin_reading();
    tn_unmap_pages(counters, COUNTER_BYTES);
    counters = NULL;
    if (tn_shim_process.options.links != TN_LINKS_NO)
        counters = tn_map_pages(COUNTER_BYTES);
    tn_hot.link_counters = counters;
    tn_hot.sample_counters = NULL;
    if (tn_links_search_begin() && counters != NULL)
        tn_hot.sample_counters = (_Atomic uint16_t *)counters + TN_LINK_COUNTERS / 2;
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
    uint64_t *event = tn_emit_begin(thread, TN_EVENT_LINKS_WORDS + kept);
    if (event == NULL)
        return;
    tn_event_put_links(event, stack_id, (uintptr_t)address, TN_LINK_HOLDER_DEATH, found, kept);
    tn_emit_end(thread, TN_EVENT_LINKS_WORDS + kept);
}
