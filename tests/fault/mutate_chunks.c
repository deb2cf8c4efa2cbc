/* SPDX-License-Identifier: MIT */

/* usage: mutate_chunks ROUNDS
 *
 * Chunks whose columns were changed before they were packed into a row: checksum, lengths and counts fit, so
 * that the decoder itself meets what is wrong. It must stay within its bounds (the build under
 * AddressSanitizer sees to that), end, and either refuse the chunk or give events with ids and times in
 * order. The same rounds each time. */

#include "tenure/chunk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define EVENTS      400
#define STREAMS_MAX 64

/* The columns of a chunk, each as long as it is. */
struct streams {
    size_t count;
    char names[STREAMS_MAX][24];
    uint8_t *bytes[STREAMS_MAX]; /* owned */
    size_t sizes[STREAMS_MAX];
};

static uint64_t seed;

static uint64_t any(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 24) % below;
}

static void fail(const char *what, uint64_t round)
{
    fprintf(stderr, "round %llu: %s\n", (unsigned long long)round, what);
    exit(1);
}

/* ---------------------------------------------------------------------------------------- a whole chunk */

static void add_event(struct tn_pack *pack, uint64_t i, uint64_t *live, size_t *live_count, uint64_t *last_id)
{
    if (*live_count != 0 && any(5) < 2) {
        size_t which = any(*live_count);
        struct tn_death death = {.process_id = 1,
                                 .allocation_id = live[which],
                                 .thread_id = 1 + any(3),
                                 .stack_id = any(40),
                                 .time_ns = 1000 + i * 50,
                                 .function = TN_FUNCTION_FREE};
        live[which] = live[--*live_count];
        if (tn_pack_death(pack, &death) != 0)
            fail("a death is refused", i);
        return;
    }
    struct tn_birth birth = {.process_id = 1,
                             .thread_id = 1 + any(3),
                             .stack_id = any(40),
                             .time_ns = 1000 + i * 50,
                             .size_bytes = any(3000),
                             .alignment_bytes = any(9) == 0 ? 64 : 0,
                             .address = 4096 + 16 * any(100000),
                             .previous_id = *last_id != 0 && any(4) == 0 ? *last_id : 0,
                             .function = TN_FUNCTION_MALLOC};
    birth.usable_size_bytes = birth.size_bytes + any(24);
    *last_id += 1 + (any(10) == 0 ? any(50) : 0);
    live[(*live_count)++] = *last_id;
    if (tn_pack_birth(pack, &birth, *last_id) != 0)
        fail("a birth is refused", i);
}

/* Split a chunk's data into its columns. */
static void take_apart(const struct tn_chunk *chunk, struct streams *streams)
{
    const char *codec = chunk->codec;
    const uint8_t *data = chunk->data;
    char way[8];
    size_t bytes, stored_bytes;
    int used;
    while (sscanf(codec, " %23[^:]:%7[^:]:%zu:%zu%n", streams->names[streams->count], way, &bytes,
                  &stored_bytes, &used) == 4) {
        uint8_t *copy = malloc(bytes + 1);
        if (copy == NULL)
            fail("out of memory", 0);
        if (strcmp(way, "raw") == 0)
            memcpy(copy, data, bytes);
        else if (ZSTD_decompress(copy, bytes, data, stored_bytes) != bytes)
            fail("a column does not come back", 0);
        streams->bytes[streams->count] = copy;
        streams->sizes[streams->count++] = bytes;
        codec += used;
        data += stored_bytes;
    }
}

/* ---------------------------------------------------------------------------------------- a changed one */

static void change(struct streams *streams)
{
    static const uint8_t telling[] = {0, 1, 2, 3, 4, 127, 128, 159, 160, 210, 211, 254, 255};
    for (uint64_t changes = 1 + any(4); changes > 0; changes--) {
        size_t which = any(streams->count);
        size_t at = any(streams->sizes[which]);
        uint8_t *byte = &streams->bytes[which][at];
        *byte = any(2) == 0 ? telling[any(sizeof(telling))] : (uint8_t)any(256);
        if (any(20) == 0 && streams->sizes[which] > 1)
            streams->sizes[which]--;
    }
}

/* A chunk of the columns as they are. codec, data: room for them. */
static struct tn_chunk put_together(const struct tn_chunk *whole, const struct streams *streams, char *codec,
                                    uint8_t *data)
{
    struct tn_chunk chunk = *whole;
    size_t size_bytes = 0;
    chunk.codec = codec;
    chunk.data = data;
    for (size_t i = 0; i < streams->count; i++) {
        codec += sprintf(codec, "%s%s:raw:%zu:%zu", i != 0 ? " " : "", streams->names[i], streams->sizes[i],
                         streams->sizes[i]);
        memcpy(data + size_bytes, streams->bytes[i], streams->sizes[i]);
        size_bytes += streams->sizes[i];
    }
    chunk.data_bytes = size_bytes;
    chunk.checksum = tn_chunk_checksum(data, size_bytes);
    if (any(8) == 0)
        chunk.births += any(3) - 1;
    return chunk;
}

