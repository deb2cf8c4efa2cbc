/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TEST_RINGS_H
#define TENURE_TEST_RINGS_H

/* Rings in ordinary memory, for tests that play both sides: the shim's (emit) and the recorder's (streams of
 * one matcher, put in order, into a fake writer). Ticks are nanoseconds. */

#include "fake_writer.h"
#include "match.h"
#include "order.h"

#include "tenure/event.h"
#include "tenure/ring.h"

#include <stdint.h>

#define RINGS_MAX   16
#define RINGS_WORDS 32768u

struct rings {
    struct tn_ring ring[RINGS_MAX];
    uint64_t *words[RINGS_MAX];
    struct tn_stream stream[RINGS_MAX];
    uint32_t count;
    struct fake_writer fake;
    struct tn_totals totals;
    struct tn_clock_map clock;
    struct tn_matcher matcher;
    struct tn_order order;
};

/* Make count rings, each with its owner (thread row 1..). */
void rings_begin(struct rings *rings, uint32_t count);
void rings_finish(struct rings *rings);

/* Emit; the producer must find room (asserted). */
void rings_birth(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t address, uint32_t size_bytes);
void rings_death(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t address);
void rings_realloc_begin(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t address);
void rings_realloc_commit(struct rings *rings, uint32_t ring, uint64_t ticks, uint64_t address,
                          uint32_t size_bytes, uint32_t flags);
void rings_put(struct rings *rings, uint32_t ring, const uint64_t *event, uint32_t words);

/* One round of the recorder up to a watermark: every ring is looked at, then its room is given back. Returns
 * events applied. */
uint64_t rings_play(struct rings *rings, uint64_t watermark_ticks);

#endif
