/* SPDX-License-Identifier: MIT */
/* Espressif's TLSF: fewer lists for small pools, control structure inside the pool. The algorithm is in
 * tlsf_lists.c. */
#include "tlsf_lists.h"

static unsigned second_log2(uint64_t size)
{
    if (size <= 16 * 1024)
        return 3;
    return size <= 256 * 1024 ? 4 : 5;
}

static uint64_t control_bytes(const struct tn_heap *heap)
{
    unsigned second = second_log2(heap->space.size), shift = second + tn_log2(heap->pointer);
    unsigned most = tn_log2(heap->space.size) + 1;
    uint64_t firsts = most >= shift ? most - shift + 1 : 1;
    uint64_t control = heap->pointer == 4 ? 36 : 72;
    uint64_t bytes = control + 4 * firsts + heap->pointer * (firsts << second);
    return tn_round_up(bytes, heap->pointer);
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    return tn_tlsf_open(heap, second_log2(heap->space.size), control_bytes(heap), error);
}

const struct tn_policy tn_policy_tlsf_esp32 = {
    .name = "tlsf-esp32",
    .summary = "Espressif's TLSF: fewer lists for small pools, control structure inside",
    .state_bytes = sizeof(struct tn_tlsf),
    .open = open,
    .need = tn_tlsf_need,
    .place = tn_tlsf_place,
    .release = tn_tlsf_release,
    .resize = tn_tlsf_resize,
    .check = tn_tlsf_check,
};
