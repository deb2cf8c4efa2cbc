/* SPDX-License-Identifier: MIT */
/* What a program may have written into the shared memory: a header, and the words of a ring, whose head is
 * the first of them. */
#include "fuzz.h"

#include "tenure/ring.h"

#include <string.h>

#define RING_WORDS 64

static void read_header(const uint8_t *data, size_t size_bytes)
{
    struct tn_shared_header header = {0};
    memcpy(&header, data, size_bytes < sizeof(header) ? size_bytes : sizeof(header));
    uint64_t file_bytes = header.total_bytes;
    if (tn_shared_check(&header, file_bytes) < 0)
        return;
    struct tn_shared_sizes sizes = tn_shared_sizes_of(&header);
    fuzz_check(tn_shared_words_offset(&sizes, sizes.slot_count) <= file_bytes, "rings beyond the memory");
}

static void read_ring(const uint8_t *data, size_t size_bytes)
{
    uint64_t words[RING_WORDS] = {0}, cursor = 0;
    memcpy(words, data, size_bytes < sizeof(words) ? size_bytes : sizeof(words));
    uint64_t head = words[0] % (RING_WORDS + 1);
    for (;;) {
        const uint64_t *event;
        int length = tn_ring_peek(words, RING_WORDS, &cursor, head, &event);
        if (length <= 0)
            return;
        fuzz_check(event >= words && event + length <= words + RING_WORDS, "an event beyond the ring");
        cursor += (uint64_t)length;
        fuzz_check(cursor <= head, "an event beyond the head");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    read_header(data, size_bytes);
    read_ring(data, size_bytes);
    return 0;
}
