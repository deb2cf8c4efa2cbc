/* SPDX-License-Identifier: MIT */
/* The algorithm of both TLSF models: two-level lists of free blocks by size, bit maps to find a list that
 * fits in O(1), merging at once. Called by tlsf.c and tlsf_esp32.c. */
#include "tlsf_lists.h"

/* Lists are by payload: a chunk is a word larger, for its size field. */
static void map(const struct tn_heap *heap, uint64_t payload, unsigned *ret_first, unsigned *ret_second)
{
    const struct tn_tlsf *tlsf = heap->state;
    unsigned shift = tlsf->second_log2 + tlsf->align_log2;
    if (payload < UINT64_C(1) << shift) {
        *ret_first = 0;
        *ret_second = (unsigned)(payload >> tlsf->align_log2);
        return;
    }
    unsigned first = tn_log2(payload);
    *ret_second = (unsigned)(payload >> (first - tlsf->second_log2)) ^ (1u << tlsf->second_log2);
    *ret_first = first - shift + 1;
}

static void insert(struct tn_heap *heap, uint32_t number)
{
    struct tn_tlsf *tlsf = heap->state;
    unsigned first, second;
    map(heap, tn_extent(&heap->space, number)->size - heap->pointer, &first, &second);
    tn_extent(&heap->space, number)->list = (uint16_t)(first * TN_TLSF_SECOND_MAX + second);
    tn_list_push_front(&tlsf->lists[first][second], &heap->space, number);
    tlsf->first_map |= UINT64_C(1) << first;
    tlsf->second_map[first] |= UINT32_C(1) << second;
}

static void take_out(struct tn_heap *heap, uint32_t number)
{
    struct tn_tlsf *tlsf = heap->state;
    unsigned list = tn_extent(&heap->space, number)->list;
    unsigned first = list / TN_TLSF_SECOND_MAX, second = list % TN_TLSF_SECOND_MAX;
    tn_list_remove(&tlsf->lists[first][second], &heap->space, number);
    if (tlsf->lists[first][second].first != 0)
        return;
    tlsf->second_map[first] &= ~(UINT32_C(1) << second);
    if (tlsf->second_map[first] == 0)
        tlsf->first_map &= ~(UINT64_C(1) << first);
}

int tn_tlsf_open(struct tn_heap *heap, unsigned second_log2, uint64_t control_bytes, struct tn_error *error)
{
    struct tn_tlsf *tlsf = heap->state;
    struct tn_space *space = &heap->space;
    heap->align = heap->natural = heap->pointer;
    heap->header = heap->pointer;
    tlsf->second_log2 = second_log2;
    tlsf->align_log2 = tn_log2(heap->pointer);
    uint64_t least = control_bytes + heap->pointer + tn_tlsf_need(heap, 1);
    if (space->size < least)
        return tn_heap_too_small(heap, least, error);
    uint64_t pool =
        tn_round_down(space->size - control_bytes - 2 * heap->pointer, heap->align) + heap->pointer;
    tn_space_fix_tail(space, space->size - control_bytes - pool);
    if (control_bytes > 0)
        tn_space_fix(space, tn_space_cut_low(space, space->first, control_bytes));
    uint32_t number = space->first;
    while (!tn_extent_is_free(space, number))
        number = tn_extent(space, number)->after;
    insert(heap, number);
    return 0;
}

uint64_t tn_tlsf_need(const struct tn_heap *heap, uint64_t size)
{
    uint64_t payload = tn_round_up(size, heap->align), least = 3 * heap->pointer;
    if (size == 0)
        return 0;
    return (payload > least ? payload : least) + heap->pointer;
}

