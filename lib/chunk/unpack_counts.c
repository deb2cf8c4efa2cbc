/* SPDX-License-Identifier: MIT */

/* How often each stack of a chunk called each function, and with which sizes. Only the columns that say so
 * are decompressed, and only as much of the prediction is followed as they need: a third of the cost of the
 * events. For lib/finish, which learns from it which functions are wrappers. */

#include "unpack_parts.h"

#define BIT(column) (UINT64_C(1) << (column))

/* What says which contexts the events have, and how large the births are. */
#define WANTED                                                                                               \
    (BIT(TN_COLUMN_BASE) | BIT(TN_COLUMN_CONTEXT) | BIT(TN_COLUMN_THREAD) | BIT(TN_COLUMN_THREAD_ID) |       \
     BIT(TN_COLUMN_CONTEXT_OP) | BIT(TN_COLUMN_CONTEXT_STACK) | BIT(TN_COLUMN_CONTEXT_DEPTH) |               \
     BIT(TN_COLUMN_BIRTH) | BIT(TN_COLUMN_SIZE))

/* The events of one context, by its index in tn_predict.contexts. */
struct context_count {
    uint64_t events;
    uint64_t min_size_bytes, max_size_bytes; /* of births; else UINT64_MAX and 0 */
};

/* Entries for all contexts that there are. */
static int widen(const struct tn_unpack *unpack, struct tn_buffer *counts)
{
    size_t count = unpack->predict.context_count;
    int r = tn_buffer_reserve(counts, count * sizeof(struct context_count) - counts->size_bytes);
    if (r < 0)
        return r;
    struct context_count *all = (struct context_count *)counts->data;
    for (size_t i = counts->size_bytes / sizeof(*all); i < count; i++)
        all[i] = (struct context_count){0, UINT64_MAX, 0};
    counts->size_bytes = count * sizeof(*all);
    return 0;
}

static void count_size(struct context_count *count, uint64_t size_bytes)
{
    if (size_bytes < count->min_size_bytes)
        count->min_size_bytes = size_bytes;
    if (size_bytes > count->max_size_bytes)
        count->max_size_bytes = size_bytes;
}

/* A size equal to the previous one in its context is not stored, and has been counted already; only the first
 * birth of a context may have the size 0 unstored. */
static TN_UNPACK_INLINE void count_birth(struct tn_unpack *unpack, struct context_count *count)
{
    uint32_t flags = tn_unpack_byte(unpack, TN_COLUMN_BIRTH);
    if ((flags & TN_BIRTH_SIZE) != 0)
        count_size(count, tn_unpack_number(unpack, TN_COLUMN_SIZE));
    else if (count->events == 1)
        count_size(count, 0);
    unpack->birth_count++;
}

static int count_events(struct tn_unpack *unpack, struct tn_buffer *counts)
{
    struct tn_unpack_hot hot;
    size_t context_count = 0;
    tn_unpack_load(unpack, &hot);
    for (uint64_t left = unpack->event_count; left != 0 && unpack->error == 0; left--) {
        const struct tn_context *context = tn_unpack_context(unpack, &hot);
        if (context == NULL)
            break;
        if (unpack->predict.context_count != context_count) {
            context_count = unpack->predict.context_count;
            int r = widen(unpack, counts);
            if (r < 0)
                return r;
        }
        struct context_count *count =
            (struct context_count *)counts->data + (context - unpack->predict.contexts);
        count->events++;
        if ((context->op & TN_OP_BIRTH) != 0)
            count_birth(unpack, count);
    }
    return unpack->error;
}

static struct tn_stack_usage usage_of(const struct tn_context *context, const struct context_count *count)
{
    return (struct tn_stack_usage){
        .stack_id = context->stack_id,
        .function = (enum tn_function)(context->op >> TN_OP_FUNCTION_BIT & TN_OP_FUNCTION_MASK),
        .is_birth = (context->op & TN_OP_BIRTH) != 0,
        .count = count->events,
        .min_size_bytes = count->min_size_bytes,
        .max_size_bytes = count->max_size_bytes,
    };
}

/* What was wanted has been read to its end, and agrees with the row. */
static int check_end(const struct tn_unpack *unpack)
{
    static const enum tn_column ends[] = {TN_COLUMN_CONTEXT, TN_COLUMN_BIRTH, TN_COLUMN_SIZE};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (unpack->columns[ends[i]].low != unpack->columns[ends[i]].low_end)
            return -EBADMSG;
    return unpack->birth_count == unpack->births ? 0 : -EBADMSG;
}

int tn_unpack_counts(struct tn_unpack *unpack, const struct tn_chunk *chunk,
                     int (*see)(void *context, const struct tn_stack_usage *usage), void *context)
{
    unpack->counts.size_bytes = 0;
    int r = tn_unpack_begin(unpack, chunk, WANTED);
    if (r == 0)
        r = count_events(unpack, &unpack->counts);
    if (r == 0)
        r = check_end(unpack);
    const struct context_count *counts = (const struct context_count *)unpack->counts.data;
    for (uint32_t i = 0; r == 0 && i < unpack->predict.context_count; i++) {
        struct tn_stack_usage usage = usage_of(&unpack->predict.contexts[i], &counts[i]);
        r = see(context, &usage);
    }
    return r;
}
