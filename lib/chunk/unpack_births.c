/* SPDX-License-Identifier: MIT */

/* Gives the births of a chunk without what only deaths, addresses and times tell: the columns of these are
 * not decompressed, and only as much of the prediction is followed as the rest needs. For questions that
 * count and sum; lib/log's event cursor reads through it. */

#include "unpack_parts.h"

#define BIT(column) (UINT64_C(1) << (column))

/* What says which contexts the events have, and all of the births but address and previous block. */
#define WANTED                                                                                               \
    (BIT(TN_COLUMN_BASE) | BIT(TN_COLUMN_CONTEXT) | BIT(TN_COLUMN_THREAD) | BIT(TN_COLUMN_THREAD_ID) |       \
     BIT(TN_COLUMN_CONTEXT_OP) | BIT(TN_COLUMN_CONTEXT_STACK) | BIT(TN_COLUMN_CONTEXT_DEPTH) |               \
     BIT(TN_COLUMN_BIRTH) | BIT(TN_COLUMN_SIZE) | BIT(TN_COLUMN_EXCESS) | BIT(TN_COLUMN_ALIGNMENT) |         \
     BIT(TN_COLUMN_GAP))
#define WANTED_TIMES ((BIT(2 * TN_TIME_CLASSES) - 1) << TN_COLUMN_TIME)

int tn_unpack_open_births(struct tn_unpack *unpack, const struct tn_chunk *chunk, bool has_times)
{
    unpack->has_times = has_times;
    return tn_unpack_begin(unpack, chunk, has_times ? WANTED | WANTED_TIMES : WANTED);
}

/* The fields that rarely differ from their prediction. */
static __attribute__((noinline)) void get_rare_fields(struct tn_unpack *unpack, uint32_t flags,
                                                      struct tn_context *context)
{
    if ((flags & ~TN_BIRTH_FLAGS) != 0)
        unpack->error = -EBADMSG;
    if ((flags & TN_BIRTH_EXCESS) != 0)
        *tn_predict_excess(&unpack->predict, context->size_bytes) =
            tn_unpack_number(unpack, TN_COLUMN_EXCESS);
    if ((flags & TN_BIRTH_ALIGNMENT) != 0)
        context->alignment_bytes = tn_unpack_number(unpack, TN_COLUMN_ALIGNMENT);
    if ((flags & TN_BIRTH_GAP) != 0)
        unpack->predict.last_id += tn_unpack_number(unpack, TN_COLUMN_GAP);
}

static TN_UNPACK_INLINE void get_birth(struct tn_unpack *unpack, struct tn_context *context,
                                       struct tn_log_event *event)
{
    uint32_t flags = tn_unpack_byte(unpack, TN_COLUMN_BIRTH);
    if ((flags & TN_BIRTH_SIZE) != 0)
        context->size_bytes = tn_unpack_number(unpack, TN_COLUMN_SIZE);
    if ((flags & ~(TN_BIRTH_SIZE | TN_BIRTH_ADDRESS | TN_BIRTH_UNALIGNED)) != 0)
        get_rare_fields(unpack, flags, context);
    event->size_bytes = context->size_bytes;
    event->usable_size_bytes =
        context->size_bytes + *tn_predict_excess(&unpack->predict, context->size_bytes);
    event->alignment_bytes = context->alignment_bytes;
    event->address = event->previous_id = event->left_depth_bytes = 0;
    event->allocation_id = ++unpack->predict.last_id;
    if (__builtin_expect(unpack->birth_count++ == 0 && event->allocation_id != unpack->first_id, 0))
        unpack->error = -EBADMSG;
}

/* Read the next event. Returns 1 when it is a birth; errors are left in unpack->error. */
static TN_UNPACK_INLINE uint32_t get_event(struct tn_unpack *unpack, struct tn_unpack_hot *hot,
                                           struct tn_log_event *event, bool has_times)
{
    struct tn_context *context = tn_unpack_context(unpack, hot);
    if (context == NULL)
        return 0;
    uint32_t op = context->op;
    if (has_times) {
        uint64_t step_ns = tn_unpack_measure(unpack, tn_predict_time_column(context, op & TN_OP_BIRTH));
        tn_predict_pace(context, tn_predict_level(step_ns));
        hot->time_ns += step_ns;
    }
    if ((op & TN_OP_BIRTH) == 0)
        return 0;
    event->is_birth = true;
    event->function = (enum tn_function)(op >> TN_OP_FUNCTION_BIT & TN_OP_FUNCTION_MASK);
    event->process_id = unpack->process_id;
    event->thread_id = hot->actor.id;
    event->stack_id = context->stack_id;
    event->time_ns = has_times ? hot->time_ns : 0;
    event->depth_bytes = context->depth_bytes;
    get_birth(unpack, context, event);
    return 1;
}

/* Compiled for both answers, so that neither is asked for each event. */
static TN_UNPACK_INLINE uint32_t get_births(struct tn_unpack *unpack, struct tn_log_event *events,
                                            uint32_t most, bool has_times)
{
    struct tn_unpack_hot hot;
    uint64_t index = unpack->event_index;
    uint32_t count = 0;
    tn_unpack_load(unpack, &hot);
    for (; unpack->error == 0 && count < most && index < unpack->event_count; index++)
        count += get_event(unpack, &hot, &events[count], has_times);
    tn_unpack_store(unpack, &hot);
    unpack->event_index = index;
    return count;
}

static __attribute__((noinline)) uint32_t get_births_and_times(struct tn_unpack *unpack,
                                                               struct tn_log_event *events, uint32_t most)
{
    return get_births(unpack, events, most, true);
}

/* All births have been read: they are as many as the row says, and nothing of them is left over. The deaths
 * behind the last one are not read. */
static int check_births(const struct tn_unpack *unpack)
{
    static const enum tn_column ends[] = {TN_COLUMN_BIRTH, TN_COLUMN_SIZE, TN_COLUMN_EXCESS,
                                          TN_COLUMN_ALIGNMENT, TN_COLUMN_GAP};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (unpack->columns[ends[i]].low != unpack->columns[ends[i]].low_end)
            return -EBADMSG;
    return unpack->births == 0 || unpack->predict.last_id == unpack->last_id ? 0 : -EBADMSG;
}

int tn_unpack_read_births(struct tn_unpack *unpack, struct tn_log_event *events, uint32_t capacity)
{
    uint64_t left = unpack->births - unpack->birth_count;
    uint32_t most = left < capacity ? (uint32_t)left : capacity;
    if (left == 0 && unpack->error == 0)
        unpack->error = check_births(unpack);
    if (left == 0 || unpack->error != 0)
        return unpack->error;
    uint32_t count = unpack->has_times ? get_births_and_times(unpack, events, most)
                                       : get_births(unpack, events, most, false);
    if (unpack->error == 0 && count < most)
        unpack->error = -EBADMSG; /* the events ended before the births */
    if (unpack->error != 0 && count != 0)
        count--; /* the last one may be incomplete */
    if (unpack->birth_count == unpack->births)
        unpack->event_index = unpack->event_count;
    return count != 0 ? (int)count : unpack->error;
}
