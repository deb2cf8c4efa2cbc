/* SPDX-License-Identifier: MIT */

/* The memory behind the predictions (predict.h): contexts, threads, and the tables of paces. Packing and
 * unpacking keep the same state, event by event. */

#include "predict.h"

#include <errno.h>
#include <stdlib.h>

/* By whole octaves: below 2^5 ns, 2^6, 2^7, 2^8, 2^9, 2^10, and what is longer; none yet. */
const uint8_t tn_time_classes[TN_PACE_NONE / 8 + 1] = {
    0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
    6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7,
};

const uint8_t tn_time_levels[TN_BITS_DIRECT] = {
    0,  0,  8,  12, 16, 18, 20, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 33, 33, 34, 34, 35,
    35, 36, 36, 37, 37, 38, 38, 39, 39, 40, 40, 40, 40, 41, 41, 41, 41, 42, 42, 42, 42, 43, 43,
    43, 43, 44, 44, 44, 44, 45, 45, 45, 45, 46, 46, 46, 46, 47, 47, 47, 47, 48, 48, 48, 48, 48,
    48, 48, 48, 49, 49, 49, 49, 49, 49, 49, 49, 50, 50, 50, 50, 50, 50, 50, 50, 51, 51, 51, 51,
    51, 51, 51, 51, 52, 52, 52, 52, 52, 52, 52, 52, 53, 53, 53, 53, 53, 53, 53, 53, 54, 54, 54,
    54, 54, 54, 54, 54, 55, 55, 55, 55, 55, 55, 55, 55, 56, 56, 56, 56, 56, 56, 56, 56, 56, 56,
    56, 56, 56, 56, 56, 56, 57, 57, 57, 57, 57, 57, 57, 57, 57, 57, 57, 57, 57, 57, 57, 57,
};

/* Make room for one more element. What is there is on cache lines of its own. */
static int grow(void **array, uint32_t *capacity, uint32_t count, size_t element_bytes)
{
    if (count < *capacity)
        return 0;
    uint32_t wider = *capacity != 0 ? *capacity * 2 : 64;
    void *elements = aligned_alloc(64, wider * element_bytes); /* 64 elements or more */
    if (elements == NULL)
        return -ENOMEM;
    if (count != 0)
        memcpy(elements, *array, count * element_bytes);
    free(*array);
    *array = elements;
    *capacity = wider;
    return 0;
}

/* Until a size has shown its excess: a header of 8 bytes and multiples of 16, as glibc has them. */
static void expect_usual_excess(struct tn_predict *predict)
{
    for (uint32_t size = 0; size < TN_EXCESS_SLOTS; size++)
        predict->excess_bytes[size] = (size + 23) / 16 * 16 - 8 - size;
    for (uint32_t size = 0; size < 24; size++)
        predict->excess_bytes[size] = 24 - size;
}

int tn_predict_begin(struct tn_predict *predict, uint64_t first_ns, uint64_t base_id)
{
    int r = grow((void **)&predict->contexts, &predict->context_capacity, 0, sizeof(predict->contexts[0]));
    if (r == 0)
        r = grow((void **)&predict->actors, &predict->actor_capacity, 0, sizeof(predict->actors[0]));
    if (r < 0)
        return r;
    struct tn_context *contexts = predict->contexts;
    struct tn_actor *actors = predict->actors;
    uint32_t context_capacity = predict->context_capacity, actor_capacity = predict->actor_capacity;
    memset(predict, 0, sizeof(*predict));
    predict->contexts = contexts;
    predict->actors = actors;
    predict->context_capacity = context_capacity;
    predict->actor_capacity = actor_capacity;
    predict->base_id = predict->last_id = base_id;
    predict->last_ns = first_ns;
    predict->contexts[0] = (struct tn_context){.op = TN_OP_NONE};
    predict->actors[0] = (struct tn_actor){0};
    expect_usual_excess(predict);
    return 0;
}

int tn_predict_add_context(struct tn_predict *predict, uint32_t stack_id, uint64_t depth_bytes, uint8_t op)
{
    int r = grow((void **)&predict->contexts, &predict->context_capacity, predict->context_count,
                 sizeof(predict->contexts[0]));
    if (r < 0)
        return r;
    predict->contexts[predict->context_count++] =
        (struct tn_context){.stack_id = stack_id, .depth_bytes = depth_bytes, .op = op, .pace = TN_PACE_NONE};
    predict->last_new_stack_id = stack_id;
    predict->last_new_depth = depth_bytes;
    return 0;
}

int tn_predict_add_actor(struct tn_predict *predict, uint64_t thread_id)
{
    int r = grow((void **)&predict->actors, &predict->actor_capacity, predict->actor_count,
                 sizeof(predict->actors[0]));
    if (r < 0)
        return r;
    predict->actors[predict->actor_count] =
        (struct tn_actor){.id = thread_id, .source = predict->actor_count};
    predict->actor_count++;
    predict->last_new_thread_id = thread_id;
    return 0;
}

void tn_predict_finish(struct tn_predict *predict)
{
    free(predict->contexts);
    free(predict->actors);
    *predict = (struct tn_predict){0};
}
