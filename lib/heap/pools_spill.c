/* SPDX-License-Identifier: MIT */
#include "pools.h"

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need)
{
    (void)need;
    return tn_pools_take(heap, size, true);
}

const struct tn_policy tn_policy_pools_spill = {
    .name = "pools-spill",
    .summary = "pools: the next larger one serves where one is empty",
    .state_bytes = sizeof(struct tn_pools),
    .is_one_pass = true,
    .needs_pools = true,
    .open = tn_pools_open,
    .close = tn_pools_close,
    .need = tn_pools_need,
    .place = place,
    .release = tn_pools_release,
    .resize = tn_pools_resize,
    .grow = tn_pools_grow,
    .smallest = tn_pools_smallest,
    .largest = tn_pools_largest,
    .check = tn_pools_check,
};
