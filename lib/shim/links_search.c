/* SPDX-License-Identifier: MIT */

/* The search for addresses. Memory is copied piece by piece by the kernel, which stops where a load would end
 * the program: another thread may unmap it at any time. The time of all searches is a share of the process's
 * life. Called by samples.c. */

#include "link_looks.h"

#include "emit.h"
#include "heap_spans.h"
#include "sys.h"

#include "banned.h"

#define PIECE_BYTES ((size_t)64 << 10)
#define FOUND_MAX   16u /* places for each block; more are left out */
#define INNER_BYTES 64u /* an address up to so many bytes behind the start is the block's */

/* Time that may be spent before the process has lived long enough: half a millisecond or so. */
#define GRACE_TICKS (UINT64_C(1) << 20)

/* One block, and where its address was found: words of LINKS. */
struct trace {
    struct tn_sought sought;
    uint32_t count;
    uint64_t found[FOUND_MAX];
};

/* The memory of a search; one thread at a time. */
struct address_search {
    struct trace traces[TN_SAMPLES_MAX];
    uint32_t count;
    uintptr_t low, span_bytes; /* all that is sought is less than span_bytes behind low */
    uint64_t begin_ticks, limit_ticks;
    uint64_t words[PIECE_BYTES / sizeof(uint64_t)];
};

static struct address_search *area; /* owned; NULL: nothing is searched for */
static _Atomic uint32_t is_busy;
/* Written by whoever has set is_busy: the time of all searches, and what the next is expected to take. */
static _Atomic uint64_t spent_ticks, need_ticks;

void tn_links_search_begin(void)
{
    tn_unmap_pages(area, sizeof(*area));
    area = tn_shim_process.options.links == TN_LINKS_YES ? tn_map_pages(sizeof(*area)) : NULL;
    atomic_store(&spent_ticks, 0);
    atomic_store(&need_ticks, 0);
    atomic_store(&is_busy, 0);
}

/* ---------------------------------------------------------------------------------------- one piece */

static void note(struct address_search *search, uint64_t word, uintptr_t place)
{
    for (uint32_t i = 0; i < search->count; i++) {
        struct trace *trace = &search->traces[i];
        uint64_t inner_bytes = word - trace->sought.address;
        if (inner_bytes <= INNER_BYTES && trace->count < FOUND_MAX)
            trace->found[trace->count++] = tn_event_found(place, (uint32_t)inner_bytes);
    }
}

static void compare(struct address_search *search, uintptr_t address, size_t size_bytes)
{
    uintptr_t low = search->low, span_bytes = search->span_bytes;
    for (size_t i = 0; i < size_bytes / sizeof(search->words[0]); i++)
        if (TN_UNLIKELY(search->words[i] - low < span_bytes))
            note(search, search->words[i], address + i * sizeof(search->words[0]));
}

/* ---------------------------------------------------------------------------------------- all memory */

/* Returns false when the search must end. Where memory cannot be read, the next page is tried. */
static bool search_span(struct address_search *search, uintptr_t low, uintptr_t high)
{
    uintptr_t at = (low + 7) & ~(uintptr_t)7;
    while (at + sizeof(search->words[0]) <= high) {
        uintptr_t next = (at + PIECE_BYTES) & ~(PIECE_BYTES - 1);
        size_t size_bytes = (next < high ? next : high) - at;
        long got = 0;
        if (tn_ticks() - search->begin_ticks > search->limit_ticks ||
            !tn_heap_copy(at, search->words, size_bytes, &got))
            return false;
        compare(search, at, (size_t)got);
        at = (size_t)got == size_bytes ? next : (at + (size_t)got + tn_page_bytes) & ~(tn_page_bytes - 1);
    }
    return true;
}

static bool search_list(struct address_search *search, const struct tn_heap_span *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t low = atomic_load_explicit(&list[i].low, memory_order_relaxed);
        uintptr_t high = atomic_load_explicit(&list[i].high, memory_order_relaxed);
        if (!search_span(search, low, high))
            return false;
    }
    return true;
}

/* The share of the time that is left, in ticks; 0: none. */
static uint64_t limit_of(uint64_t now)
{
    uint32_t percent = tn_shim_process.options.links_percent;
    uint64_t life_ticks = now - tn_hot.header->start_ticks;
    uint64_t share = percent >= 100 ? UINT64_MAX / 2 : life_ticks / 100 * percent + GRACE_TICKS;
    uint64_t spent = atomic_load_explicit(&spent_ticks, memory_order_relaxed);
    return percent != 0 && share > spent ? share - spent : 0;
}

static bool has_time(uint64_t limit_ticks)
{
    return limit_ticks > atomic_load_explicit(&need_ticks, memory_order_relaxed);
}

bool tn_links_may_search(const struct tn_thread *thread)
{
    bool may_read = !tn_is_filtered && !tn_shim_process.is_reading_refused;
    return area != NULL && may_read && atomic_load_explicit(&is_busy, memory_order_relaxed) == 0 &&
           has_time(limit_of(thread->last_ticks));
}

/* One that was cut short would have taken longer: only twice its time is enough to begin another. */
static void end_search(const struct address_search *search, bool is_whole)
{
    uint64_t took = tn_ticks() - search->begin_ticks;
    uint64_t spent = atomic_load_explicit(&spent_ticks, memory_order_relaxed);
    atomic_store_explicit(&spent_ticks, spent + took, memory_order_relaxed);
    atomic_store_explicit(&need_ticks, is_whole ? took : 2 * took, memory_order_relaxed);
}

static void prepare(struct address_search *search, const struct tn_sought *sought, uint32_t count)
{
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (uint32_t i = 0; i < count; i++) {
        search->traces[i].sought = sought[i];
        search->traces[i].count = 0;
        if (sought[i].address < low)
            low = sought[i].address;
        if (sought[i].address > high)
            high = sought[i].address;
    }
    search->count = count;
    search->low = low;
    search->span_bytes = high - low + INNER_BYTES + 1;
    search->begin_ticks = tn_ticks();
    search->limit_ticks = limit_of(search->begin_ticks);
}

static void write_traces(struct tn_thread *thread, const struct address_search *search)
{
    for (uint32_t i = 0; i < search->count; i++) {
        const struct trace *trace = &search->traces[i];
        uint64_t *event = tn_emit_begin(thread, TN_EVENT_LINKS_WORDS + trace->count, false);
        if (event == NULL)
            return;
        tn_event_put_links(event, trace->sought.stack_id, trace->sought.address, trace->sought.moment,
                           trace->found, trace->count);
        tn_emit_end(thread, TN_EVENT_LINKS_WORDS + trace->count);
    }
}

void tn_links_search(struct tn_thread *thread, const struct tn_sought *sought, uint32_t count)
{
    struct address_search *search = area;
    if (search == NULL || count == 0 || atomic_exchange(&is_busy, 1) != 0)
        return;
    prepare(search, sought, count);
    if (!has_time(search->limit_ticks)) {
        atomic_store(&is_busy, 0);
        return;
    }
    bool is_whole = search_list(search, tn_hot.spans.list,
                                atomic_load_explicit(&tn_hot.spans.count, memory_order_acquire)) &&
                    search_list(search, tn_hot.globals.list,
                                atomic_load_explicit(&tn_hot.globals.count, memory_order_acquire));
    end_search(search, is_whole);
    if (is_whole)
        write_traces(thread, search);
    atomic_store(&is_busy, 0);
}
