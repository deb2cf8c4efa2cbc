/* SPDX-License-Identifier: MIT */
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* ---------------------------------------------------------------------------------------- streams */

/* One entry of chunk.codec: NAME:CODEC:BYTES:STORED_BYTES. */
struct entry {
    char name[24];
    char codec[8];
    size_t size_bytes, stored_bytes;
};

/* Copy the text up to the next ':' into field. Returns what follows it, or NULL. */
static const char *take_word(const char *text, char *field, size_t field_bytes)
{
    size_t length = strcspn(text, ": ");
    if (text[length] != ':' || length >= field_bytes)
        return NULL;
    memcpy(field, text, length);
    field[length] = '\0';
    return text + length + 1;
}

/* Read a number that ends with one of the characters in ends, or with the text. */
static const char *take_number(const char *text, char end, size_t *ret_value)
{
    char *after;
    if (*text < '0' || *text > '9')
        return NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &after, 10);
    if (errno != 0 || value > SIZE_MAX || (*after != end && !(end == ' ' && *after == '\0')))
        return NULL;
    *ret_value = (size_t)value;
    return *after != '\0' ? after + 1 : after;
}

static const char *take_entry(const char *text, struct entry *entry)
{
    text = take_word(text, entry->name, sizeof(entry->name));
    if (text != NULL)
        text = take_word(text, entry->codec, sizeof(entry->codec));
    if (text != NULL)
        text = take_number(text, ':', &entry->size_bytes);
    if (text != NULL)
        text = take_number(text, ' ', &entry->stored_bytes);
    return text;
}

/* The stream that a name means; NULL for one that this version does not know. */
static struct tn_stream *find_stream(struct tn_unpack *unpack, const char *name)
{
    size_t length = strlen(name);
    bool is_wide = length > 0 && name[length - 1] == '+';
    for (int i = 0; i < TN_COLUMN_COUNT; i++) {
        size_t known = strlen(tn_column_names[i]);
        if (length == known + is_wide && memcmp(name, tn_column_names[i], known) == 0)
            return is_wide ? &unpack->wide[i] : &unpack->low[i];
    }
    return NULL;
}

static int decompress(struct tn_unpack *unpack, const struct entry *entry, const uint8_t *stored)
{
    uint8_t *out = unpack->bytes.data + unpack->bytes.size_bytes; /* the room was made before */
    if (strcmp(entry->codec, "raw") == 0) {
        if (entry->stored_bytes != entry->size_bytes)
            return -EBADMSG;
        memcpy(out, stored, entry->size_bytes);
        return 0;
    }
    if (strcmp(entry->codec, "zstd") != 0)
        return -EBADMSG;
    size_t got = ZSTD_decompressDCtx(unpack->zstd, out, entry->size_bytes, stored, entry->stored_bytes);
    return got == entry->size_bytes ? 0 : -EBADMSG;
}

/* All bytes that the streams of a chunk take; the codec text is checked on the way. */
static int measure(const struct tn_chunk *chunk, uint64_t event_count, size_t *ret_total_bytes)
{
    size_t total_bytes = 0, stored_bytes = 0;
    for (const char *text = chunk->codec; *text != '\0';) {
        struct entry entry;
        text = take_entry(text, &entry);
        if (text == NULL || entry.size_bytes > event_count * 20 ||
            entry.stored_bytes > chunk->data_bytes - stored_bytes)
            return -EBADMSG;
        total_bytes += entry.size_bytes;
        stored_bytes += entry.stored_bytes;
        if (total_bytes > event_count * 20 * TN_COLUMN_COUNT)
            return -EBADMSG;
    }
    if (stored_bytes != chunk->data_bytes)
        return -EBADMSG;
    *ret_total_bytes = total_bytes;
    return 0;
}