/* The head of the first list that is not empty, from the first one on whose blocks are all large enough. */
static uint32_t find(const struct tn_heap *heap, uint64_t payload)
{
    const struct tn_tlsf *tlsf = heap->state;
    unsigned first, second;
    if (payload >= UINT64_C(1) << (tlsf->second_log2 + tlsf->align_log2))
        payload += (UINT64_C(1) << (tn_log2(payload) - tlsf->second_log2)) - 1;
    map(heap, payload, &first, &second);
    if (first >= TN_TLSF_FIRST_MAX)
        return 0;
    uint32_t seconds = tlsf->second_map[first] & (UINT32_MAX << second);
    if (seconds == 0) {
        uint64_t firsts = first + 1 < TN_TLSF_FIRST_MAX ? tlsf->first_map & (UINT64_MAX << (first + 1)) : 0;
        if (firsts == 0)
            return 0;
        first = (unsigned)__builtin_ctzll(firsts);
        seconds = tlsf->second_map[first];
    }
    return tlsf->lists[first][__builtin_ctz(seconds)].first;
}

uint32_t tn_tlsf_place(struct tn_heap *heap, uint64_t size, uint64_t need)
{
    struct tn_space *space = &heap->space;
    (void)size;
    uint32_t number = find(heap, need - heap->pointer);
    if (number == 0)
        return 0;
    take_out(heap, number);
    uint64_t rest = tn_extent(space, number)->size - need;
    if (rest >= 4 * heap->pointer)
        insert(heap, tn_space_cut_high(space, number, rest));
    return number;
}

void tn_tlsf_release(struct tn_heap *heap, uint32_t number)
{
    struct tn_space *space = &heap->space;
    uint32_t before = tn_extent(space, number)->before;
    if (tn_extent_is_free(space, before)) {
        take_out(heap, before);
        tn_space_join(space, before, number);
        number = before;
    }
    uint32_t after = tn_extent(space, number)->after;
    if (tn_extent_is_free(space, after)) {
        take_out(heap, after);
        tn_space_join(space, number, after);
    }
    insert(heap, number);
}

/* Take the next free block whole, then give back what is too much. */
bool tn_tlsf_resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need)
{
    struct tn_space *space = &heap->space;
    uint32_t after = tn_extent(space, number)->after;
    (void)size;
    if (need > tn_extent(space, number)->size) {
        if (!tn_extent_is_free(space, after) ||
            need > tn_extent(space, number)->size + tn_extent(space, after)->size)
            return false;
        take_out(heap, after);
        tn_space_widen(space, number, tn_extent(space, after)->size);
    }
    if (tn_extent(space, number)->size - need >= 4 * heap->pointer)
        tn_tlsf_release(heap, tn_space_trim(space, number, need));
    return true;
}

const char *tn_tlsf_check(const struct tn_heap *heap)
{
    const struct tn_tlsf *tlsf = heap->state;
    uint32_t count = 0, holes = 0;
    for (unsigned i = 0; i < TN_TLSF_FIRST_MAX * TN_TLSF_SECOND_MAX; i++) {
        const struct tn_list *list = &tlsf->lists[i / TN_TLSF_SECOND_MAX][i % TN_TLSF_SECOND_MAX];
        const char *fault = tn_list_check(list, &heap->space);
        bool is_marked = (tlsf->second_map[i / TN_TLSF_SECOND_MAX] >> i % TN_TLSF_SECOND_MAX & 1) != 0;
        if (fault != NULL)
            return fault;
        if (is_marked != (list->first != 0))
            return "the bit map does not agree with the lists";
        count += list->count;
    }
    for (uint32_t number = heap->space.first; number != 0; number = tn_extent(&heap->space, number)->after) {
        if (!tn_extent_is_free(&heap->space, number))
            continue;
        unsigned first, second;
        map(heap, tn_extent(&heap->space, number)->size - heap->pointer, &first, &second);
        if (tn_extent(&heap->space, number)->list != first * TN_TLSF_SECOND_MAX + second)
            return "a block is in the list of another size";
        if (tn_extent_is_free(&heap->space, tn_extent(&heap->space, number)->after))
            return "two free blocks touch";
        holes++;
    }
    return holes == count ? NULL : "the lists do not hold exactly the free blocks";
}
