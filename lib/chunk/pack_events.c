/* SPDX-License-Identifier: MIT */

/* Packs events one at a time, with all fields that an event can have, and has the rare cases of pack_events.h
 * out of its inlined path. */

#include "pack_events.h"

#include <errno.h>

int64_t tn_pack_find_unhinted(struct tn_pack *pack, uint64_t thread_id, uint64_t stack_id,
                              uint64_t depth_bytes, uint64_t left_depth_bytes, uint32_t op)
{
    struct tn_predict *predict = &pack->predict;
    uint8_t full_op = (uint8_t)(op | (left_depth_bytes != 0 ? TN_OP_LEFT : 0));
    if (stack_id > UINT32_MAX || (depth_bytes | left_depth_bytes) >= TN_PACK_FIELD_LIMIT ||
        op > (TN_OP_FUNCTION_MASK << TN_OP_FUNCTION_BIT | TN_OP_BIRTH))
        return -EINVAL;
    if (predict->actors[predict->actor].id != thread_id || predict->actor_count == 0)
        tn_pack_switch_actor(pack, thread_id);
    uint32_t index = tn_pack_find_context(pack, (uint32_t)stack_id, depth_bytes, full_op);
    tn_encode_left(pack, depth_bytes, left_depth_bytes);
    return index;
}

int tn_pack_refuse(struct tn_pack *pack, int r)
{
    if (pack->event_count == 0)
        tn_pack_begin(pack);
    return r;
}

/* Ids are kept from the first gap on; before it they follow from the first one. */
static uint32_t encode_gap(struct tn_pack *pack, uint64_t id)
{
    tn_encode_number(pack, TN_COLUMN_GAP, id - pack->predict.last_id - 1);
    tn_pack_leave_plain(pack);
    if (pack->birth_count != 0 && !pack->has_gaps) {
        for (uint32_t i = 0; i < pack->birth_count; i++)
            pack->ids[i] = pack->first_id + i;
        pack->has_gaps = true;
    }
    return TN_BIRTH_GAP;
}

uint32_t tn_pack_encode_rare(struct tn_pack *pack, struct tn_context *context, uint64_t size_bytes,
                             uint64_t excess_bytes, uint64_t alignment_bytes, uint64_t previous_id,
                             uint64_t id)
{
    uint64_t *expected = tn_predict_excess(&pack->predict, size_bytes);
    uint32_t flags = 0;
    if (excess_bytes != *expected) {
        *expected = excess_bytes;
        tn_encode_number(pack, TN_COLUMN_EXCESS, excess_bytes);
        flags |= TN_BIRTH_EXCESS;
    }
    if (alignment_bytes != context->alignment_bytes) {
        context->alignment_bytes = alignment_bytes;
        tn_encode_number(pack, TN_COLUMN_ALIGNMENT, alignment_bytes);
        flags |= TN_BIRTH_ALIGNMENT;
    }
    if (id != pack->predict.last_id + 1)
        flags |= encode_gap(pack, id);
    if (previous_id != (context->is_grown ? pack->actor->last_dead_id : 0)) {
        tn_encode_number(pack, TN_COLUMN_PREVIOUS, previous_id != 0 ? id - previous_id : 0);
        flags |= TN_BIRTH_PREVIOUS;
    }
    context->is_grown = previous_id != 0;
    if (pack->birth_count == 0)
        pack->first_id = id;
    return flags;
}

int tn_pack_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id)
{
    int r = tn_pack_encode_birth(pack, birth, id, tn_log_size_class(birth->usable_size_bytes));
    return r < 0 ? r : pack->error;
}

/* The index of a birth of this chunk by its id; false: it was born before. For chunks that are not plain. */
static bool find_birth(const struct tn_pack *pack, uint64_t id, uint32_t *ret_index)
{
    uint64_t guess = id - pack->first_id;
    if (pack->birth_count == 0 || id < pack->first_id)
        return false;
    if (!pack->has_gaps) {
        *ret_index = (uint32_t)guess;
        return guess < pack->birth_count;
    }
    uint32_t low = 0, high = pack->birth_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (pack->ids[middle] <= id)
            low = middle;
        else
            high = middle;
    }
    *ret_index = low;
    return pack->ids[low] == id;
}

struct tn_victim tn_pack_find_victim(const struct tn_pack *pack, uint64_t id)
{
    const struct tn_predict *predict = &pack->predict;
    struct tn_packed_owner owner = {predict->actors[predict->actor].source, 0};
    int64_t rank = -1 - (int64_t)(predict->base_id - id);
    if (find_birth(pack, id, &owner.number)) {
        if (predict->actor_count > 1)
            owner = pack->owners[owner.number];
        rank = (int64_t)owner.number;
    }
    uint64_t births = predict->actors[owner.actor].births;
    return (struct tn_victim){rank, births - 1 - (uint64_t)rank, owner.actor};
}

void tn_pack_encode_source(struct tn_pack *pack, struct tn_actor *actor, uint32_t source)
{
    *tn_pack_death_end(pack) = TN_DEATH_SOURCE;
    pack->death_extra++;
    tn_encode_number(pack, TN_COLUMN_SOURCE, source);
    actor->source = source;
}

bool tn_pack_is_known(const struct tn_pack *pack, uint64_t id)
{
    uint32_t index = 0;
    if (pack->event_count == 0)
        return id <= pack->last_id;
    if (pack->is_plain || id <= pack->predict.base_id)
        return id <= pack->predict.last_id;
    return find_birth(pack, id, &index);
}

int tn_pack_death(struct tn_pack *pack, const struct tn_death *death)
{
    int r = tn_pack_encode_death(pack, death);
    return r < 0 ? r : pack->error;
}
