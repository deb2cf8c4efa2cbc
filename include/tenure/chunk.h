/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CHUNK_H
#define TENURE_CHUNK_H

/* Packed runs of events, in both directions: the recorder's writer appends births and deaths to a tn_pack,
 * which is compressed to a chunk; a tn_unpack gives the events of a chunk back. lib/log stores chunks as rows
 * of the table `chunk`; nothing here knows SQLite. docs/log-format.md describes every byte. Each object
 * belongs to one thread at a time. */

#include "tenure/base.h"
#include "tenure/log_event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_CHUNK_EVENTS_MAX   (128u * 1024u)  /* events that a writer puts into a chunk */
#define TN_CHUNK_EVENTS_LIMIT (1024u * 1024u) /* births, and deaths, that a reader accepts in one */

/* A row of `chunk`, but for its id. */
struct tn_chunk {
    uint64_t process_id;   /* row of `process` */
    uint64_t first_id;     /* allocation id of the first birth; 0: no births */
    uint64_t last_id;      /* allocation id of the last birth; 0: no births */
    uint64_t first_ns;     /* time of the first event, ns since the log's start */
    uint64_t last_ns;      /* time of the last event */
    uint64_t births;       /* events that are births */
    uint64_t deaths;       /* events that are deaths */
    uint64_t reallocs;     /* births with a previous block */
    uint64_t birth_bytes;  /* asked for by the births */
    uint64_t usable_bytes; /* sum of the births' usable sizes */
    const char *codec;     /* which columns there are, and how each is compressed; ends with NUL */
    uint64_t checksum;     /* tn_chunk_checksum of data */
    const uint8_t *data;   /* the compressed columns */
    size_t data_bytes;     /* size of data */
};

/* The checksum of a chunk's data. Finds damage that neither zstd nor the counts reveal.
 *
 * Returns  the checksum of data_bytes bytes, the same on every processor */
uint64_t tn_chunk_checksum(const uint8_t *data, size_t data_bytes);

/* ---------------------------------------------------------------------------------------- packing */

/* The state of the compressor: one serves the packs of all processes, one after the other. */
struct tn_compressor;

/* Make a compressor.
 *
 * Returns  NULL: no memory
 * Owns     the caller owns it; tn_compressor_destroy releases it */
struct tn_compressor *tn_compressor_create(void);

/* Release a compressor. NULL is fine. */
void tn_compressor_destroy(struct tn_compressor *compressor);

/* The open chunk of one process. */
struct tn_pack;

/* What an open chunk holds so far. */
struct tn_pack_totals {
    uint32_t events;      /* births and deaths */
    uint32_t births;      /* events that are births */
    uint64_t birth_bytes; /* asked for by the births */
};

/* Open a chunk for the events of a process.
 *
 * process_id  row of `process`
 * Returns     NULL: no memory
 * Owns        the caller owns it; tn_pack_destroy releases it
 * Cost        memory: some 180 KB, and up to 90 bytes an event of the largest chunk */
struct tn_pack *tn_pack_create(uint64_t process_id);

/* Use a pack that has no events for another process.
 *
 * last_id  no higher id was given to any process */
void tn_pack_assign(struct tn_pack *pack, uint64_t process_id, uint64_t last_id);

/* Release a pack and the events in it. NULL is fine. */
void tn_pack_destroy(struct tn_pack *pack);

/* Events in the open chunk, up to TN_CHUNK_EVENTS_MAX if the caller compresses in time. */
uint32_t tn_pack_count(const struct tn_pack *pack);

/* What the open chunk holds. */
struct tn_pack_totals tn_pack_totals(const struct tn_pack *pack);

/* State which ids other processes have taken, before the first event of a chunk: no id above last_id has been
 * given. Does nothing when the chunk has events, or knows a higher id from its own births. */
void tn_pack_know_ids(struct tn_pack *pack, uint64_t last_id);

/* Append a birth.
 *
 * birth    borrowed during the call; its time may be below the previous event's, and is then taken as equal
 * id       of the allocation; higher than the previous birth's
 * Returns  0; -EINVAL when a field is out of the range that log_event.h states (nothing was appended);
 *          -ENOMEM, after which the chunk is lost
 * Cost     10 to 30 ns, depending on how much of the birth was predicted */
