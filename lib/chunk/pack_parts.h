/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_PACK_PARTS_H
#define TN_CHUNK_PACK_PARTS_H

/* An open chunk, as the files that pack see it: pack.c has its memory and its threads, context_index.c finds
 * contexts, pack_events.c and pack_batch.c encode events, compress.c makes a row of it. */

#include "columns.h"
#include "predict.h"

#include "tenure/chunk.h"

#include <stdalign.h>

/* A column of an open chunk. A column that gets exactly one number for every event, birth or death needs no
 * low_end: it follows from the counts (tn_pack_context_end and others), which spares the predicted event a
 * store. */
struct tn_column_out {
    alignas(64) uint8_t *low; /* owned; room for two numbers an event */
    uint8_t *low_end;         /* behind the last one; not for TN_COLUMN_CONTEXT, _BIRTH and _DEATH */
    uint8_t *wide;            /* owned; what did not fit into the bytes */
    uint8_t *wide_end;        /* behind the last full byte */
    uint8_t *wide_limit;      /* up to there one more number fits; NULL: no memory yet */
    uint64_t bits;            /* the last, incomplete byte of a TN_WIDE_BITS column */
    uint32_t bit_count;       /* of bits, below 8 */
    /* of compress.c, kept from chunk to chunk */
    uint8_t chunks_to_trial; /* until both ways to compress are tried again */
    uint8_t trial_chunks;    /* what chunks_to_trial began with */
    bool is_noise;           /* nothing repeats: not searched for matches */
};

/* Who allocated a block. */
struct tn_packed_owner {
    uint32_t actor;  /* index of the thread */
    uint32_t number; /* births of that thread before it */
};

/* A slot of the hash of contexts. */
struct tn_context_slot {
    uint32_t hash;
    uint32_t index_1; /* its index in the chunk + 1; 0: empty */
};

#define TN_PACK_ACTORS 1024u  /* a power of two */
#define TN_PACK_HINTS  16384u /* a power of two */

struct tn_pack {
    uint64_t process_id;
    uint64_t first_ns, first_id;
    uint64_t last_id; /* the highest id that is known to have been given before this chunk */
    uint64_t realloc_count;
    uint32_t context_extra;  /* numbers in TN_COLUMN_CONTEXT beyond one an event */
    uint32_t death_extra;    /* in TN_COLUMN_DEATH, beyond one a death */
    uint32_t event_capacity; /* room in every column for that many events */
    int error;               /* -ENOMEM once something could not grow; the chunk is lost */
    bool has_gaps;           /* the ids of this chunk's births do not follow each other */
    struct tn_column_out columns[TN_COLUMN_COUNT];
    /* Of this chunk's births, in order; owned. They are read at random, so they are written only where
     * needed. */
    struct tn_packed_owner *owners; /* written only once there are several threads */
    uint64_t *ids;                  /* written only once there are gaps */
    struct tn_context_slot *slots;  /* owned; hash of the contexts of this chunk */
    uint32_t slot_bits;
    uint32_t hints[TN_PACK_HINTS];     /* indices of contexts, by tn_pack_hint */
    uint32_t actors_1[TN_PACK_ACTORS]; /* by thread id: index + 1; a hint, which may be wrong */
    struct tn_buffer data, codec;      /* of the last chunk that was compressed */
    /* What each event changes: one cache line, together with the first members of predict. */
    alignas(64) uint64_t birth_bytes;
    uint64_t usable_bytes;
    uint32_t event_count, birth_count;
    uint32_t event_room; /* events up to which nothing has to be prepared; 0: not even the chunk */
    bool is_plain; /* one thread, and births with consecutive ids from base_id + 1 on, so that the rank of a
                      block follows from its id; tn_actor.births is not kept then: it is birth_count */
    struct tn_actor *actor; /* in predict: of the previous event */
    struct tn_predict predict;
};

/* Forget the events. */
void tn_pack_begin(struct tn_pack *pack);

/* Call before an event when event_count is event_room: begins the chunk, or makes room in it. Returns 0 or
 * -ENOMEM. */
int tn_pack_prepare(struct tn_pack *pack, uint64_t time_ns);

/* The next event is another thread's. */
void tn_pack_switch_actor(struct tn_pack *pack, uint64_t thread_id);

/* The slot that probably has the index of an event's context; 0 where nothing is known. */
static inline uint32_t *tn_pack_hint(struct tn_pack *pack, uint64_t stack_id, uint32_t op)
{
    return &pack->hints[(stack_id * 2 + (op & TN_OP_BIRTH)) % TN_PACK_HINTS];
}

/* The index of a context, which is added at first sight. When memory runs out, pack->error says so, and the
 * index is of some other context. */
uint32_t tn_pack_find_context(struct tn_pack *pack, uint32_t stack_id, uint64_t depth_bytes, uint8_t op);

/* Keep ids and births for each thread from now on. */
void tn_pack_leave_plain(struct tn_pack *pack);

/* Where the next number of the columns without low_end goes. */
static inline uint8_t *tn_pack_context_end(const struct tn_pack *pack)
{
    return pack->columns[TN_COLUMN_CONTEXT].low + pack->event_count + pack->context_extra;
}

static inline uint8_t *tn_pack_birth_end(const struct tn_pack *pack)
{
    return pack->columns[TN_COLUMN_BIRTH].low + pack->birth_count;
}

static inline uint8_t *tn_pack_death_end(const struct tn_pack *pack)
{
    return pack->columns[TN_COLUMN_DEATH].low + (pack->event_count - pack->birth_count) + pack->death_extra;
}

/* Whether a context is that of an event. One branch: which of the three differs cannot be predicted. */
static inline bool tn_pack_is_at(const struct tn_context *context, uint64_t stack_id, uint64_t depth_bytes,
                                 uint32_t op)
{
    return ((context->stack_id ^ stack_id) | (context->depth_bytes ^ depth_bytes) | (context->op ^ op)) == 0;
}

#endif
