/* SPDX-License-Identifier: MIT */

/* Gives the events of a chunk back. Keeps the same predictions as the packer did, reads what was not
 * predicted, and checks everything, because the chunk may be damaged. lib/log's cursors read through it. */

#include "unpack_parts.h"

#include <stdlib.h>
#include <zstd.h>

/* ---------------------------------------------------------------------------------------- births */

/* Read the fields that rarely differ from their prediction. Returns the previous block's id. */
static __attribute__((noinline)) uint64_t get_rare_fields(struct tn_unpack *unpack, uint32_t flags,
                                                          uint64_t last_dead_id, struct tn_context *context)
{
    struct tn_predict *predict = &unpack->predict;
    if ((flags & ~TN_BIRTH_FLAGS) != 0)
        unpack->error = -EBADMSG;
    if ((flags & TN_BIRTH_EXCESS) != 0)
        *tn_predict_excess(predict, context->size_bytes) = tn_unpack_number(unpack, TN_COLUMN_EXCESS);
    if ((flags & TN_BIRTH_ALIGNMENT) != 0)
        context->alignment_bytes = tn_unpack_number(unpack, TN_COLUMN_ALIGNMENT);
    if ((flags & TN_BIRTH_GAP) != 0) {
        predict->last_id += tn_unpack_number(unpack, TN_COLUMN_GAP);
        unpack->is_dense &= unpack->birth_count == 0;
    }
    uint64_t previous_id = context->is_grown ? last_dead_id : 0;
    if ((flags & TN_BIRTH_PREVIOUS) != 0) {
        uint64_t distance = tn_unpack_number(unpack, TN_COLUMN_PREVIOUS);
        previous_id = distance != 0 ? predict->last_id + 1 - distance : 0;
    }
    context->is_grown = previous_id != 0;
    return previous_id;
}

static int widen(uint64_t **array, uint32_t count)
{
    uint64_t *numbers = realloc(*array, count * sizeof(numbers[0]));
    if (numbers == NULL)
        return -ENOMEM;
    *array = numbers;
    return 0;
}

static int widen_list(struct tn_birth_list *list)
{
    uint32_t wider = list->capacity != 0 ? list->capacity * 2 : 256;
    int r = widen(&list->address_classes, wider);
    if (r == 0)
        r = widen(&list->ids, wider);
    if (r == 0)
        list->capacity = wider;
    return r;
}

static TN_UNPACK_INLINE uint64_t get_address(struct tn_unpack *unpack, uint32_t flags, uint64_t expected_end,
                                             uint32_t bin)
{
    if ((flags & TN_BIRTH_ADDRESS) == 0) {
        uint64_t address = tn_predict_address(&unpack->predict, bin);
        tn_predict_take(&unpack->predict, bin);
        return address;
    }
    int64_t distance = tn_unzigzag(tn_unpack_measure(unpack, TN_COLUMN_ADDRESS));
    return expected_end + (uint64_t)distance * ((flags & TN_BIRTH_UNALIGNED) != 0 ? 1 : 16);
}

/* Keep what the block's death will need. Ids that follow from the first one are not written: what is read and
 * written at random should stay in the cache. */
static TN_UNPACK_INLINE void keep_birth(struct tn_unpack *unpack, struct tn_actor *actor, uint64_t id,
                                        uint64_t address, uint32_t size_class)
{
    struct tn_birth_list *list = &unpack->lists[unpack->predict.actor];
    if (__builtin_expect(actor->births >= list->capacity, 0) && widen_list(list) < 0) {
        unpack->error = -ENOMEM;
        return;
    }
    if (unpack->is_dense)
        unpack->dense_count = actor->births + 1;
    else
        list->ids[actor->births] = id;
    list->address_classes[actor->births++] = address << 8 | size_class;
    unpack->birth_count++;
}

static TN_UNPACK_INLINE void get_birth(struct tn_unpack *unpack, struct tn_actor *actor,
                                       struct tn_context *context, struct tn_log_event *event)
{
    struct tn_predict *predict = &unpack->predict;
    uint32_t flags = tn_unpack_byte(unpack, TN_COLUMN_BIRTH);
    if ((flags & TN_BIRTH_SIZE) != 0)
        context->size_bytes = tn_unpack_number(unpack, TN_COLUMN_SIZE);
    event->previous_id = 0;
    if ((flags & ~(TN_BIRTH_SIZE | TN_BIRTH_ADDRESS | TN_BIRTH_UNALIGNED)) != 0 || context->is_grown)
        event->previous_id = get_rare_fields(unpack, flags, actor->last_dead_id, context);
    uint64_t usable_size_bytes = context->size_bytes + *tn_predict_excess(predict, context->size_bytes);
    uint32_t size_class = tn_log_size_class(usable_size_bytes);
    uint64_t address =
        get_address(unpack, flags, actor->last_end, tn_predict_bin(size_class, predict->actor));
    uint64_t id = ++predict->last_id;
    event->size_bytes = context->size_bytes;
    event->usable_size_bytes = usable_size_bytes;
    event->alignment_bytes = context->alignment_bytes;
    event->address = address;
    event->allocation_id = id;
    predict->address_sum = tn_predict_sum(predict->address_sum, address);
    actor->last_end = tn_predict_end(address, usable_size_bytes);
    if (__builtin_expect(unpack->birth_count == 0 && id != unpack->first_id, 0))
        unpack->error = -EBADMSG;
    keep_birth(unpack, actor, id, address, size_class);
}

