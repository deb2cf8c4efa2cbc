/* SPDX-License-Identifier: MIT */
#ifndef TENURE_EVENT_H
#define TENURE_EVENT_H

/* The wire format: how one event lies in a ring. The shim writes events and the recorder reads
 * them, by the functions of event_body.h; no other file knows the layout.
 *
 * An event is a run of 8-byte words in native byte order. Word 0 says what it is and how long it is, so that
 * a reader can step over a kind that it does not know. Events are never stored in a log, and the handshake
 * (session.h) refuses a shim and a recorder that were not built from the same headers: the layout may change
 * at any time.
 *
 *   word 0   bits  0-5   kind        (enum tn_event_kind)
 *            bits  6-19  words       (length of the event, this word included)
 *            bits 20-25  function    (enum tn_function, 0 where it has no meaning)
 *            bits 26-31  flags       (TN_EVENT_FLAG_*, of LOSS: TN_LOSS_*)
 *            bits 32-63  stack id    (given by the shim, per process, from 1; 0 = none was taken)
 *   word 1   ticks: the time stamp, on the clock that the shared header names
 *   word 2.. the body, by kind:
 *
 *   BIRTH, REALLOC_COMMIT
 *            word 2  bits 0-47 address, bits 48-63 usable_size - size (bytes)
 *            word 3  bits 0-31 size_bytes, bits 32-63 depth_bytes
 *            with TN_EVENT_FLAG_WIDE, three words more, which replace the narrow fields:
 *            word 4  size_bytes      word 5  usable_size_bytes     word 6  alignment_bytes
 *   DEATH, REALLOC_BEGIN
 *            word 2  bits 0-47 address
 *            word 3  bits 32-63 depth_bytes
 *   FAILURE  word 2  size_bytes
 *            word 3  bits 32-63 depth_bytes
 *   STACK    word 2  bits 0-31 frame count, bit 32: the stack was cut at the depth limit
 *            word 3.. one word a frame, innermost first: bits 0-47 return address, bits 48-63 frame size
 *                    in units of 8 bytes; 0xffff there: the next word is the frame size in bytes
 *   MODULE   word 2  load bias (what is added to an address in the file)
 *            word 3  start, word 4 end of the mapped range
 *            word 5  bits 0-31 build-id length, bits 32-63 path length (bytes)
 *            word 6.. build-id, padded to a word; path without NUL, padded to a word
 *   MODULE_GONE  word 2 load bias, word 3 start
 *   MARK     word 2  text length in bytes; word 3.. text, padded to a word
 *   CHILD    word 2  bits 0-31 PID of a child as this process sees it, or 0; bit 32: take it back
 *            word 3  ticks before the child was started
 *            word 4  length of its image's name in bytes; word 5.. the name, padded to a word
 *   LOSS     word 2  number of events lost since the last LOSS of this ring
 *   THREAD_BEGIN  word 2 tid, word 3 highest address of its stack, word 4 stack size in bytes,
 *            word 5, 6  name (16 bytes, NUL padded)
 *   THREAD_END, PAUSE, RESUME   no body
 *   LEAVE    word 2  bits 0-31 depth_bytes, not 0, of the CFA of a function that was left or entered:
 *            whatever was active at that depth or deeper has ended. Sent by programs built with
 *            -finstrument-functions, and only when it ends more than the LEAVEs since the thread's last
 *            event of another kind did
 *
 *   LINKS    word 2  bits 0-47 address of a block, bits 48-63 moment (enum tn_link_moment)
 *            word 3.. one word for each address that was found:
 *                    with HOLDER_DEATH, which stands before the release of the block: bits 0-47 the value,
 *                    bits 48-63 where in the block it lies, in bytes
 *                    else: bits 0-47 the address where the block's address lies, bits 48-63 how many bytes
 *                    behind the block's start it points; the stack id is the block's
 *
 *   POOL_BIRTH, POOL_DEATH  what the program says of a pool of its own (tenure/mark.h)
 *            word 2  bits 0-47 address of the block
 *            word 3  what names the pool, an address; not 0
 *            word 4  of POOL_BIRTH: size_bytes
 *   POOL_RESET   word 2 0, word 3 as above: all blocks of the pool die
 *   POOL_NAME    word 2 text length in bytes, word 3 as above; word 4.. text, padded to a word
 *
 * depth_bytes is the highest address of the thread's stack minus the CFA of the allocation function (the
 * value of the stack pointer before the program called it).
 *
 * The functions here are pure; each costs a few shifts. */

