/* SPDX-License-Identifier: MIT */

/* Finds the streams of a chunk by the text of its codec, and decompresses those that are wanted. Sizes are
 * checked before memory is taken. */

#include "unpack_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

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

/* The column of a stream by its name; TN_COLUMN_COUNT: one that this version does not know. */
static int find_column(const char *name, bool *ret_is_wide)
{
    size_t length = strlen(name);
    bool is_wide = length > 0 && name[length - 1] == '+';
    *ret_is_wide = is_wide;
    int column = 0;
    for (; column < TN_COLUMN_COUNT; column++) {
        size_t known = strlen(tn_column_names[column]);
        if (length == known + is_wide && memcmp(name, tn_column_names[column], known) == 0)
            break;
    }
    return column;
}

static void assign(struct tn_column_in *column, bool is_wide, const uint8_t *bytes, size_t size_bytes)
{
    *(is_wide ? &column->wide : &column->low) = bytes;
    *(is_wide ? &column->wide_end : &column->low_end) = bytes + size_bytes;
    column->bit_end = (uint64_t)(column->wide_end - column->wide) * 8;
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

/* The size of all streams of a chunk; checks the codec text on the way. */
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

/* Decompress a stream behind those before it, if its column is wanted. */
static int read_stream(struct tn_unpack *unpack, const struct entry *entry, const uint8_t *stored,
                       uint64_t wanted)
{
    bool is_wide;
    int column = find_column(entry->name, &is_wide);
    if (column == TN_COLUMN_COUNT || (wanted >> column & 1) == 0)
        return 0;
    int r = decompress(unpack, entry, stored);
    assign(&unpack->columns[column], is_wide, unpack->bytes.data + unpack->bytes.size_bytes,
           entry->size_bytes);
    unpack->bytes.size_bytes += entry->size_bytes;
    return r;
}

int tn_unpack_streams(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t wanted)
{
    size_t total_bytes = 0;
    unpack->bytes.size_bytes = 0;
    memset(unpack->columns, 0, sizeof(unpack->columns));
    int r = measure(chunk, chunk->births + chunk->deaths, &total_bytes);
    if (r == 0)
        r = tn_buffer_reserve(&unpack->bytes, total_bytes + TN_STREAM_MARGIN_BYTES);
    const uint8_t *stored = chunk->data;
    for (const char *text = chunk->codec; r == 0 && *text != '\0';) {
        struct entry entry;
        text = take_entry(text, &entry);
        r = read_stream(unpack, &entry, stored, wanted);
        stored += entry.stored_bytes;
    }
    return r;
}