/* ---------------------------------------------------------------------------------------- deaths */

/* The rank of the dying block, from the number in the column of deaths. */
static TN_UNPACK_INLINE int64_t get_rank(struct tn_unpack *unpack, struct tn_context *context,
                                         uint64_t number, uint64_t births)
{
    uint64_t births_since = number - TN_DEATH_BIRTHS, last = (uint64_t)context->rank, rank;
    if (number == TN_DEATH_SAME)
        births_since = context->births_since;
    rank = births - 1 - births_since;
    if (number == TN_DEATH_STEP)
        rank = last + (uint64_t)context->step;
    if (number == TN_DEATH_NEAR)
        rank = last + (uint64_t)tn_unzigzag(tn_unpack_number(unpack, TN_COLUMN_NEAR));
    tn_predict_die(context, births - 1 - rank, (int64_t)rank);
    return (int64_t)rank;
}

/* The dying block has another source than the thread's last one. Returns the number that tells the block. */
static __attribute__((noinline)) uint64_t get_source(struct tn_unpack *unpack, uint32_t *ret_source)
{
    uint64_t source = tn_unpack_number(unpack, TN_COLUMN_SOURCE);
    uint64_t number = tn_unpack_measure(unpack, TN_COLUMN_DEATH);
    if (source >= unpack->predict.actor_count || number == TN_DEATH_SOURCE)
        unpack->error = -EBADMSG;
    else
        *ret_source = (uint32_t)source;
    return number;
}

static TN_UNPACK_INLINE void get_death(struct tn_unpack *unpack, struct tn_actor *actor,
                                       struct tn_context *context, struct tn_log_event *event)
{
    struct tn_predict *predict = &unpack->predict;
    /* all fields that only births have: fewer stores than one by one */
    memset(&event->size_bytes, 0, sizeof(*event) - offsetof(struct tn_log_event, size_bytes));
    uint64_t number = tn_unpack_measure(unpack, TN_COLUMN_DEATH);
    if (__builtin_expect(number == TN_DEATH_SOURCE, 0)) {
        uint32_t source = actor->source;
        number = get_source(unpack, &source);
        actor->source = source;
    }
    uint32_t births = actor->source == predict->actor ? actor->births : predict->actors[actor->source].births;
    int64_t rank = get_rank(unpack, context, number, births);
    uint64_t id = predict->base_id + (uint64_t)(rank + 1);
    if (__builtin_expect(rank >= (int64_t)births, 0)) {
        unpack->error = -EBADMSG;
    } else if (rank >= 0) {
        const struct tn_birth_list *list = &unpack->lists[actor->source];
        uint64_t address_class = list->address_classes[rank];
        uint32_t bin = tn_predict_bin((uint32_t)(address_class & 255), predict->actor);
        tn_predict_release(predict, bin, address_class >> 8);
        bool is_dense = actor->source == 0 && rank < (int64_t)unpack->dense_count;
        id = is_dense ? unpack->first_id + (uint64_t)rank : list->ids[rank];
    }
    event->allocation_id = id;
    actor->last_dead_id = id;
}

/* ---------------------------------------------------------------------------------------- events */

/* Nothing may be left over, and the last event must be the one that the row names. Logs of earlier builds
 * have no sum of addresses. */
static int check_end(struct tn_unpack *unpack)
{
    const struct tn_column_in *sum = &unpack->columns[TN_COLUMN_ADDRESS_SUM];
    if (sum->low != sum->low_end &&
        tn_unpack_number(unpack, TN_COLUMN_ADDRESS_SUM) != unpack->predict.address_sum)
        return -EBADMSG;
    for (int i = 0; i < TN_COLUMN_COUNT; i++) {
        const struct tn_column_in *in = &unpack->columns[i];
        if (in->low != in->low_end)
            return -EBADMSG;
        uint64_t left_bytes = (uint64_t)(in->wide_end - in->wide);
        if (tn_column_wides[i] == TN_WIDE_BITS ? left_bytes != (in->bit + 7) / 8 : left_bytes != 0)
            return -EBADMSG;
    }
    if (unpack->predict.last_ns != unpack->last_ns || unpack->birth_count != unpack->births)
        return -EBADMSG;
    return unpack->births == 0 || unpack->predict.last_id == unpack->last_id ? 0 : -EBADMSG;
}