static int count_nothing(void *context, const struct tn_stack_usage *usage)
{
    (void)context, (void)usage;
    return 0;
}

/* Read a chunk to its end. Returns 0, or what the reader gave. */
static int read_events(struct tn_unpack *unpack, const struct tn_chunk *chunk, uint64_t round)
{
    struct tn_log_event events[64];
    uint64_t last_id = 0, last_ns = 0, count = 0;
    int r = tn_unpack_open(unpack, chunk);
    while (r == 0 && (r = tn_unpack_read(unpack, events, 64)) > 0) {
        count += (uint64_t)r;
        for (int i = 0; i < r; i++) {
            if (events[i].time_ns < last_ns || (events[i].is_birth && events[i].allocation_id <= last_id))
                fail("events out of order", round);
            last_ns = events[i].time_ns;
            last_id = events[i].is_birth ? events[i].allocation_id : last_id;
        }
        r = 0;
    }
    if (r == 0 && count != chunk->births + chunk->deaths)
        fail("another number of events than the row says", round);
    return r;
}

/* The same of births alone, with times or without. */
static int read_births(struct tn_unpack *unpack, const struct tn_chunk *chunk, bool has_times, uint64_t round)
{
    struct tn_log_event births[7];
    uint64_t count = 0, last_id = 0;
    int r = tn_unpack_open_births(unpack, chunk, has_times);
    while (r == 0 && (r = tn_unpack_read_births(unpack, births, 7)) > 0) {
        count += (uint64_t)r;
        for (int i = 0; i < r; i++) {
            if (births[i].allocation_id <= last_id)
                fail("births out of order", round);
            last_id = births[i].allocation_id;
        }
        r = 0;
    }
    if (r == 0 && count != chunk->births)
        fail("another number of births than the row says", round);
    return r;
}

static bool is_refusal(int r)
{
    return r == -EBADMSG || r == -ENOMEM;
}

static uint64_t run_rounds(const struct tn_chunk *whole, const struct streams *columns, uint64_t rounds)
{
    struct tn_unpack *unpack = tn_unpack_create();
    char *codec = malloc(STREAMS_MAX * 64);
    uint8_t *data = malloc(whole->data_bytes + EVENTS * 64);
    uint64_t read = 0;
    for (uint64_t round = 1; round <= rounds; round++) {
        struct streams changed = *columns;
        for (size_t i = 0; i < changed.count; i++) {
            changed.bytes[i] = malloc(changed.sizes[i] + 1);
            memcpy(changed.bytes[i], columns->bytes[i], changed.sizes[i]);
        }
        seed = round;
        change(&changed);
        struct tn_chunk chunk = put_together(whole, &changed, codec, data);
        int r = read_events(unpack, &chunk, round);
        if (r != 0 && !is_refusal(r))
            fail("neither read nor refused", round);
        r = tn_unpack_counts(unpack, &chunk, count_nothing, NULL);
        if (r != 0 && !is_refusal(r))
            fail("neither counted nor refused", round);
        read += r == 0;
        for (int has_times = 0; has_times < 2; has_times++) {
            r = read_births(unpack, &chunk, has_times != 0, round);
            if (r != 0 && !is_refusal(r))
                fail("births neither read nor refused", round);
        }
        for (size_t i = 0; i < changed.count; i++)
            free(changed.bytes[i]);
    }
    free(data);
    free(codec);
    tn_unpack_destroy(unpack);
    return read;
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
    struct tn_pack *pack = tn_pack_create(1);
    struct tn_compressor *compressor = tn_compressor_create();
    struct streams columns = {0};
    struct tn_chunk chunk;
    uint64_t live[EVENTS], last_id = 0;
    size_t live_count = 0;
    seed = 7;
    for (uint64_t i = 0; i < EVENTS; i++)
        add_event(pack, i, live, &live_count, &last_id);
    if (rounds == 0 || tn_pack_compress(pack, compressor, &chunk) != 0)
        return 2;
    take_apart(&chunk, &columns);
    uint64_t read = run_rounds(&chunk, &columns, rounds);
    printf("%llu changed chunks of %zu columns, %llu of them counted, the others refused\n",
           (unsigned long long)rounds, columns.count, (unsigned long long)read);
    for (size_t i = 0; i < columns.count; i++)
        free(columns.bytes[i]);
    tn_compressor_destroy(compressor);
    tn_pack_destroy(pack);
    return columns.count > 10 && read < rounds ? 0 : 1;
}
