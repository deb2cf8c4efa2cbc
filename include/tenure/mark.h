/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MARK_H
#define TENURE_MARK_H

/* For programs that are recorded: marks a moment, so that a log can be read phase by phase; and says what a
 * pool allocator of the program's own does, which to malloc is one large block.
 *
 * The declarations are weak: a program that uses them links no library, and tests before it calls:
 *
 *     if (tenure_mark)
 *         tenure_mark("initialisation done");
 *
 * Without tenure they are NULL, and nothing is called. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Write a mark with this text and the time into the recording.
 *
 * text     up to 1,024 bytes are kept
 * Threads  any
 * Cost     under a microsecond; nothing when the process is not recorded */
extern void tenure_mark(const char *text) __attribute__((weak));

/* A pool is named by an address that the program chooses, its control block's for instance; it need not be
 * described before. A pool that is made later at the same address continues it. Blocks in a pool do not count
 * as allocations: they have tables of their own (docs/log-format.md), and the heap's record is the same with
 * these calls and without.
 *
 * Where several threads use a pool, call under the pool's lock, or so that a release is told before another
 * thread can get the block. */

/* Say that a pool has handed out a block.
 *
 * pool        not NULL
 * block       not NULL; a block that is live at the same address in this pool has ended then
 * size_bytes  what was asked for; or what the pool gives, where its blocks are all alike
 * Threads     any
 * Cost        as an allocation's record; nothing when the process is not recorded or recording is paused */
extern void tenure_pool_alloc(const void *pool, const void *block, size_t size_bytes) __attribute__((weak));

/* Say that a pool is about to take a block back. block: as it was told to tenure_pool_alloc; NULL is nothing.
 * Threads and cost as there. */
extern void tenure_pool_free(const void *pool, const void *block) __attribute__((weak));

/* Say that a pool is about to take all of its blocks back: an arena's end, or its next round.
 *
 * Threads  any
 * Cost     as above; the recorder's work grows with the blocks */
extern void tenure_pool_reset(const void *pool) __attribute__((weak));

/* Give a pool a name for reports; the latest one counts.
 *
 * name     up to 255 bytes are kept
 * Threads  any */
extern void tenure_pool_name(const void *pool, const char *name) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