static int open_streams(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t event_count)
{
    size_t total_bytes = 0;
    unpack->bytes.size_bytes = 0;
    memset(unpack->low, 0, sizeof(unpack->low));
    memset(unpack->wide, 0, sizeof(unpack->wide));
    int r = measure(chunk, event_count, &total_bytes);
    if (r == 0)
        r = tn_buffer_reserve(&unpack->bytes, total_bytes);
    const uint8_t *stored = chunk->data;
    for (const char *text = chunk->codec; r == 0 && *text != '\0';) {
        struct entry entry;
        text = take_entry(text, &entry);
        r = decompress(unpack, &entry, stored);
        stored += entry.stored_bytes;
        const uint8_t *bytes = unpack->bytes.data + unpack->bytes.size_bytes;
        struct tn_stream *stream = find_stream(unpack, entry.name);
        if (stream != NULL)
            *stream = (struct tn_stream){bytes, bytes + entry.size_bytes};
        unpack->bytes.size_bytes += entry.size_bytes;
    }
    return r;
}

/* ---------------------------------------------------------------------------------------- checks */

static size_t left(const struct tn_unpack *unpack, enum tn_column column)
{
    return (size_t)(unpack->low[column].end - unpack->low[column].at);
}

/* The op bytes say how many values every column must have: after this no low stream can be read past its
 * end, but for stack_id and alignment, which are checked as they are read. */
static int check_counts(const struct tn_unpack *unpack, const struct tn_chunk *chunk)
{
    uint64_t births = 0, threads = 0, linked_births = 0, linked_deaths = 0;
    if (left(unpack, TN_COLUMN_OP) != unpack->event_count)
        return -EBADMSG;
    for (const uint8_t *op = unpack->low[TN_COLUMN_OP].at; op < unpack->low[TN_COLUMN_OP].end; op++) {
        births += *op & TN_OP_BIRTH;
        threads += (*op & TN_OP_THREAD) != 0;
        linked_births += (*op & (TN_OP_BIRTH | TN_OP_LINK)) == (TN_OP_BIRTH | TN_OP_LINK);
        linked_deaths += (*op & (TN_OP_BIRTH | TN_OP_LINK)) == TN_OP_LINK;
    }
    bool is_right =
        births == chunk->births && left(unpack, TN_COLUMN_TIME) == unpack->event_count &&
        left(unpack, TN_COLUMN_THREAD) == threads && left(unpack, TN_COLUMN_STACK) == unpack->event_count &&
        left(unpack, TN_COLUMN_DEPTH) == unpack->event_count && left(unpack, TN_COLUMN_ID) == births &&
        left(unpack, TN_COLUMN_SIZE) == births && left(unpack, TN_COLUMN_EXCESS) == births &&
        left(unpack, TN_COLUMN_ADDRESS) == births && left(unpack, TN_COLUMN_ALIGNMENT) % 2 == 0 &&
        left(unpack, TN_COLUMN_PREVIOUS) == linked_births && left(unpack, TN_COLUMN_DEATH) == linked_deaths &&
        left(unpack, TN_COLUMN_OLD_DEATH) == chunk->deaths - linked_deaths;
    return is_right ? 0 : -EBADMSG;
}

/* Nothing may be left over, and the last event must be the one that the row names. */
static int check_end(const struct tn_unpack *unpack)
{
    for (int i = 0; i < TN_COLUMN_COUNT; i++)
        if (unpack->low[i].at != unpack->low[i].end || unpack->wide[i].at != unpack->wide[i].end)
            if (i != TN_COLUMN_OP)
                return -EBADMSG;
    if (unpack->predict.last_ns != unpack->last_ns)
        return -EBADMSG;
    return unpack->birth_total == 0 || unpack->predict.last_id == unpack->last_id ? 0 : -EBADMSG;
}

/* ---------------------------------------------------------------------------------------- decoding */

static uint64_t get_wide(struct tn_unpack *unpack, enum tn_column column)
{
    struct tn_stream *wide = &unpack->wide[column];
    uint64_t value = 0;
    size_t length = tn_varint_get(wide->at, wide->end, &value);
    if (length == 0)
        unpack->is_damaged = true;
    wide->at += length;
    return value + TN_WIDE_MARK;
}

static inline uint64_t get(struct tn_unpack *unpack, enum tn_column column)
{
    uint8_t low = *unpack->low[column].at++;
    if (__builtin_expect(low != TN_WIDE_MARK, 1))
        return low;
    return get_wide(unpack, column);
}

