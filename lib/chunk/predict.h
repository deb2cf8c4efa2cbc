/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_PREDICT_H
#define TN_CHUNK_PREDICT_H

/* What packing and unpacking both know after each event of a chunk, and what they predict of the next one.
 * Every function here must compute the same on both sides; docs/log-format.md has all of them in words.
 *
 * A context is what an event shares with most others of its stack: stack, depth, function, and whether it is
 * a birth. Programs go from context to context along paths that they have taken before. A thread mostly gets
 * the address that it released last, because allocators hand out what is in the cache. */

#include "columns.h"

#include "tenure/base.h"
#include "tenure/log_event.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TN_EXCESS_SLOTS  1024u
#define TN_EXCESS_SMALL  (TN_EXCESS_SLOTS - 16) /* sizes below have a slot each */
#define TN_GUESS_BITS    14
#define TN_RELEASED_BINS 512u
#define TN_RELEASED_WAYS 8u

/* An op that no event has. */
#define TN_OP_NONE 0xffu

/* A context, and what was last seen in it. One cache line. */
struct tn_context {
    alignas(64) uint64_t depth_bytes;
    union {
        struct {
            uint64_t size_bytes, alignment_bytes; /* of the last birth */
            bool is_grown;                        /* realloc made it of a previous block */
        };
        struct {
            uint64_t births_since; /* births of its source during the life of the last block that died here */
            int64_t rank, step;    /* of that block; and its distance from the rank before */
        };
    };
    uint32_t stack_id;
    uint32_t next; /* index of the context that its thread went to next, last time */
    uint8_t op;    /* TN_OP_* */
    uint16_t pace; /* tn_predict_pace of the times since the previous event; TN_PACE_NONE: no event yet */
};

/* A thread with events in this chunk. */
struct tn_actor {
    uint64_t id;
    uint64_t last_end;     /* address behind the last block that it allocated and its header; 0: none */
    uint64_t last_dead_id; /* id of the block that it released last; 0: none */
    uint32_t context;      /* index of the context of its latest event */
    uint32_t before;       /* index of the context of the event before that */
    uint32_t source; /* index of the thread that allocated the block it released last; at first its own */
    uint32_t births; /* of blocks in this chunk */
};

struct tn_predict {
    /* what each event changes: one cache line */
    uint64_t last_ns;     /* of the previous event */
    uint64_t last_id;     /* of the previous birth; at first base_id */
    uint64_t address_sum; /* tn_predict_sum over the births so far */
    /* what few events change */
    uint64_t base_id; /* the highest id that was given before this chunk */
    struct tn_context
        *contexts; /* owned; in order of their first event; the first is TN_OP_NONE until there is one */
    struct tn_actor *actors; /* owned; threads in order of their first event; room for one at least */
    uint32_t context_count, context_capacity;
    uint32_t actor_count, actor_capacity;
    uint32_t actor; /* index of the previous event's thread */
    uint64_t last_new_thread_id, last_new_depth;
    uint32_t last_new_stack_id;
    uint64_t excess_bytes[TN_EXCESS_SLOTS]; /* by size */
    /* Addresses that were released in this chunk, 0: none, by bin. One more bin takes what nobody will ask
     * for. */
    uint64_t released[TN_RELEASED_BINS + 1][TN_RELEASED_WAYS];
    uint8_t released_top[TN_RELEASED_BINS + 1]; /* next slot to fill; the one before is the latest */
    uint32_t guess_1[1u << TN_GUESS_BITS];      /* by two contexts: index + 1 of the next; 0: not known */
};

/* Begin a chunk: forget everything, keep the memory. Returns 0 or -ENOMEM. */
int tn_predict_begin(struct tn_predict *predict, uint64_t first_ns, uint64_t base_id);

/* Add a context, or a thread, that this chunk has not seen. Return 0 or -ENOMEM. */
int tn_predict_add_context(struct tn_predict *predict, uint32_t stack_id, uint64_t depth_bytes, uint8_t op);
int tn_predict_add_actor(struct tn_predict *predict, uint64_t thread_id);

/* Release the memory. */
void tn_predict_finish(struct tn_predict *predict);

/* The slot with the guess for the context that follows a thread's two latest ones. */
static inline uint32_t *tn_predict_guess(struct tn_predict *predict, const struct tn_actor *actor)
{
    uint32_t hash = actor->before * UINT32_C(0x9e3779b1) + actor->context * UINT32_C(0x85ebca77);
    return &predict->guess_1[hash >> (32 - TN_GUESS_BITS)];
}

