/* SPDX-License-Identifier: MIT */

/* Gives equal frames and equal stack nodes equal ids: two hashes, counted up past collisions, over arrays of
 * what was seen. For the writer, so that a row is made once. */

#include "intern.h"

#include <errno.h>
#include <stdlib.h>

/* Make room for one more element. */
static int grow(void **array, size_t *capacity, size_t count, size_t element_bytes)
{
    if (count >= UINT32_MAX)
        return -EOVERFLOW;
    if (count < *capacity)
        return 0;
    size_t wider = *capacity != 0 ? *capacity * 2 : 1024;
    void *data = realloc(*array, wider * element_bytes);
    if (data == NULL)
        return -ENOMEM;
    *array = data;
    *capacity = wider;
    return 0;
}

static uint64_t next_key(uint64_t key)
{
    return key + 1 != 0 ? key + 1 : 1;
}

static uint64_t hash_frame(const struct tn_intern_frame *frame)
{
    return next_key(tn_mix(frame->offset_bytes ^ tn_mix(frame->module_id + 1)));
}

static uint64_t hash_stack(const struct tn_intern_stack *stack)
{
    uint64_t ids = (uint64_t)stack->frame_id << 32 | stack->caller_id;
    return next_key(tn_mix(ids ^ tn_mix(stack->frame_bytes << 1 | stack->is_cut)));
}

static bool is_same_stack(const struct tn_intern_stack *a, const struct tn_intern_stack *b)
{
    return a->frame_id == b->frame_id && a->caller_id == b->caller_id && a->frame_bytes == b->frame_bytes &&
           a->is_cut == b->is_cut;
}

int tn_intern_frame(struct tn_intern *intern, const struct tn_intern_frame *frame, uint64_t *ret_id)
{
    uint64_t key = hash_frame(frame);
    for (const uint64_t *id; (id = tn_map_find(&intern->frame_ids, key)) != NULL; key = next_key(key)) {
        const struct tn_intern_frame *known = &intern->frames[*id - 1];
        if (known->module_id == frame->module_id && known->offset_bytes == frame->offset_bytes) {
            *ret_id = *id;
            return 0;
        }
    }
    int r = grow((void **)&intern->frames, &intern->frame_capacity, intern->frame_count, sizeof(*frame));
    if (r == 0)
        r = tn_map_put(&intern->frame_ids, key, intern->frame_count + 1);
    if (r < 0)
        return r;
    intern->frames[intern->frame_count++] = *frame;
    *ret_id = intern->frame_count;
    return 1;
}

int tn_intern_stack(struct tn_intern *intern, const struct tn_intern_stack *stack, uint64_t *ret_id,
                    uint32_t *ret_depth)
{
    if (stack->frame_id == 0 || stack->frame_id > intern->frame_count ||
        stack->caller_id > intern->stack_count)
        return -EINVAL;
    uint64_t key = hash_stack(stack);
    for (const uint64_t *id; (id = tn_map_find(&intern->stack_ids, key)) != NULL; key = next_key(key)) {
        if (is_same_stack(&intern->stacks[*id - 1], stack)) {
            *ret_id = *id;
            *ret_depth = intern->stacks[*id - 1].depth;
            return 0;
        }
    }
    int r = grow((void **)&intern->stacks, &intern->stack_capacity, intern->stack_count, sizeof(*stack));
    if (r == 0)
        r = tn_map_put(&intern->stack_ids, key, intern->stack_count + 1);
    if (r < 0)
        return r;
    struct tn_intern_stack *node = &intern->stacks[intern->stack_count++];
    *node = *stack;
    node->depth = stack->caller_id != 0 ? intern->stacks[stack->caller_id - 1].depth + 1 : 1;
    *ret_depth = node->depth;
    *ret_id = intern->stack_count;
    return 1;
}

void tn_intern_finish(struct tn_intern *intern)
{
    tn_map_finish(&intern->frame_ids);
    tn_map_finish(&intern->stack_ids);
    free(intern->frames);
    free(intern->stacks);
    *intern = (struct tn_intern){0};
}
