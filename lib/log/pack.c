/* SPDX-License-Identifier: MIT */
#include "pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define FIELD_LIMIT    (UINT64_C(1) << 56)
#define ZSTD_LEVEL     1
#define ZSTD_MIN_BYTES 48 /* below that a zstd frame is no smaller than what it holds */

struct birth_here {
    uint64_t id, address, usable_size_bytes;
};

struct slot {
    uint32_t id;      /* of the stack */
    uint32_t index_1; /* its index in the chunk + 1; 0: empty */
};

struct tn_pack {
    uint64_t process_id;
    uint64_t first_ns, first_id;
    uint64_t birth_bytes, usable_bytes;
    uint32_t event_count, birth_count;
    uint32_t event_capacity; /* room in every low stream for that many values */
    int error;               /* -ENOMEM once a wide stream could not grow */
    uint8_t *low[TN_COLUMN_COUNT];
    uint32_t low_count[TN_COLUMN_COUNT];
    struct tn_buffer wide[TN_COLUMN_COUNT];
    struct birth_here *births; /* of this chunk; event_capacity of them */
    struct slot *slots;        /* hash of the stacks of this chunk */
    uint32_t slot_bits;
    struct tn_predict predict;
    struct tn_buffer data, codec; /* of the last sealed chunk */
};

/* ---------------------------------------------------------------------------------------- life */

static void begin(struct tn_pack *pack)
{
    pack->event_count = 0;
    pack->birth_count = 0;
    pack->birth_bytes = pack->usable_bytes = 0;
    pack->first_id = 0;
    memset(pack->low_count, 0, sizeof(pack->low_count));
    for (int i = 0; i < TN_COLUMN_COUNT; i++)
        pack->wide[i].size_bytes = 0;
    memset(pack->slots, 0, sizeof(pack->slots[0]) << pack->slot_bits);
}

struct tn_pack *tn_pack_create(uint64_t process_id)
{
    struct tn_pack *pack = calloc(1, sizeof(*pack));
    if (pack == NULL)
        return NULL;
    pack->process_id = process_id;
    pack->slot_bits = 8;
    pack->slots = malloc(sizeof(pack->slots[0]) << pack->slot_bits);
    if (pack->slots == NULL) {
        free(pack);
        return NULL;
    }
    begin(pack);
    return pack;
}

void tn_pack_destroy(struct tn_pack *pack)
{
    if (pack == NULL)
        return;
    for (int i = 0; i < TN_COLUMN_COUNT; i++) {
        free(pack->low[i]);
        tn_buffer_finish(&pack->wide[i]);
    }
    free(pack->births);
    free(pack->slots);
    tn_predict_finish(&pack->predict);
    tn_buffer_finish(&pack->data);
    tn_buffer_finish(&pack->codec);
    free(pack);
}

uint32_t tn_pack_count(const struct tn_pack *pack)
{
    return pack->event_count;
}

/* Room for one more value in every low stream; two values an event may go into the alignment column. */
static int make_room(struct tn_pack *pack)
{
    if (pack->event_count < pack->event_capacity)
        return 0;
    uint32_t capacity = pack->event_capacity != 0 ? pack->event_capacity * 4 : 2048;
    for (int i = 0; i < TN_COLUMN_COUNT; i++) {
        uint8_t *low = realloc(pack->low[i], (size_t)capacity * 2);
        if (low == NULL)
            return -ENOMEM;
        pack->low[i] = low;
    }
    struct birth_here *births = realloc(pack->births, capacity * sizeof(births[0]));
    if (births == NULL)
        return -ENOMEM;
    pack->births = births;
    pack->event_capacity = capacity;
    return 0;
}

/* ---------------------------------------------------------------------------------------- coding */

static void put_wide(struct tn_pack *pack, enum tn_column column, uint64_t value)
{
    uint8_t varint[10];
    size_t length = tn_varint_put(varint, value - TN_WIDE_MARK);
    if (tn_buffer_append(&pack->wide[column], varint, length) < 0)
        pack->error = -ENOMEM;
}

static inline void put(struct tn_pack *pack, enum tn_column column, uint64_t value)
{
    pack->low[column][pack->low_count[column]++] = value < TN_WIDE_MARK ? (uint8_t)value : TN_WIDE_MARK;
    if (__builtin_expect(value >= TN_WIDE_MARK, 0))
        put_wide(pack, column, value);
}