/* The index of the context that is predicted of a thread; one that is not there while there are none. */
static inline uint32_t tn_predict_context(const struct tn_predict *predict, const struct tn_actor *actor,
                                          const uint32_t *guess_1)
{
    return *guess_1 != 0 ? *guess_1 - 1 : predict->contexts[actor->context].next;
}

/* An event of the thread has a context; last is the context of its previous event. */
static inline void tn_predict_move(struct tn_actor *actor, struct tn_context *last, uint32_t *guess_1,
                                   uint32_t context)
{
    uint32_t before = actor->context;
    *guess_1 = context + 1;
    last->next = context;
    actor->before = before;
    actor->context = context;
}

/* Paces are in eighths of an octave of nanoseconds. */
#define TN_PACE_NONE (64u * 8u)

extern const uint8_t tn_time_classes[TN_PACE_NONE / 8 + 1]; /* by octave */
extern const uint8_t tn_time_levels[TN_BITS_DIRECT];        /* of short steps */

/* The column for the time of an event in a context; kind: TN_OP_BIRTH or 0. What came slowly before comes
 * slowly again: each class has a distribution of its own, for which zstd makes a code of its own. */
static inline enum tn_column tn_predict_time_column(const struct tn_context *context, uint32_t kind)
{
    return (enum tn_column)(TN_COLUMN_TIME + kind * TN_TIME_CLASSES + tn_time_classes[context->pace / 8]);
}

/* A time as a pace: the octave, and the three bits below the highest one. 0 is taken for 1. */
static inline uint32_t tn_predict_level(uint64_t step_ns)
{
    if (step_ns < TN_BITS_DIRECT)
        return tn_time_levels[step_ns];
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(step_ns);
    return octave * 8 + (uint32_t)(step_ns >> (octave - 3) & 7);
}

/* An event came after a time of that level: the new pace is the mean of the old one and that. */
static inline void tn_predict_pace(struct tn_context *context, uint32_t level)
{
    uint32_t mean = (context->pace + level) / 2;
    context->pace = (uint16_t)(context->pace != TN_PACE_NONE ? mean : level);
}

/* A block died in this context. */
static inline void tn_predict_die(struct tn_context *context, uint64_t births_since, int64_t rank)
{
    context->births_since = births_since;
    context->step = (int64_t)((uint64_t)rank - (uint64_t)context->rank);
    context->rank = rank;
}

/* Where the excess of a size is kept. In most allocators the excess follows from the size modulo 16; small
 * sizes have slots of their own. */
static inline uint64_t *tn_predict_excess(struct tn_predict *predict, uint64_t size_bytes)
{
    uint64_t slot = size_bytes < TN_EXCESS_SMALL ? size_bytes : TN_EXCESS_SMALL + size_bytes % 16;
    return &predict->excess_bytes[slot];
}

/* The bin for released blocks of a size class. Threads differ, as allocators keep a cache for each. */
static inline uint32_t tn_predict_bin(uint32_t size_class, uint32_t actor)
{
    return (size_class ^ actor * 67) % TN_RELEASED_BINS;
}

/* The address that was released last into a bin; 0: none. */
static inline uint64_t tn_predict_address(const struct tn_predict *predict, uint32_t bin)
{
    return predict->released[bin][(predict->released_top[bin] - 1u) % TN_RELEASED_WAYS];
}

/* A birth took that address: forget it. */
static inline void tn_predict_take(struct tn_predict *predict, uint32_t bin)
{
    uint32_t top = (predict->released_top[bin] - 1u) % TN_RELEASED_WAYS;
    predict->released[bin][top] = 0;
    predict->released_top[bin] = (uint8_t)top;
}

/* A block of this chunk died: its address goes into a bin. */
static inline void tn_predict_release(struct tn_predict *predict, uint32_t bin, uint64_t address)
{
    predict->released[bin][predict->released_top[bin]] = address;
    predict->released_top[bin] = (uint8_t)((predict->released_top[bin] + 1u) % TN_RELEASED_WAYS);
}

/* Where an allocator would cut off the next block behind this one: 8 bytes of header, and multiples of 16. */
static inline uint64_t tn_predict_end(uint64_t address, uint64_t usable_size_bytes)
{
    return address + usable_size_bytes + 8;
}

/* All addresses of a chunk in one number. The packer is told them; the reader predicts many of them, from the
 * births alone. Where a prediction went wrong, the sums differ. */
static inline uint64_t tn_predict_sum(uint64_t sum, uint64_t address)
{
    return sum * 3 + address;
}

#endif