#include "tenure/limits.h"

#include <stdint.h>

enum tn_event_kind {
    TN_EVENT_PAD = 0, /* filler up to the end of the ring; only `words` counts, it has no word 1 */
    TN_EVENT_BIRTH = 1,
    TN_EVENT_DEATH = 2,
    TN_EVENT_REALLOC_BEGIN = 3,  /* committed before the real call: the block may be released by it */
    TN_EVENT_REALLOC_COMMIT = 4, /* after it, same thread: a birth, unless a flag says otherwise */
    TN_EVENT_FAILURE = 5,        /* the real allocator returned NULL */
    TN_EVENT_STACK = 6,          /* control ring only: before the first event that bears its id */
    TN_EVENT_MODULE = 7,         /* control ring only: before the first stack that shows it */
    TN_EVENT_MODULE_GONE = 8,    /* control ring only */
    TN_EVENT_MARK = 9,           /* control ring only */
    TN_EVENT_LOSS = 10,
    TN_EVENT_THREAD_BEGIN = 11, /* first event of a thread in its ring */
    TN_EVENT_THREAD_END = 12,
    TN_EVENT_PAUSE = 13,
    TN_EVENT_RESUME = 14,
    TN_EVENT_LEAVE = 15,
    TN_EVENT_LINKS = 16, /* who holds whose address */
    TN_EVENT_CHILD =
        17, /* control ring only: a child executes an image, by vfork, posix_spawn, system, popen */
    TN_EVENT_POOL_BIRTH = 18, /* a pool of the program's has handed out a block */
    TN_EVENT_POOL_DEATH = 19, /* before it takes the block back */
    TN_EVENT_POOL_RESET = 20, /* before it takes all of them back */
    TN_EVENT_POOL_NAME = 21,
    TN_EVENT_KIND_COUNT
};

/* Which function the program called. The order is stored in logs: append only. */
enum tn_function {
    TN_FUNCTION_NONE = 0,
    TN_FUNCTION_MALLOC,
    TN_FUNCTION_CALLOC,
    TN_FUNCTION_REALLOC,
    TN_FUNCTION_REALLOCARRAY,
    TN_FUNCTION_POSIX_MEMALIGN,
    TN_FUNCTION_ALIGNED_ALLOC,
    TN_FUNCTION_MEMALIGN,
    TN_FUNCTION_VALLOC,
    TN_FUNCTION_PVALLOC,
    TN_FUNCTION_NEW,
    TN_FUNCTION_NEW_ARRAY,
    TN_FUNCTION_FREE,
    TN_FUNCTION_FREE_SIZED,
    TN_FUNCTION_FREE_ALIGNED_SIZED,
    TN_FUNCTION_DELETE,
    TN_FUNCTION_DELETE_ARRAY,
    TN_FUNCTION_COUNT
};

/* When it was looked who holds the address of a block. Logs have the names of tn_link_moment_name. */
enum tn_link_moment {
    TN_LINK_NEVER = 0,
    TN_LINK_HOLDER_DEATH, /* the holder was dying: addresses in its first bytes */
    TN_LINK_EVENT_1,      /* the first event of the held block's thread after its birth */
    TN_LINK_EVENT_2,      /* the second, and so on */
    TN_LINK_EVENT_4,
    TN_LINK_EVENT_8,
    TN_LINK_EVENT_16,
    TN_LINK_EVENT_32,
    TN_LINK_HELD_DEATH, /* the held block was dying */
    TN_LINK_OUTPUT,     /* its thread called write, writev, send, sendto or sendmsg */
    TN_LINK_MOMENT_COUNT
};

#define TN_EVENT_FLAG_WIDE     0x01u /* BIRTH, REALLOC_COMMIT: words 4 to 6 are there */
#define TN_EVENT_FLAG_FAILED   0x02u /* REALLOC_COMMIT: NULL was returned, the block lives on */
#define TN_EVENT_FLAG_RELEASED 0x04u /* REALLOC_COMMIT: realloc(p, 0) released the block; no birth */

#define TN_LOSS_RING_FULL 0x01u /* the recorder did not make room in time */
#define TN_LOSS_NESTED                                                                                       \
    0x02u /* a handler that interrupted the shim could not be recorded, or has left it by a jump */