static inline uint32_t slot_of(const struct tn_pack *pack, uint32_t id)
{
    return (uint32_t)(id * UINT32_C(0x9e3779b9)) >> (32 - pack->slot_bits);
}

static struct slot *find_slot(const struct tn_pack *pack, uint32_t id)
{
    uint32_t mask = (UINT32_C(1) << pack->slot_bits) - 1;
    uint32_t i = slot_of(pack, id);
    while (pack->slots[i].index_1 != 0 && pack->slots[i].id != id)
        i = (i + 1) & mask;
    return &pack->slots[i];
}

static int widen_slots(struct tn_pack *pack)
{
    size_t count = (size_t)2 << pack->slot_bits;
    struct slot *wider = calloc(count, sizeof(wider[0]));
    if (wider == NULL)
        return -ENOMEM;
    free(pack->slots);
    pack->slots = wider;
    pack->slot_bits++;
    for (uint32_t i = 0; i < pack->predict.stack_count; i++) {
        uint32_t id = (uint32_t)pack->predict.stacks[i].id;
        *find_slot(pack, id) = (struct slot){id, i + 1};
    }
    return 0;
}

/* A stack that this chunk has not seen: its id goes into a column of its own. */
static uint32_t add_stack(struct tn_pack *pack, struct slot *slot, uint32_t id)
{
    struct tn_predict *predict = &pack->predict;
    put(pack, TN_COLUMN_STACK_ID, tn_zigzag((int64_t)(id - predict->last_stack_id)));
    predict->last_stack_id = id;
    if (tn_predict_add_stack(predict, id) < 0) {
        pack->error = -ENOMEM;
        return 0;
    }
    *slot = (struct slot){id, predict->stack_count};
    if (predict->stack_count * 2 > UINT32_C(1) << pack->slot_bits && widen_slots(pack) < 0)
        pack->error = -ENOMEM;
    return predict->stack_count - 1;
}

/* The stack of an event. Returns what is predicted for its next one; NULL: no memory. */
static inline struct tn_predict_stack *put_stack(struct tn_pack *pack, uint64_t stack_id)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t predicted = 0;
    if (predict->stack_count != 0) {
        predicted = predict->stacks[predict->last_stack].next;
        if (predict->stacks[predicted].id == stack_id) {
            put(pack, TN_COLUMN_STACK, 0);
            predict->last_stack = predicted;
            return &predict->stacks[predicted];
        }
    }
    struct slot *slot = find_slot(pack, (uint32_t)stack_id);
    uint32_t index = slot->index_1 != 0 ? slot->index_1 - 1 : predict->stack_count;
    put(pack, TN_COLUMN_STACK, (uint64_t)index + 1);
    if (slot->index_1 == 0)
        index = add_stack(pack, slot, (uint32_t)stack_id);
    if (pack->error != 0)
        return NULL;
    predict->stacks[predict->last_stack].next = index;
    predict->last_stack = index;
    return &predict->stacks[index];
}

/* What births and deaths have in common. Returns as put_stack. */
static inline struct tn_predict_stack *put_common(struct tn_pack *pack, uint32_t op, uint64_t time_ns,
                                                  uint64_t thread_id, uint64_t stack_id, uint64_t depth_bytes)
{
    struct tn_predict *predict = &pack->predict;
    if (thread_id != predict->last_thread_id) {
        op |= TN_OP_THREAD;
        put(pack, TN_COLUMN_THREAD, tn_zigzag((int64_t)(thread_id - predict->last_thread_id)));
        predict->last_thread_id = thread_id;
    }
    pack->low[TN_COLUMN_OP][pack->low_count[TN_COLUMN_OP]++] = (uint8_t)op;
    uint64_t step_ns = time_ns > predict->last_ns ? time_ns - predict->last_ns : 0;
    put(pack, TN_COLUMN_TIME, step_ns);
    predict->last_ns += step_ns;
    struct tn_predict_stack *stack = put_stack(pack, stack_id);
    if (stack == NULL)
        return NULL;
    bool is_same = depth_bytes == stack->depth_bytes;
    put(pack, TN_COLUMN_DEPTH, is_same ? 0 : 1 + tn_zigzag((int64_t)(depth_bytes - stack->depth_bytes)));
    stack->depth_bytes = depth_bytes;
    pack->event_count++;
    return stack;
}

