/* SPDX-License-Identifier: MIT */

/* What a thread does while its ring is full: it sleeps in short slices until the recorder has made room. It
 * stops recording for good once the recorder is gone or the ring spoilt, and gives an event up while the
 * recorder stands still. Invariant: the program never waits for a recorder that does not work. Called by
 * emit.c and control_ring.c.
 */

#include "room.h"

#include "sys.h"
#include "ticks.h"

#include <errno.h>
#include <linux/futex.h>
#include <time.h>

#include "banned.h"

/* Between two looks at the recorder's liveness word: the wait after its death. To sleep on that word instead
 * would end the wait sooner, but each sleeper would have to mark the word, and one would have to wake the
 * others. */
#define SLICE_NS 10000000

#define CLOSE_NS_MAX UINT64_C(30000000000)
#define PAUSE_NS_MAX UINT64_C(1000000000)

/* How long the heartbeat has stood still while this thread has waited. Slept time is counted and not the time
 * between, so that a program that was stopped itself does not blame the recorder. */
struct patience {
    uint32_t beat;
    uint64_t slept_ns;
    uint64_t since_ns; /* the last look, CLOCK_MONOTONIC; 0: there was none */
};

static bool is_out_of_patience(struct patience *patience)
{
    uint32_t beat = atomic_load_explicit(&tn_hot.header->heartbeat, memory_order_relaxed);
    uint64_t now_ns = tn_ticks_monotonic();
    uint64_t slept_ns = now_ns - patience->since_ns;
    if (patience->since_ns == 0 || beat != patience->beat)
        patience->slept_ns = 0;
    else
        patience->slept_ns += slept_ns < 2 * SLICE_NS ? slept_ns : 2 * SLICE_NS;
    patience->beat = beat;
    patience->since_ns = now_ns;
    return patience->slept_ns >= TN_STALL_NS;
}

/* A recorder whose heart never beat has nothing that could move again. */
static bool note_stall(const struct patience *patience)
{
    atomic_store_explicit(&tn_hot.header->stalled_beat, patience->beat, memory_order_relaxed);
    return patience->beat != 0;
}

/* Sleep until the recorder has made room, or for a slice. */
static bool wait_once(struct tn_ring *ring, uint32_t words, uint32_t need_words, uint32_t *ret_pad_words)
{
    const struct timespec slice = {0, SLICE_NS};
    /* Announced before the last look: the recorder frees room before it looks whom to wake. What the two
     * orders miss between them costs one slice. */
    atomic_store_explicit(&ring->is_waiting, 1, memory_order_seq_cst);
    if (!tn_ring_has_room(ring, words, need_words, ret_pad_words))
        tn_sys6(SYS_futex, (long)&ring->is_waiting, FUTEX_WAIT, 1, (long)&slice, 0, 0);
    if (!tn_ring_has_room(ring, words, need_words, ret_pad_words))
        return false;
    atomic_store_explicit(&ring->is_waiting, 0, memory_order_relaxed);
    return true;
}

/* Whether head and tail cannot be what producer and consumer wrote: somebody scribbled over the shared
 * memory, and nobody will ever make room. */
static bool is_spoilt(const struct tn_ring *ring, uint32_t words)
{
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_relaxed);
    return head - atomic_load_explicit(&ring->tail_words, memory_order_acquire) > words;
}

static __attribute__((noinline)) bool wait_for_room(struct tn_ring *ring, uint32_t words, uint32_t need_words,
                                                    uint32_t *ret_pad_words)
{
    struct patience patience = {0, 0, 0};
    while (!tn_shared_is_orphaned(tn_hot.header) && !is_spoilt(ring, words)) {
        if (tn_shared_is_stalled(tn_hot.header))
            return false;
        if (is_out_of_patience(&patience) && !note_stall(&patience))
            break;
        if (wait_once(ring, words, need_words, ret_pad_words))
            return true;
    }
    tn_stop();
    return false;
}

bool tn_room_wait(struct tn_ring *ring, uint32_t words, uint32_t need_words, uint32_t *ret_pad_words)
{
    if (TN_LIKELY(tn_ring_has_room(ring, words, need_words, ret_pad_words)))
        return true;
    return wait_for_room(ring, words, need_words, ret_pad_words);
}

void tn_room_await_end(void)
{
    const struct timespec slice = {0, SLICE_NS};
    struct tn_shared_header *header = tn_hot.header;
    uint64_t end_ns = tn_ticks_monotonic() + PAUSE_NS_MAX;
    uint32_t pause;
    while ((pause = atomic_load_explicit(&header->pause, memory_order_relaxed)) != TN_PAUSE_NO &&
           !tn_shared_is_orphaned(header) && tn_ticks_monotonic() < end_ns)
        tn_sys6(SYS_futex, (long)&header->pause, FUTEX_WAIT, pause, (long)&slice, 0, 0);
}

void tn_room_close(void)
{
    const struct timespec slice = {0, SLICE_NS};
    struct tn_shared_header *header = tn_hot.header;
    struct patience patience = {0, 0, 0};
    uint64_t end_ns = tn_ticks_monotonic() + CLOSE_NS_MAX;
    atomic_store_explicit(&header->is_leaving, 1, memory_order_release);
    while (!tn_shared_is_orphaned(header) && !is_out_of_patience(&patience) &&
           tn_ticks_monotonic() < end_ns) {
        uint32_t state = atomic_load_explicit(&header->recorder_state, memory_order_relaxed);
        tn_sys6(SYS_futex, (long)&header->recorder_state, FUTEX_WAIT, state, (long)&slice, 0, 0);
    }
    tn_stop();
}