/* How many births until the next pair of the alignment column takes effect. */
static void aim_at_alignment(struct tn_unpack *unpack)
{
    unpack->births_left_until_aligned = UINT32_MAX;
    if (left(unpack, TN_COLUMN_ALIGNMENT) == 0)
        return;
    uint64_t births = get(unpack, TN_COLUMN_ALIGNMENT);
    if (births >= UINT32_MAX)
        unpack->is_damaged = true;
    else
        unpack->births_left_until_aligned = (uint32_t)births;
}

static uint64_t get_alignment(struct tn_unpack *unpack)
{
    if (unpack->births_left_until_aligned != 0) {
        unpack->births_left_until_aligned -= unpack->births_left_until_aligned != UINT32_MAX;
        return 0;
    }
    uint64_t alignment_bytes = get(unpack, TN_COLUMN_ALIGNMENT);
    aim_at_alignment(unpack);
    if (unpack->births_left_until_aligned == 0)
        unpack->is_damaged = true;
    else
        unpack->births_left_until_aligned -= unpack->births_left_until_aligned != UINT32_MAX;
    return alignment_bytes;
}

/* A stack that is new in this chunk. Returns 0 or a negative errno. */
static int get_new_stack(struct tn_unpack *unpack)
{
    struct tn_predict *predict = &unpack->predict;
    if (left(unpack, TN_COLUMN_STACK_ID) == 0)
        return -EBADMSG;
    predict->last_stack_id += (uint64_t)tn_unzigzag(get(unpack, TN_COLUMN_STACK_ID));
    return tn_predict_add_stack(predict, predict->last_stack_id);
}

static inline int get_stack(struct tn_unpack *unpack)
{
    struct tn_predict *predict = &unpack->predict;
    uint64_t code = get(unpack, TN_COLUMN_STACK);
    if (code == 0) {
        if (predict->stack_count == 0)
            return -EBADMSG;
        predict->last_stack = predict->stacks[predict->last_stack].next;
        return 0;
    }
    uint64_t index = code - 1;
    if (index > predict->stack_count)
        return -EBADMSG;
    if (index == predict->stack_count) {
        int r = get_new_stack(unpack);
        if (r < 0)
            return r;
    }
    predict->stacks[predict->last_stack].next = (uint32_t)index;
    predict->last_stack = (uint32_t)index;
    return 0;
}

static inline uint64_t get_address(struct tn_unpack *unpack, uint64_t usable_size_bytes)
{
    struct tn_predict *predict = &unpack->predict;
    uint64_t code = get(unpack, TN_COLUMN_ADDRESS);
    uint64_t address = code != 0 ? tn_address_of(code, predict->last_address)
                                 : tn_predict_address(predict, usable_size_bytes);
    if (code == 0)
        tn_predict_take(predict, usable_size_bytes);
    predict->last_address = address;
    return address;
}

static void get_birth(struct tn_unpack *unpack, uint8_t op, struct tn_predict_stack *stack,
                      struct tn_log_event *event)
{
    struct tn_predict *predict = &unpack->predict;
    predict->last_id += get(unpack, TN_COLUMN_ID) + 1;
    event->allocation_id = predict->last_id;
    uint64_t size_code = get(unpack, TN_COLUMN_SIZE);
    if (size_code != 0)
        stack->size_bytes = size_code - 1;
    event->size_bytes = stack->size_bytes;
    uint64_t *excess_bytes = &predict->excess_bytes[tn_excess_slot(event->size_bytes)];
    uint64_t excess_code = get(unpack, TN_COLUMN_EXCESS);
    if (excess_code != 0)
        *excess_bytes = excess_code - 1;
    event->usable_size_bytes = event->size_bytes + *excess_bytes;
    event->address = get_address(unpack, event->usable_size_bytes);
    event->alignment_bytes = get_alignment(unpack);
    event->previous_id = 0;
    if ((op & TN_OP_LINK) != 0)
        event->previous_id = event->allocation_id - 1 - get(unpack, TN_COLUMN_PREVIOUS);
    unpack->births[unpack->birth_count++] =
        (struct tn_birth_place){event->allocation_id, event->address, event->usable_size_bytes};
}

