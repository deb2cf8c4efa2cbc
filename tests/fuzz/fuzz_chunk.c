/* SPDX-License-Identifier: MIT */
/* Chunks: a line with births and deaths, a line with the codec, and the data. The checksum fits. */
#include "fuzz.h"

#include "tenure/chunk.h"

#include <string.h>

#define CODEC_BYTES_MAX 4096

static void read_events(struct tn_unpack *unpack, const struct tn_chunk *chunk)
{
    struct tn_log_event events[64];
    uint64_t last_id = 0, last_ns = 0, count = 0;
    int r = tn_unpack_open(unpack, chunk);
    while (r == 0 && (r = tn_unpack_read(unpack, events, 64)) > 0) {
        count += (uint64_t)r;
        for (int i = 0; i < r; i++) {
            fuzz_check(events[i].time_ns >= last_ns, "times out of order");
            fuzz_check(!events[i].is_birth || events[i].allocation_id > last_id, "ids out of order");
            last_ns = events[i].time_ns;
            last_id = events[i].is_birth ? events[i].allocation_id : last_id;
        }
        r = 0;
    }
    fuzz_check(r < 0 || count == (uint64_t)chunk->births + chunk->deaths, "another number of events");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    char line[CODEC_BYTES_MAX], codec[CODEC_BYTES_MAX];
    unsigned births, deaths;
    const uint8_t *newline = memchr(data, '\n', size_bytes < sizeof(line) ? size_bytes : sizeof(line));
    if (newline == NULL)
        return 0;
    snprintf(line, sizeof(line), "%.*s", (int)(newline - data), (const char *)data);
    size_t left_bytes = size_bytes - (size_t)(newline + 1 - data);
    const uint8_t *end = memchr(newline + 1, '\n', left_bytes < sizeof(codec) ? left_bytes : sizeof(codec));
    if (end == NULL || sscanf(line, "%u %u", &births, &deaths) != 2)
        return 0;
    snprintf(codec, sizeof(codec), "%.*s", (int)(end - newline - 1), (const char *)newline + 1);
    struct tn_chunk chunk = {
        .process_id = 1,
        .first_id = 1,
        .last_id = births,
        .first_ns = 1000,
        .last_ns = UINT64_C(1) << 40,
        .births = births,
        .deaths = deaths,
        .codec = codec,
        .data = end + 1,
        .data_bytes = (size_t)(data + size_bytes - end - 1),
    };
    chunk.checksum = tn_chunk_checksum(chunk.data, chunk.data_bytes);
    struct tn_unpack *unpack = tn_unpack_create();
    fuzz_check(unpack != NULL, "out of memory");
    read_events(unpack, &chunk);
    tn_unpack_destroy(unpack);
    return 0;
}
