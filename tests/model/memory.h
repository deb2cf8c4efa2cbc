/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MODEL_MEMORY_H
#define TENURE_MODEL_MEMORY_H

/* The memory of a scene: what all see, and what waits in each thread's store buffer. While a thread runs, the
 * real memory shows what that thread sees. Used by machine.c. */

#include "model.h"

#define MEMORY_STORES_MAX     24
#define MEMORY_SNAPSHOT_BYTES 4096

/* A store that only its own thread sees yet. */
struct memory_store {
    volatile char *at;
    uint64_t value;
    uint64_t ticks; /* when it was made */
    uint8_t size_bytes;
    bool is_plain, is_release;
    bool is_held; /* by a planted fault: it does not become visible yet */
};

/* Stores in the order in which they were made. */
struct memory_buffer {
    struct memory_store stores[MEMORY_STORES_MAX];
    int count;
};

/* Take the regions' present content as the first state, for memory_begin. */
void memory_take_initial(void);

/* The first state, nothing waits anywhere. */
void memory_begin(void);

/* Keep what all see, and the scene's notes, in MEMORY_SNAPSHOT_BYTES; and bring it back. */
void memory_save(char *to);
void memory_restore(const char *from);

/* Show a thread's view in the real memory, and take it away again: what has changed by plain stores meanwhile
 * goes to the buffer. */
void memory_enter(struct memory_buffer *buffer);
void memory_leave(struct memory_buffer *buffer, uint64_t ticks);

/* In between: an atomic store, to the buffer or, past it, to everybody. */
void memory_store_later(struct memory_buffer *buffer, struct memory_store store);
void memory_store_now(volatile void *at, size_t size_bytes, uint64_t value);
uint64_t memory_read(const volatile void *at, size_t size_bytes);

/* Whether store `index` may become visible by itself now. */
bool memory_may_drain(const struct memory_buffer *buffer, int index, bool has_plain);

/* Make it visible; of a release store, all before it, too. */
void memory_drain(struct memory_buffer *buffer, int index);
void memory_drain_all(struct memory_buffer *buffer);

/* All that were made before a time. */
void memory_drain_older(struct memory_buffer *buffer, uint64_t ticks);

/* Stores in it that no fault holds back. */
int memory_waiting_count(const struct memory_buffer *buffer);

/* All stores to one location, in their order. */
void memory_drain_location(struct memory_buffer *buffer, const volatile void *at);

/* Whether a thread is the only one that stores there (model_owned). */
bool memory_is_own(const volatile void *at, int thread);

/* Whether a place was given to model_ignore. */
bool memory_is_ignored(const volatile void *at);

/* Rises whenever what all see has changed. */
uint64_t memory_version(void);

/* Hash of what all see; and of a buffer. */
uint64_t memory_hash(uint64_t hash);
uint64_t memory_buffer_hash(const struct memory_buffer *buffer, uint64_t hash, uint64_t ticks);

static inline uint64_t memory_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

#endif
