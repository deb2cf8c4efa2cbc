/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_PREDICT_H
#define TN_CHUNK_PREDICT_H

/* What packing and unpacking both know after each event of a chunk, and expect of the next one. Each function
 * here must give the same on both sides: docs/log-format.md has all of them in words.
 *
 * A context is what an event has in common with most others of its stack: stack, depth, function, birth or
 * death. Programs walk from context to context in paths that they have taken before. A thread allocates what
 * it released last, as allocators hand out what is in the cache. */

#include "columns.h"

#include "tenure/base.h"
#include "tenure/log_event.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TN_EXCESS_SLOTS  1024u
#define TN_EXCESS_SMALL  (TN_EXCESS_SLOTS - 16) /* sizes below have a slot of their own */
#define TN_GUESS_BITS    14
#define TN_RELEASED_BINS 512u
#define TN_RELEASED_WAYS 8u

/* What no event has. */
#define TN_OP_NONE 0xffu

/* A context, and what was last seen there. One cache line. */
struct tn_context {
    alignas(64) uint64_t depth_bytes;
    union {
        struct {
            uint64_t size_bytes, alignment_bytes; /* of the last birth */
            bool is_grown;                        /* it had a previous block */
        };
        struct {
            uint64_t births_since; /* of the source of the last block that died, up to then */
            int64_t rank, step;    /* its rank, and the difference to the one before */
        };
    };
    uint32_t stack_id;
    uint32_t next; /* index of the context that its thread went to from here last */
    uint8_t op;    /* TN_OP_* */
    uint16_t pace; /* of the steps of time to its events: tn_predict_pace; TN_PACE_NONE: none yet */
};

/* A thread that had events in this chunk. */
struct tn_actor {
    uint64_t id;
    uint64_t last_end;     /* address behind its last birth and its allocator's header; 0: none */
    uint64_t last_dead_id; /* of the block that it released last; 0: none */
    uint32_t context;      /* index of its last event's context */
    uint32_t before;       /* of the one before */
    uint32_t source;       /* index of the thread whose block it released last; at first its own */
    uint32_t births;       /* in this chunk */
};

struct tn_predict {
    /* what each event changes, in one cache line */
    uint64_t last_ns;     /* of the previous event */
    uint64_t last_id;     /* of the previous birth; at first base_id */
    uint64_t address_sum; /* of the births so far */
    /* what few events change */
    uint64_t base_id; /* the highest id that was given before this chunk */
    struct tn_context
        *contexts; /* owned; in order of their first event; the first is TN_OP_NONE until there is one */
    struct tn_actor *actors; /* owned; threads in order of their first event; room for one at least */
    uint32_t context_count, context_capacity;
    uint32_t actor_count, actor_capacity;
    uint32_t actor; /* index; of the previous event's thread */
    uint64_t last_new_thread_id, last_new_depth;
    uint32_t last_new_stack_id;
    uint64_t excess_bytes[TN_EXCESS_SLOTS]; /* by size */
    /* Addresses of this chunk's dead, 0: none; and what nobody asks for, in a bin behind the last. */
    uint64_t released[TN_RELEASED_BINS + 1][TN_RELEASED_WAYS];
    uint8_t released_top[TN_RELEASED_BINS + 1]; /* next context to fill; the one before is the latest */
    uint32_t guess_1[1u << TN_GUESS_BITS]; /* by two contexts: index + 1 of the one that followed; 0: none */
};

/* Begin a chunk. Keeps the memory. Returns 0 or -ENOMEM. */
int tn_predict_begin(struct tn_predict *predict, uint64_t first_ns, uint64_t base_id);

/* Add a context, or a thread, that this chunk has not seen. Return 0 or -ENOMEM. */
int tn_predict_add_context(struct tn_predict *predict, uint32_t stack_id, uint64_t depth_bytes, uint8_t op);
int tn_predict_add_actor(struct tn_predict *predict, uint64_t thread_id);

/* Release the memory. */
void tn_predict_finish(struct tn_predict *predict);

