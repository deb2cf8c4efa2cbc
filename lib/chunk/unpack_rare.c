/* SPDX-License-Identifier: MIT */

/* What a chunk has rarely, kept out of the inlined path of unpack_parts.h: long numbers, new threads and new
 * contexts. Everything is checked: the chunk may be damaged. */

#include "unpack_parts.h"

#include <stdlib.h>

uint64_t tn_unpack_varint(struct tn_unpack *unpack, enum tn_column column)
{
    struct tn_column_in *in = &unpack->columns[column];
    uint64_t rest = 0;
    size_t length = tn_varint_get(in->wide, in->wide_end, &rest);
    if (length == 0)
        unpack->error = -EBADMSG;
    in->wide += length;
    return rest + TN_VARINT_MARK;
}

uint64_t tn_unpack_long_measure(struct tn_unpack *unpack, struct tn_column_in *in, uint32_t byte)
{
    uint32_t count;
    if (byte > TN_BITS_TOP) {
        unpack->error = -EBADMSG;
        return 0;
    }
    uint64_t floor = tn_bits_floor((uint8_t)byte, &count);
    uint64_t low = tn_unpack_bits(unpack, in, 32);
    return floor | low | tn_unpack_bits(unpack, in, count - 32) << 32;
}

/* The list of births of a new thread; the list of the last chunk's thread with that index, if there was
 * one. */
static int add_list(struct tn_unpack *unpack, uint32_t index)
{
    if (index < unpack->list_count)
        return 0;
    uint32_t wider = unpack->list_count != 0 ? unpack->list_count * 2 : 16;
    struct tn_birth_list *lists = realloc(unpack->lists, wider * sizeof(lists[0]));
    if (lists == NULL)
        return -ENOMEM;
    memset(lists + unpack->list_count, 0, (wider - unpack->list_count) * sizeof(lists[0]));
    unpack->lists = lists;
    unpack->list_count = wider;
    return 0;
}

int tn_unpack_switch(struct tn_unpack *unpack)
{
    struct tn_predict *predict = &unpack->predict;
    uint64_t index = tn_unpack_number(unpack, TN_COLUMN_THREAD);
    if (index > predict->actor_count)
        return -EBADMSG;
    int r = 0;
    if (index == predict->actor_count) {
        uint64_t step = tn_unpack_number(unpack, TN_COLUMN_THREAD_ID);
        r = tn_predict_add_actor(predict, predict->last_new_thread_id + (uint64_t)tn_unzigzag(step));
        if (r == 0)
            r = add_list(unpack, (uint32_t)index);
        unpack->is_dense &= index == 0;
    }
    predict->actor = (uint32_t)index;
    return r < 0 ? r : unpack->error;
}

int tn_unpack_add_context(struct tn_unpack *unpack)
{
    struct tn_predict *predict = &unpack->predict;
    if (predict->actor_count == 0)
        return -EBADMSG;
    uint32_t op = tn_unpack_byte(unpack, TN_COLUMN_CONTEXT_OP);
    int64_t stack_step = tn_unzigzag(tn_unpack_number(unpack, TN_COLUMN_CONTEXT_STACK));
    uint64_t depth_step = tn_depth_distance(tn_unpack_number(unpack, TN_COLUMN_CONTEXT_DEPTH));
    if (unpack->error != 0)
        return unpack->error;
    return tn_predict_add_context(predict, (uint32_t)(predict->last_new_stack_id + (uint64_t)stack_step),
                                  predict->last_new_depth + depth_step, (uint8_t)op);
}
