/* SPDX-License-Identifier: MIT */

/* Finds the index of a context by its stack, depth and op: an open hash that grows with the contexts of the
 * chunk. Called when the hint for a stack does not lead to the context. */

#include "encode.h"
#include "pack_parts.h"

#include <errno.h>
#include <stdlib.h>

static inline uint32_t hash_context(uint32_t stack_id, uint64_t depth_bytes, uint8_t op)
{
    uint64_t hash = (uint64_t)stack_id << 6 | op;
    hash = (hash ^ depth_bytes << 30) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32);
}

static struct tn_context_slot *find_slot(const struct tn_pack *pack, uint32_t hash, uint32_t stack_id,
                                         uint64_t depth_bytes, uint8_t op)
{
    uint32_t mask = (UINT32_C(1) << pack->slot_bits) - 1;
    uint32_t i = hash >> (32 - pack->slot_bits);
    while (pack->slots[i].index_1 != 0 &&
           (pack->slots[i].hash != hash ||
            !tn_pack_is_at(&pack->predict.contexts[pack->slots[i].index_1 - 1], stack_id, depth_bytes, op)))
        i = (i + 1) & mask;
    return &pack->slots[i];
}

static int widen_slots(struct tn_pack *pack)
{
    uint32_t bits = pack->slot_bits + 1, mask = (UINT32_C(1) << bits) - 1;
    struct tn_context_slot *wider = calloc((size_t)1 << bits, sizeof(wider[0]));
    if (wider == NULL)
        return -ENOMEM;
    for (uint32_t old = 0; old < UINT32_C(1) << pack->slot_bits; old++) {
        if (pack->slots[old].index_1 == 0)
            continue;
        uint32_t i = pack->slots[old].hash >> (32 - bits);
        while (wider[i].index_1 != 0)
            i = (i + 1) & mask;
        wider[i] = pack->slots[old];
    }
    free(pack->slots);
    pack->slots = wider;
    pack->slot_bits = bits;
    return 0;
}

static int add_context(struct tn_pack *pack, uint32_t stack_id, uint64_t depth_bytes, uint8_t op)
{
    struct tn_predict *predict = &pack->predict;
    tn_encode_byte(pack, TN_COLUMN_CONTEXT_OP, op);
    tn_encode_number(pack, TN_COLUMN_CONTEXT_STACK,
                     tn_zigzag((int64_t)stack_id - (int64_t)predict->last_new_stack_id));
    tn_encode_number(pack, TN_COLUMN_CONTEXT_DEPTH,
                     tn_depth_code((int64_t)(depth_bytes - predict->last_new_depth)));
    int r = tn_predict_add_context(predict, stack_id, depth_bytes, op);
    if (r == 0 && predict->context_count * 2 > UINT32_C(1) << pack->slot_bits)
        r = widen_slots(pack);
    return r;
}

uint32_t tn_pack_find_context(struct tn_pack *pack, uint32_t stack_id, uint64_t depth_bytes, uint8_t op)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t hash = hash_context(stack_id, depth_bytes, op);
    struct tn_context_slot *slot = find_slot(pack, hash, stack_id, depth_bytes, op);
    if (__builtin_expect(slot->index_1 != 0, 1))
        return *tn_pack_hint(pack, stack_id, op) = slot->index_1 - 1;
    *slot = (struct tn_context_slot){hash, predict->context_count + 1};
    if (add_context(pack, stack_id, depth_bytes, op) == 0)
        return *tn_pack_hint(pack, stack_id, op) = predict->context_count - 1;
    pack->error = -ENOMEM;
    return 0;
}