#define TN_LOSS_NO_SLOT   0x04u /* there were more threads at once than slots */
#define TN_LOSS_EARLY     0x08u /* before the shim was ready, or after it had ended */
#define TN_LOSS_STALLED   0x10u /* the recorder stood still, and the ring was full */
#define TN_LOSS_NO_MEMORY 0x20u /* the thread's ring could not be mapped */

/* The number of a reason's bit: its index in the shared header's lost_counts (ring.h). */
#define TN_LOSS_BIT(why) ((uint32_t)__builtin_ctz(why))

#define TN_EVENT_WORDS_MAX        16383u /* what 14 bits hold */
#define TN_EVENT_BARE_WORDS       2u     /* an event without a body */
#define TN_EVENT_BIRTH_WORDS      4u
#define TN_EVENT_WIDE_WORDS       7u
#define TN_EVENT_DEATH_WORDS      4u
#define TN_EVENT_FAILURE_WORDS    4u
#define TN_EVENT_LOSS_WORDS       3u
#define TN_EVENT_LEAVE_WORDS      3u
#define TN_EVENT_THREAD_WORDS     7u
#define TN_EVENT_LINKS_WORDS      3u /* and one an address */
#define TN_EVENT_STACK_WORDS      3u /* and one or two a frame */
#define TN_EVENT_MARK_WORDS       3u /* and the text */
#define TN_EVENT_MODULE_WORDS     6u /* and build-id and path */
#define TN_EVENT_GONE_WORDS       4u
#define TN_EVENT_CHILD_WORDS      5u /* and the name */
#define TN_EVENT_POOL_BIRTH_WORDS 5u
#define TN_EVENT_POOL_DEATH_WORDS 4u  /* of POOL_RESET, too */
#define TN_EVENT_POOL_NAME_WORDS  4u  /* and the text */
#define TN_THREAD_NAME_BYTES      16u /* the kernel's limit, NUL included */
#define TN_EVENT_CHILD_NAME_BYTES 63u /* longer names are cut */
#define TN_ADDRESS_MASK           ((UINT64_C(1) << 48) - 1)

_Static_assert(TN_EVENT_STACK_WORDS + 2 * TN_STACK_DEPTH_MAX <= TN_EVENT_WORDS_MAX, "the deepest stack fits");

/* ---- word 0 ---- */

/* Word 0 from its parts; ranges as in the layout above. Parts that are not known yet may be 0, and be added
 * by an OR with a second word 0 that has only them. */
static inline uint64_t tn_event_head(enum tn_event_kind kind, uint32_t words, enum tn_function function,
                                     uint32_t flags, uint32_t stack_id)
{
    return (uint64_t)kind | (uint64_t)words << 6 | (uint64_t)function << 20 | (uint64_t)flags << 26 |
           (uint64_t)stack_id << 32;
}

/* The kind in a word 0; may be a value outside the enum when the ring was damaged. */
static inline uint32_t tn_event_kind_of(uint64_t head)
{
    return (uint32_t)(head & 0x3f);
}

/* The length in a word 0, in words; 0 only when the ring was damaged. */
static inline uint32_t tn_event_words_of(uint64_t head)
{
    return (uint32_t)(head >> 6 & 0x3fff);
}

/* The function in a word 0, as it stands there; may be TN_FUNCTION_COUNT or more when the ring was damaged.
 */
static inline uint32_t tn_event_function_of(uint64_t head)
{
    return (uint32_t)(head >> 20 & 0x3f);
}

/* The flags in a word 0. */
static inline uint32_t tn_event_flags_of(uint64_t head)
{
    return (uint32_t)(head >> 26 & 0x3f);
}

/* The shim's stack id in a word 0. */
static inline uint32_t tn_event_stack_of(uint64_t head)
{
    return (uint32_t)(head >> 32);
}

/* What decides whether an event is of one kind, of the usual four words, and has no flag. Two heads that are
 * equal under this mask differ in function and stack id only. */
#define TN_EVENT_SHAPE_MASK  (UINT64_C(0x3f) | UINT64_C(0x3fff) << 6 | UINT64_C(0x3f) << 26)
#define TN_EVENT_SHAPE_BIRTH (TN_EVENT_BIRTH | (uint64_t)TN_EVENT_BIRTH_WORDS << 6)
#define TN_EVENT_SHAPE_DEATH (TN_EVENT_DEATH | (uint64_t)TN_EVENT_DEATH_WORDS << 6)

#endif
