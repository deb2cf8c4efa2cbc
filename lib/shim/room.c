/* SPDX-License-Identifier: MIT */

/* What a thread does while its ring is full: it sleeps in short slices until the recorder has made room, and
 * stops recording for good once the recorder is gone. Invariant: the program never waits for a recorder that
 * does not work any more. Called by emit.c and control_ring.c. */

#include "room.h"

#include "sys.h"
#include "ticks.h"

#include <errno.h>
#include <linux/futex.h>
#include <time.h>

#include "banned.h"

#define WAIT_SLICE_NS      10000000
#define WAIT_DEAD_AFTER_NS UINT64_C(30000000000)

/* Whether the recorder still works. A heartbeat that stands still is given WAIT_DEAD_AFTER_NS: the recorder
 * may be stopped, or waiting for a slow disk.
 *
 * heartbeat, since_ns  the last one seen and since when; both 0 at first */
static bool is_recorder_alive(uint64_t *heartbeat, uint64_t *since_ns)
{
    struct tn_shared_header *header = tn_hot.header;
    if (atomic_load_explicit(&header->recorder_state, memory_order_acquire) == TN_RECORDER_CLOSED)
        return false;
    uint32_t pid = atomic_load_explicit(&header->recorder_pid, memory_order_relaxed);
    if (pid != 0 && tn_sys2(SYS_kill, pid, 0) == -ESRCH)
        return false;
    uint64_t now_ns = tn_ticks_monotonic();
    uint64_t beat = atomic_load_explicit(&header->heartbeat, memory_order_relaxed);
    if (beat != *heartbeat || *since_ns == 0) {
        *heartbeat = beat;
        *since_ns = now_ns;
    }
    return now_ns - *since_ns < WAIT_DEAD_AFTER_NS;
}

static __attribute__((noinline)) bool wait_for_room(struct tn_ring *ring, uint32_t need_words,
                                                    uint32_t *ret_pad_words)
{
    const struct timespec slice = {0, WAIT_SLICE_NS};
    uint64_t heartbeat = 0;
    uint64_t since_ns = 0;
    while (is_recorder_alive(&heartbeat, &since_ns)) {
        /* Announced before the last look: the recorder frees room before it looks whom to wake. What the two
         * orders miss between them costs one slice. */
        atomic_store_explicit(&ring->is_waiting, 1, memory_order_seq_cst);
        if (tn_ring_has_room(ring, tn_hot.ring_words, need_words, ret_pad_words)) {
            atomic_store_explicit(&ring->is_waiting, 0, memory_order_relaxed);
            return true;
        }
        tn_sys6(SYS_futex, (long)&ring->is_waiting, FUTEX_WAIT, 1, (long)&slice, 0, 0);
        if (tn_ring_has_room(ring, tn_hot.ring_words, need_words, ret_pad_words))
            return true;
    }
    tn_stop();
    return false;
}

bool tn_room_wait(struct tn_ring *ring, uint32_t need_words, uint32_t *ret_pad_words)
{
    if (TN_LIKELY(tn_ring_has_room(ring, tn_hot.ring_words, need_words, ret_pad_words)))
        return true;
    if (wait_for_room(ring, need_words, ret_pad_words))
        return true;
    atomic_fetch_add_explicit(&ring->lost_count, 1, memory_order_relaxed);
    return false;
}