static void get_death(struct tn_unpack *unpack, uint8_t op, struct tn_log_event *event)
{
    struct tn_predict *predict = &unpack->predict;
    event->size_bytes = event->usable_size_bytes = event->alignment_bytes = 0;
    event->address = event->previous_id = 0;
    if ((op & TN_OP_LINK) == 0) {
        predict->last_old_id += (uint64_t)tn_unzigzag(get(unpack, TN_COLUMN_OLD_DEATH)) + 1;
        event->allocation_id = predict->last_old_id;
        return;
    }
    uint64_t births_since = get(unpack, TN_COLUMN_DEATH);
    if (births_since >= unpack->birth_count) {
        unpack->is_damaged = true;
        return;
    }
    const struct tn_birth_place *birth = &unpack->births[unpack->birth_count - 1 - births_since];
    event->allocation_id = birth->id;
    tn_predict_release(predict, birth->usable_size_bytes, birth->address);
}

int tn_unpack_next(struct tn_unpack *unpack, struct tn_log_event *event)
{
    struct tn_predict *predict = &unpack->predict;
    if (unpack->event_index == unpack->event_count)
        return check_end(unpack);
    uint8_t op = unpack->low[TN_COLUMN_OP].at[unpack->event_index++];
    if ((op & TN_OP_THREAD) != 0)
        predict->last_thread_id += (uint64_t)tn_unzigzag(get(unpack, TN_COLUMN_THREAD));
    predict->last_ns += get(unpack, TN_COLUMN_TIME);
    int r = get_stack(unpack);
    if (r < 0)
        return r;
    struct tn_predict_stack *stack = &predict->stacks[predict->last_stack];
    uint64_t depth_code = get(unpack, TN_COLUMN_DEPTH);
    if (depth_code != 0)
        stack->depth_bytes += (uint64_t)tn_unzigzag(depth_code - 1);
    event->is_birth = (op & TN_OP_BIRTH) != 0;
    event->function = (enum tn_function)(op >> TN_OP_FUNCTION_BIT);
    event->process_id = unpack->process_id;
    event->thread_id = predict->last_thread_id;
    event->stack_id = stack->id;
    event->time_ns = predict->last_ns;
    event->depth_bytes = stack->depth_bytes;
    if (event->is_birth)
        get_birth(unpack, op, stack, event);
    else
        get_death(unpack, op, event);
    return unpack->is_damaged ? -EBADMSG : 1;
}

/* ---------------------------------------------------------------------------------------- life */

static int prepare(struct tn_unpack *unpack, const struct tn_chunk *chunk)
{
    if (unpack->zstd == NULL)
        unpack->zstd = ZSTD_createDCtx();
    if (unpack->zstd == NULL)
        return -ENOMEM;
    if (unpack->birth_capacity >= chunk->births)
        return 0;
    struct tn_birth_place *births = realloc(unpack->births, chunk->births * sizeof(births[0]));
    if (births == NULL)
        return -ENOMEM;
    unpack->births = births;
    unpack->birth_capacity = chunk->births;
    return 0;
}

int tn_unpack_open(struct tn_unpack *unpack, const struct tn_chunk *chunk)
{
    if (chunk->births > TN_CHUNK_EVENTS_LIMIT || chunk->deaths > TN_CHUNK_EVENTS_LIMIT ||
        chunk->births + chunk->deaths == 0 || chunk->codec == NULL ||
        tn_chunk_checksum(chunk->data, chunk->data_bytes) != chunk->checksum)
        return -EBADMSG;
    int r = prepare(unpack, chunk);
    if (r == 0)
        r = open_streams(unpack, chunk, chunk->births + chunk->deaths);
    if (r < 0)
        return r;
    unpack->process_id = chunk->process_id;
    unpack->event_count = chunk->births + chunk->deaths;
    unpack->event_index = 0;
    unpack->birth_count = 0;
    unpack->birth_total = chunk->births;
    unpack->last_ns = chunk->last_ns;
    unpack->last_id = chunk->last_id;
    unpack->is_damaged = false;
    tn_predict_reset(&unpack->predict, chunk->first_ns, chunk->first_id);
    r = check_counts(unpack, chunk);
    if (r == 0)
        aim_at_alignment(unpack);
    return r;
}

void tn_unpack_finish(struct tn_unpack *unpack)
{
    ZSTD_freeDCtx(unpack->zstd);
    tn_buffer_finish(&unpack->bytes);
    free(unpack->births);
    tn_predict_finish(&unpack->predict);
    *unpack = (struct tn_unpack){0};
}
