/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_COLUMNS_H
#define TN_LOG_COLUMNS_H

/* The columns of a chunk, and the predictors that packing and unpacking share. docs/log-format.md describes
 * every byte of it; what is changed here is changed there, and in TN_LOG_FORMAT_VERSION.
 *
 * A column is two byte streams: `low` holds one byte a value, 0 to 254 as it is, 255 for a larger value v,
 * which then stands in the stream `wide` as the varint v - 255. Most values are predicted, and a value that
 * came as predicted is 0: what follows, zstd, sees long runs of zeros. */

#include "tenure/base.h"
#include "tenure/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_CHUNK_EVENTS_MAX   (128u * 1024u)  /* what the writer puts into a chunk */
#define TN_CHUNK_EVENTS_LIMIT (1024u * 1024u) /* what a reader accepts */
#define TN_WIDE_MARK          255u

enum tn_column {
    TN_COLUMN_OP,        /* every event: TN_OP_* and the function; low bytes only */
    TN_COLUMN_TIME,      /* every event: ns since the previous event */
    TN_COLUMN_THREAD,    /* events with TN_OP_THREAD: zigzag(thread id - the previous event's) */
    TN_COLUMN_STACK,     /* every event: 0 as predicted, else 1 + index of the stack in this chunk */
    TN_COLUMN_STACK_ID,  /* each stack's first event: zigzag(stack id - the previous new one's) */
    TN_COLUMN_DEPTH,     /* every event: 0 as last at this stack, else 1 + zigzag(depth - that) */
    TN_COLUMN_ID,        /* births: id - the previous birth's - 1 */
    TN_COLUMN_SIZE,      /* births: 0 as last at this stack, else 1 + size */
    TN_COLUMN_EXCESS,    /* births: 0 as last at this size, else 1 + (usable size - size) */
    TN_COLUMN_ADDRESS,   /* births: 0 as predicted, else see tn_address_code */
    TN_COLUMN_ALIGNMENT, /* pairs, of births that asked for one: births since the last such, alignment */
    TN_COLUMN_PREVIOUS,  /* births with TN_OP_LINK: id - previous id - 1 */
    TN_COLUMN_DEATH,     /* deaths with TN_OP_LINK (born in this chunk): births since then */
    TN_COLUMN_OLD_DEATH, /* other deaths: zigzag(id - the previous such - 1) */
    TN_COLUMN_COUNT
};

/* The name of a column in chunk.codec; its wide stream has a '+' behind it. */
extern const char *const tn_column_names[TN_COLUMN_COUNT];

#define TN_OP_BIRTH         0x01u
#define TN_OP_THREAD        0x02u /* another thread than the previous event's */
#define TN_OP_LINK          0x04u /* birth: it has a previous block; death: born in this chunk */
#define TN_OP_FUNCTION_BIT  3
#define TN_OP_FUNCTION_MASK 0x1fu

_Static_assert(TN_FUNCTION_COUNT <= TN_OP_FUNCTION_MASK + 1, "a function's code fits the op byte");

/* A row of `chunk`, but for its id. */
struct tn_chunk {
    uint64_t process_id;
    uint64_t first_id, last_id; /* of births; 0: none */
    uint64_t first_ns, last_ns;
    uint64_t births, deaths;
    uint64_t reallocs;                  /* births with a previous block */
    uint64_t birth_bytes, usable_bytes; /* asked for and got by the births */
    const char *codec;                  /* text; ends with NUL */
    uint64_t checksum;                  /* tn_chunk_checksum of data */
    const uint8_t *data;
    size_t data_bytes;
};

/* What one stack did last in this chunk. */
struct tn_predict_stack {
    uint64_t id;
    uint64_t size_bytes, depth_bytes;
    uint32_t next; /* index of the stack of the event that followed this stack's last one */
};

#define TN_EXCESS_SLOTS 1024u
#define TN_REUSE_BINS   256u
#define TN_REUSE_WAYS   8u

