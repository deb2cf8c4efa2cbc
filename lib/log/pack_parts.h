/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_PACK_PARTS_H
#define TN_LOG_PACK_PARTS_H

/* What a chunk in the making consists of: pack.c codes events into it, seal.c makes a row of it. */

#include "pack.h"
#include "predict.h"

/* A column in the making. */
struct tn_column_out {
    uint8_t *low;          /* owned; room for two numbers an event */
    uint8_t *low_end;      /* behind the last one */
    uint32_t bit_count;    /* of bits, below 8 */
    uint64_t bits;         /* the last, incomplete byte of a TN_WIDE_BITS column */
    struct tn_buffer wide; /* what did not fit into the bytes */
};

/* Whose birth it was. */
struct tn_packed_owner {
    uint32_t actor;  /* index of the thread */
    uint32_t number; /* births of that thread before it */
};

/* Where a place is found again by what it is. */
struct tn_place_slot {
    uint32_t hash;
    uint32_t index_1; /* its index in the chunk + 1; 0: empty */
};

#define TN_PACK_ACTORS 1024u /* a power of two */

struct tn_pack {
    uint64_t process_id;
    uint64_t first_ns, first_id;
    uint64_t birth_bytes, usable_bytes;
    uint64_t realloc_count;
    uint64_t last_id; /* of the last birth, in this chunk or before; no death can be of a higher id */
    uint32_t event_count, birth_count;
    uint32_t event_room;     /* events up to which nothing has to be prepared; 0: not even the chunk */
    uint32_t event_capacity; /* room in every column for that many events */
    int error;               /* -ENOMEM once something could not grow; the chunk is lost */
    bool has_gaps;           /* the ids of this chunk's births do not follow each other */
    struct tn_column_out columns[TN_COLUMN_COUNT];
    /* Of this chunk's births, in order; owned. They are read at random, where they are written at all. */
    struct tn_packed_owner *owners; /* written only once there are several threads */
    uint64_t *ids;                  /* written only once there are gaps */
    struct tn_place_slot *slots;    /* owned; hash of the places of this chunk */
    uint32_t slot_bits;
    uint32_t actors_1[TN_PACK_ACTORS]; /* by thread id: index + 1; a hint */
    struct tn_predict predict;
    struct tn_buffer data, codec; /* of the last sealed chunk */
};

/* Forget the events. */
void tn_pack_begin(struct tn_pack *pack);

#endif