/* Where the guess for the context after two contexts stands. */
static inline uint32_t *tn_predict_guess(struct tn_predict *predict, const struct tn_actor *actor)
{
    uint32_t hash = actor->before * UINT32_C(0x9e3779b1) + actor->context * UINT32_C(0x85ebca77);
    return &predict->guess_1[hash >> (32 - TN_GUESS_BITS)];
}

/* The context that is expected of a thread. Its index may be one that is not there while there are none. */
static inline uint32_t tn_predict_context(const struct tn_predict *predict, const struct tn_actor *actor,
                                          const uint32_t *guess_1)
{
    return *guess_1 != 0 ? *guess_1 - 1 : predict->contexts[actor->context].next;
}

/* An event of the thread stands at a context; last is that of its previous event. */
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

/* The column for the time of an event at a context; kind: TN_OP_BIRTH or 0. What followed slowly before does
 * so again: each class has a distribution of its own, and zstd a code for each. */
static inline enum tn_column tn_predict_time_column(const struct tn_context *context, uint32_t kind)
{
    return (enum tn_column)(TN_COLUMN_TIME + kind * TN_TIME_CLASSES + tn_time_classes[context->pace / 8]);
}

/* A step as a pace: the octave, and the three bits below the highest one. 0 is taken for 1. */
static inline uint32_t tn_predict_level(uint64_t step_ns)
{
    if (step_ns < TN_BITS_DIRECT)
        return tn_time_levels[step_ns];
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(step_ns);
    return octave * 8 + (uint32_t)(step_ns >> (octave - 3) & 7);
}

/* An event came after a step of that level: the context's pace is the mean of what it was and that. */
static inline void tn_predict_pace(struct tn_context *context, uint32_t level)
{
    uint32_t mean = (context->pace + level) / 2;
    context->pace = (uint16_t)(context->pace != TN_PACE_NONE ? mean : level);
}

/* A block died here. */
static inline void tn_predict_die(struct tn_context *context, uint64_t births_since, int64_t rank)
{
    context->births_since = births_since;
    context->step = (int64_t)((uint64_t)rank - (uint64_t)context->rank);
    context->rank = rank;
}

/* The excess of a block follows from its size: in most allocators from the size modulo 16, but for small
 * ones. */
static inline uint64_t *tn_predict_excess(struct tn_predict *predict, uint64_t size_bytes)
{
    uint64_t slot = size_bytes < TN_EXCESS_SMALL ? size_bytes : TN_EXCESS_SMALL + size_bytes % 16;
    return &predict->excess_bytes[slot];
}

/* The released blocks of a size class; the thread's own are apart. */
static inline uint32_t tn_predict_bin(uint32_t size_class, uint32_t actor)
{
    return (size_class ^ actor * 67) % TN_RELEASED_BINS;
}

/* The address in a bin that was released last; 0 when nothing is known. */
static inline uint64_t tn_predict_address(const struct tn_predict *predict, uint32_t bin)
{
    return predict->released[bin][(predict->released_top[bin] - 1u) % TN_RELEASED_WAYS];
}

/* A birth took it: forget it. */
static inline void tn_predict_take(struct tn_predict *predict, uint32_t bin)
{
    uint32_t top = (predict->released_top[bin] - 1u) % TN_RELEASED_WAYS;
    predict->released[bin][top] = 0;
    predict->released_top[bin] = (uint8_t)top;
}

/* A block that was born in this chunk died. */
static inline void tn_predict_release(struct tn_predict *predict, uint32_t bin, uint64_t address)
{
    predict->released[bin][predict->released_top[bin]] = address;
    predict->released_top[bin] = (uint8_t)((predict->released_top[bin] + 1u) % TN_RELEASED_WAYS);
}

/* Where the next block would be that is cut off behind this one: 8 bytes of header, and multiples of 16. */
static inline uint64_t tn_predict_end(uint64_t address, uint64_t usable_size_bytes)
{
    return address + usable_size_bytes + 8;
}

/* All addresses of a chunk in one number: who packs takes them from the births and from the deaths, who
 * unpacks from the births alone. Where the two would differ, the sums do. */
static inline uint64_t tn_predict_sum(uint64_t sum, uint64_t address)
{
    return sum * 3 + address;
}

#endif