/* Read the next event. Errors are left in unpack->error. */
static TN_UNPACK_INLINE void get_event(struct tn_unpack *unpack, struct tn_unpack_hot *hot,
                                       struct tn_log_event *event)
{
    struct tn_context *context = tn_unpack_context(unpack, hot);
    if (context == NULL)
        return;
    uint32_t op = context->op;
    event->left_depth_bytes = 0;
    if (__builtin_expect((op & TN_OP_LEFT) != 0, 0))
        event->left_depth_bytes =
            context->depth_bytes - (uint64_t)tn_depth_distance(tn_unpack_number(unpack, TN_COLUMN_LEFT));
    uint64_t step_ns = tn_unpack_measure(unpack, tn_predict_time_column(context, context->op & TN_OP_BIRTH));
    tn_predict_pace(context, tn_predict_level(step_ns));
    hot->time_ns += step_ns;
    event->is_birth = (op & TN_OP_BIRTH) != 0;
    event->function = (enum tn_function)(op >> TN_OP_FUNCTION_BIT & TN_OP_FUNCTION_MASK);
    event->process_id = unpack->process_id;
    event->thread_id = hot->actor.id;
    event->stack_id = context->stack_id;
    event->time_ns = hot->time_ns;
    event->depth_bytes = context->depth_bytes;
    if ((op & TN_OP_BIRTH) != 0)
        get_birth(unpack, &hot->actor, context, event);
    else
        get_death(unpack, &hot->actor, context, event);
}

int tn_unpack_read(struct tn_unpack *unpack, struct tn_log_event *events, uint32_t capacity)
{
    uint64_t left = unpack->event_count - unpack->event_index;
    uint32_t count = 0, most = left < capacity ? (uint32_t)left : capacity;
    struct tn_unpack_hot hot;
    if (left == 0 && unpack->error == 0)
        unpack->error = check_end(unpack);
    if (left == 0 || unpack->error != 0)
        return unpack->error;
    tn_unpack_load(unpack, &hot);
    while (unpack->error == 0 && count < most)
        get_event(unpack, &hot, &events[count++]);
    tn_unpack_store(unpack, &hot);
    count -= unpack->error != 0 && count != 0; /* the last one is incomplete */
    unpack->event_index += count;
    return count != 0 ? (int)count : unpack->error;
}

/* Bytes from TN_LONG_MEASURE on are decoded one by one (unpack_rare.c). */
static void fill_measures(struct tn_unpack *unpack)
{
    for (uint32_t byte = 0; byte < TN_LONG_MEASURE; byte++) {
        uint32_t bits = 0;
        uint64_t floor = byte < TN_BITS_DIRECT ? byte : tn_bits_floor((uint8_t)byte, &bits);
        unpack->measures[byte] = (struct tn_measure){(uint8_t)(floor >> bits), (uint8_t)bits};
    }
}

static int begin(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t wanted)
{
    if (chunk->births > TN_CHUNK_EVENTS_LIMIT || chunk->deaths > TN_CHUNK_EVENTS_LIMIT ||
        chunk->births + chunk->deaths == 0 || chunk->codec == NULL ||
        tn_chunk_checksum(chunk->data, chunk->data_bytes) != chunk->checksum)
        return -EBADMSG;
    if (unpack->zstd == NULL) {
        unpack->zstd = ZSTD_createDCtx();
        fill_measures(unpack);
    }
    if (unpack->zstd == NULL)
        return -ENOMEM;
    int r = tn_unpack_streams(unpack, chunk, wanted);
    if (r < 0)
        return r;
    unpack->error = 0;
    unpack->event_count = chunk->births + chunk->deaths;
    unpack->event_index = 0;
    unpack->birth_count = 0;
    unpack->is_dense = true;
    unpack->dense_count = 0;
    unpack->births = chunk->births;
    unpack->first_id = chunk->first_id;
    unpack->last_id = chunk->last_id;
    unpack->last_ns = chunk->last_ns;
    unpack->process_id = chunk->process_id;
    uint64_t base_id = tn_unpack_number(unpack, TN_COLUMN_BASE);
    r = tn_predict_begin(&unpack->predict, chunk->first_ns, base_id);
    return r < 0 ? r : unpack->error;
}

int tn_unpack_begin(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t wanted)
{
    unpack->error = begin(unpack, chunk, wanted);
    return unpack->error;
}

int tn_unpack_open(struct tn_unpack *unpack, const struct tn_chunk *chunk)
{
    return tn_unpack_begin(unpack, chunk, TN_UNPACK_ALL);
}

bool tn_unpack_is_done(const struct tn_unpack *unpack)
{
    return unpack->event_index == unpack->event_count;
}

struct tn_unpack *tn_unpack_create(void)
{
    return calloc(1, sizeof(struct tn_unpack));
}

void tn_unpack_destroy(struct tn_unpack *unpack)
{
    if (unpack == NULL)
        return;
    ZSTD_freeDCtx(unpack->zstd);
    tn_buffer_finish(&unpack->bytes);
    tn_buffer_finish(&unpack->counts);
    for (uint32_t i = 0; i < unpack->list_count; i++) {
        free(unpack->lists[i].address_classes);
        free(unpack->lists[i].ids);
    }
    free(unpack->lists);
    tn_predict_finish(&unpack->predict);
    free(unpack);
}