/* What both sides know after each event of a chunk. */
struct tn_predict {
    struct tn_predict_stack *stacks; /* in order of their first event */
    uint32_t stack_count, stack_capacity;
    uint32_t last_stack;    /* index; of the previous event */
    uint64_t last_stack_id; /* the last one that was new */
    uint64_t last_thread_id;
    uint64_t last_ns;
    uint64_t last_id;                             /* of the last birth */
    uint64_t last_old_id;                         /* of the last death of an older block */
    uint64_t last_address;                        /* of the last birth */
    uint32_t last_aligned;                        /* births up to the last one with an alignment */
    uint64_t excess_bytes[TN_EXCESS_SLOTS];       /* by size; see tn_excess_slot */
    uint64_t freed[TN_REUSE_BINS][TN_REUSE_WAYS]; /* addresses of this chunk's dead, by usable size */
    uint8_t freed_top[TN_REUSE_BINS];             /* next place to fill; the one before is the latest */
};

/* Begin a chunk. Keeps the memory. */
void tn_predict_reset(struct tn_predict *predict, uint64_t first_ns, uint64_t first_id);

/* Add a stack that this chunk has not seen. Returns 0 or -ENOMEM. */
int tn_predict_add_stack(struct tn_predict *predict, uint64_t id);

/* Release the memory. */
void tn_predict_finish(struct tn_predict *predict);

/* The excess of a block follows from its size: in most allocators from the size modulo 16, but for small
 * ones. */
static inline uint32_t tn_excess_slot(uint64_t size_bytes)
{
    uint32_t large = TN_EXCESS_SLOTS - 16;
    return size_bytes < large ? (uint32_t)size_bytes : large + (uint32_t)(size_bytes & 15);
}

static inline uint32_t tn_reuse_bin(uint64_t usable_size_bytes)
{
    return (uint32_t)(usable_size_bytes >> 4 ^ usable_size_bytes >> 12) & (TN_REUSE_BINS - 1);
}

/* The address that a birth of this usable size gets if its allocator hands out what was freed last: 0 when
 * nothing is known. */
static inline uint64_t tn_predict_address(const struct tn_predict *predict, uint64_t usable_size_bytes)
{
    uint32_t bin = tn_reuse_bin(usable_size_bytes);
    return predict->freed[bin][(predict->freed_top[bin] - 1u) % TN_REUSE_WAYS];
}

/* A birth took the predicted address: forget it. */
static inline void tn_predict_take(struct tn_predict *predict, uint64_t usable_size_bytes)
{
    uint32_t bin = tn_reuse_bin(usable_size_bytes);
    uint32_t top = (predict->freed_top[bin] - 1u) % TN_REUSE_WAYS;
    predict->freed[bin][top] = 0;
    predict->freed_top[bin] = (uint8_t)top;
}

/* A block that was born in this chunk died. */
static inline void tn_predict_release(struct tn_predict *predict, uint64_t usable_size_bytes,
                                      uint64_t address)
{
    uint32_t bin = tn_reuse_bin(usable_size_bytes);
    predict->freed[bin][predict->freed_top[bin]] = address;
    predict->freed_top[bin] = (uint8_t)((predict->freed_top[bin] + 1u) % TN_REUSE_WAYS);
}

/* An address that is not as predicted: even codes from 2 for a distance from the last birth's address in
 * units of 16 bytes, odd codes for one in bytes. Addresses are below 2^56. */
static inline uint64_t tn_address_code(uint64_t address, uint64_t last_address)
{
    int64_t distance = (int64_t)(address - last_address);
    if (distance % 16 == 0)
        return (tn_zigzag(distance / 16) + 1) << 1;
    return tn_zigzag(distance) << 1 | 1;
}

/* The inverse of tn_address_code, for code != 0. */
static inline uint64_t tn_address_of(uint64_t code, uint64_t last_address)
{
    if ((code & 1) != 0)
        return last_address + (uint64_t)tn_unzigzag(code >> 1);
    return last_address + (uint64_t)tn_unzigzag((code >> 1) - 1) * 16;
}

/* The checksum of a chunk's data: finds damage that zstd and the counts do not. */
uint64_t tn_chunk_checksum(const uint8_t *data, size_t data_bytes);

#endif