static int begin_event(struct tn_pack *pack, uint64_t time_ns)
{
    int r = make_room(pack);
    if (r < 0 || pack->error != 0)
        return r < 0 ? r : pack->error;
    if (pack->event_count == 0) {
        pack->first_ns = time_ns;
        tn_predict_reset(&pack->predict, time_ns, 0);
    }
    return 0;
}

static inline void put_address(struct tn_pack *pack, uint64_t address, uint64_t usable_size_bytes)
{
    struct tn_predict *predict = &pack->predict;
    if (address == tn_predict_address(predict, usable_size_bytes) && address != 0) {
        put(pack, TN_COLUMN_ADDRESS, 0);
        tn_predict_take(predict, usable_size_bytes);
    } else {
        put(pack, TN_COLUMN_ADDRESS, tn_address_code(address, predict->last_address));
    }
    predict->last_address = address;
}

static void put_alignment(struct tn_pack *pack, uint64_t alignment_bytes)
{
    put(pack, TN_COLUMN_ALIGNMENT, pack->birth_count - pack->predict.last_aligned);
    put(pack, TN_COLUMN_ALIGNMENT, alignment_bytes);
    pack->predict.last_aligned = pack->birth_count;
}

static void put_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id,
                      struct tn_predict_stack *stack)
{
    struct tn_predict *predict = &pack->predict;
    put(pack, TN_COLUMN_ID, id - predict->last_id - 1);
    predict->last_id = id;
    put(pack, TN_COLUMN_SIZE, birth->size_bytes == stack->size_bytes ? 0 : 1 + birth->size_bytes);
    stack->size_bytes = birth->size_bytes;
    uint64_t excess_bytes = birth->usable_size_bytes - birth->size_bytes;
    uint64_t *expected = &predict->excess_bytes[tn_excess_slot(birth->size_bytes)];
    put(pack, TN_COLUMN_EXCESS, excess_bytes == *expected ? 0 : 1 + excess_bytes);
    *expected = excess_bytes;
    put_address(pack, birth->address, birth->usable_size_bytes);
    if (birth->alignment_bytes != 0)
        put_alignment(pack, birth->alignment_bytes);
    if (birth->previous_id != 0)
        put(pack, TN_COLUMN_PREVIOUS, id - birth->previous_id - 1);
    pack->births[pack->birth_count++] = (struct birth_here){id, birth->address, birth->usable_size_bytes};
    pack->birth_bytes += birth->size_bytes;
    pack->usable_bytes += birth->usable_size_bytes;
}

int tn_pack_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id)
{
    if (((birth->usable_size_bytes | birth->address | birth->depth_bytes | birth->alignment_bytes) >=
         FIELD_LIMIT) ||
        birth->usable_size_bytes < birth->size_bytes || birth->stack_id > UINT32_MAX ||
        birth->previous_id >= id || (uint32_t)birth->function > TN_OP_FUNCTION_MASK)
        return -EINVAL;
    int r = begin_event(pack, birth->time_ns);
    if (r < 0)
        return r;
    if (pack->birth_count == 0) {
        pack->first_id = id;
        pack->predict.last_id = id - 1;
    }
    uint32_t op = TN_OP_BIRTH | (birth->previous_id != 0 ? TN_OP_LINK : 0) |
                  (uint32_t)birth->function << TN_OP_FUNCTION_BIT;
    struct tn_predict_stack *stack =
        put_common(pack, op, birth->time_ns, birth->thread_id, birth->stack_id, birth->depth_bytes);
    if (stack == NULL)
        return pack->error;
    put_birth(pack, birth, id, stack);
    return pack->error;
}

/* The number of a birth of this chunk by its id; false: it was born before. Ids follow each other unless
 * other processes allocate too, so that the first guess is right most of the time. */
static bool find_birth(const struct tn_pack *pack, uint64_t id, uint32_t *ret_index)
{
    if (pack->birth_count == 0 || id < pack->first_id)
        return false;
    uint32_t low = 0, high = pack->birth_count;
    uint64_t guess = id - pack->first_id;
    if (guess < high && pack->births[guess].id == id) {
        *ret_index = (uint32_t)guess;
        return true;
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (pack->births[middle].id <= id)
            low = middle;
        else
            high = middle;
    }
    *ret_index = low;
    return pack->births[low].id == id;
}