int tn_pack_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id);

/* Append a death.
 *
 * death    borrowed during the call; its time as for tn_pack_birth
 * Returns  as tn_pack_birth; -EINVAL also for an id that was not given before
 * Cost     as tn_pack_birth */
int tn_pack_death(struct tn_pack *pack, const struct tn_death *death);

/* Append births and deaths in order: the same as many calls of the two functions above, and faster.
 *
 * events   count of them, borrowed during the call
 * next_id  the id that the first birth among them must have; the others follow without gaps
 * Returns  as tn_pack_birth; the events before a refused one have been appended (tn_pack_totals tells how
 *          many) */
int tn_pack_batch(struct tn_pack *pack, const struct tn_plain_event *events, uint32_t count,
                  uint64_t next_id);

/* Compress the open chunk, and begin a new one.
 *
 * ret_chunk  written on success; borrowed from pack until its next event or compression
 * Returns    0; -ENODATA when there is no event; -ENOMEM, after which the chunk is lost
 * Cost       some milliseconds for a full chunk */
int tn_pack_compress(struct tn_pack *pack, struct tn_compressor *compressor, struct tn_chunk *ret_chunk);

/* ---------------------------------------------------------------------------------------- unpacking */

/* The reader of chunks. A chunk may come from a damaged file: everything in it is checked before it is
 * used. */
struct tn_unpack;

/* Make a reader.
 *
 * Returns  NULL: no memory
 * Owns     the caller owns it; tn_unpack_destroy releases it
 * Cost     memory: some 110 KB, and of the largest chunk its columns and 16 bytes a birth */
struct tn_unpack *tn_unpack_create(void);

/* Release a reader. NULL is fine. */
void tn_unpack_destroy(struct tn_unpack *unpack);

/* Begin a chunk: check and decompress it. A chunk that was being read is left.
 *
 * chunk    borrowed during the call
 * Returns  0; -ENOMEM; -EBADMSG when it is damaged */
int tn_unpack_open(struct tn_unpack *unpack, const struct tn_chunk *chunk);

/* The next events of the chunk.
 *
 * ret_events  room for `capacity` of them, which is not 0
 * Returns     how many were written; 0 at the end; -EBADMSG, -ENOMEM after all events before the failure, and
 *             on every later call
 * Cost        about 20 ns an event */
int tn_unpack_read(struct tn_unpack *unpack, struct tn_log_event *ret_events, uint32_t capacity);

/* Begin a chunk of which only the births are wanted, read by tn_unpack_read_births.
 *
 * has_times  else they are not decompressed
 * chunk      as tn_unpack_open, and so the result */
int tn_unpack_open_births(struct tn_unpack *unpack, const struct tn_chunk *chunk, bool has_times);

/* The next births of a chunk that tn_unpack_open_births began; deaths are passed over.
 *
 * ret_events  room for `capacity` of them, which is not 0. address, previous_id and left_depth_bytes are 0,
 *             and without has_times time_ns is
 * Returns     as tn_unpack_read; a birth before the failure may be missing
 * Cost        about 8 ns an event of the chunk, 11 with times */
int tn_unpack_read_births(struct tn_unpack *unpack, struct tn_log_event *ret_events, uint32_t capacity);

/* Whether all events of the chunk have been read. */
bool tn_unpack_is_done(const struct tn_unpack *unpack);

/* Count how often each stack of a chunk called each function, and with which sizes, without unpacking the
 * events. Begins and ends a chunk.
 *
 * chunk    borrowed during the call
 * see      called for each stack and function, in no order; the same ones may come more than once, and add
 *          up. It returns 0, or a negative errno that ends the walk
 * context  handed to see
 * Returns  0; what see returned; -ENOMEM; -EBADMSG when the chunk is damaged, and nothing was counted
 * Cost     about 8 ns an event, a third of unpacking */
int tn_unpack_counts(struct tn_unpack *unpack, const struct tn_chunk *chunk,
                     int (*see)(void *context, const struct tn_stack_usage *usage), void *context);

#endif
