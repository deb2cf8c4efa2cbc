/* SPDX-License-Identifier: MIT */
/* Conte's TLSF 3: 32 lists for each power of two, control structure beside the pool. The algorithm is in
 * tlsf_lists.c. */
#include "tlsf_lists.h"

#define SECOND_LOG2 5

/* The control structure: a block header, the bit maps, and the heads of 24 times 32 lists (32 bits) or 25
 * times 32 (64 bits). */
static uint64_t control_bytes(uint64_t pointer)
{
    uint64_t firsts = pointer == 4 ? 24 : 25;
    return 4 * pointer + 4 + 4 * firsts + pointer * firsts * (1 << SECOND_LOG2);
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    heap->control_bytes = control_bytes(heap->pointer);
    return tn_tlsf_open(heap, SECOND_LOG2, 0, error);
}

const struct tn_policy tn_policy_tlsf = {
    .name = "tlsf",
    .summary = "Conte's TLSF 3: two-level segregated fit, 32 lists for each power of two",
    .state_bytes = sizeof(struct tn_tlsf),
    .open = open,
    .need = tn_tlsf_need,
    .place = tn_tlsf_place,
    .release = tn_tlsf_release,
    .resize = tn_tlsf_resize,
    .check = tn_tlsf_check,
};