int tn_pack_death(struct tn_pack *pack, const struct tn_death *death)
{
    if (death->stack_id > UINT32_MAX || death->depth_bytes >= FIELD_LIMIT ||
        death->allocation_id >= FIELD_LIMIT || (uint32_t)death->function > TN_OP_FUNCTION_MASK)
        return -EINVAL;
    int r = begin_event(pack, death->time_ns);
    if (r < 0)
        return r;
    uint32_t index = 0;
    bool is_here = find_birth(pack, death->allocation_id, &index);
    uint32_t op = (is_here ? TN_OP_LINK : 0) | (uint32_t)death->function << TN_OP_FUNCTION_BIT;
    if (put_common(pack, op, death->time_ns, death->thread_id, death->stack_id, death->depth_bytes) == NULL)
        return pack->error;
    struct tn_predict *predict = &pack->predict;
    if (is_here) {
        put(pack, TN_COLUMN_DEATH, pack->birth_count - 1 - index);
        tn_predict_release(predict, pack->births[index].usable_size_bytes, pack->births[index].address);
        return pack->error;
    }
    put(pack, TN_COLUMN_OLD_DEATH, tn_zigzag((int64_t)(death->allocation_id - predict->last_old_id - 1)));
    predict->last_old_id = death->allocation_id;
    return pack->error;
}

/* ---------------------------------------------------------------------------------------- sealing */

/* Append one stream to data, compressed if that is smaller, and its entry to codec. */
static int seal_stream(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd, enum tn_column column, bool is_wide,
                       const uint8_t *bytes, size_t size_bytes)
{
    if (size_bytes == 0)
        return 0;
    int r = tn_buffer_reserve(&pack->data, ZSTD_compressBound(size_bytes));
    if (r < 0)
        return r;
    uint8_t *out = pack->data.data + pack->data.size_bytes;
    size_t stored_bytes = size_bytes;
    if (size_bytes >= ZSTD_MIN_BYTES)
        stored_bytes =
            ZSTD_compressCCtx(zstd, out, ZSTD_compressBound(size_bytes), bytes, size_bytes, ZSTD_LEVEL);
    if (ZSTD_isError(stored_bytes))
        return -ENOMEM;
    bool is_smaller = stored_bytes < size_bytes;
    if (!is_smaller) {
        memcpy(out, bytes, size_bytes);
        stored_bytes = size_bytes;
    }
    pack->data.size_bytes += stored_bytes;
    return tn_buffer_print(&pack->codec, "%s%s%s:%s:%zu:%zu", pack->codec.size_bytes != 0 ? " " : "",
                           tn_column_names[column], is_wide ? "+" : "", is_smaller ? "zstd" : "raw",
                           size_bytes, stored_bytes);
}

static int seal_columns(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd)
{
    int r = 0;
    for (int i = 0; r == 0 && i < TN_COLUMN_COUNT; i++) {
        r = seal_stream(pack, zstd, (enum tn_column)i, false, pack->low[i], pack->low_count[i]);
        if (r == 0)
            r = seal_stream(pack, zstd, (enum tn_column)i, true, pack->wide[i].data,
                            pack->wide[i].size_bytes);
    }
    return r;
}

int tn_pack_seal(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd, struct tn_chunk *ret_chunk)
{
    if (pack->error != 0)
        return pack->error;
    if (pack->event_count == 0)
        return -ENODATA;
    pack->data.size_bytes = 0;
    pack->codec.size_bytes = 0;
    int r = seal_columns(pack, zstd);
    if (r < 0)
        return r;
    *ret_chunk = (struct tn_chunk){
        .process_id = pack->process_id,
        .first_id = pack->first_id,
        .last_id = pack->birth_count != 0 ? pack->predict.last_id : 0,
        .first_ns = pack->first_ns,
        .last_ns = pack->predict.last_ns,
        .births = pack->birth_count,
        .deaths = pack->event_count - pack->birth_count,
        .reallocs = pack->low_count[TN_COLUMN_PREVIOUS],
        .birth_bytes = pack->birth_bytes,
        .usable_bytes = pack->usable_bytes,
        .codec = (const char *)pack->codec.data,
        .checksum = tn_chunk_checksum(pack->data.data, pack->data.size_bytes),
        .data = pack->data.data,
        .data_bytes = pack->data.size_bytes,
    };
    begin(pack);
    return 0;
}
