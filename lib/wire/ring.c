/* SPDX-License-Identifier: MIT */

/* The consumer's side of a ring, and the check of a mapping that a program has handed over. Nothing that lies
 * in shared memory is trusted: the program may change it at any time. Linked into the recorder; the shim and
 * the tests link it, too. */

#include "tenure/ring.h"

#include "tenure/event.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

int tn_ring_peek(const uint64_t *data, uint32_t words, uint64_t *cursor_words, uint64_t head_words,
                 const uint64_t **ret_event)
{
    for (;;) {
        uint64_t left = head_words - *cursor_words;
        if (left == 0)
            return 0;
        uint32_t index = (uint32_t)(*cursor_words & (words - 1));
        uint64_t head = data[index];
        uint32_t length = tn_event_words_of(head);
        if (length == 0 || length > left || length > words - index)
            return -EBADMSG;
        if (tn_event_kind_of(head) != TN_EVENT_PAD) {
            *ret_event = &data[index];
            return (int)length;
        }
        *cursor_words += length;
    }
}

void tn_ring_release(struct tn_ring *ring, uint64_t cursor_words)
{
    atomic_store_explicit(&ring->tail_words, cursor_words, memory_order_release);
}

void tn_ring_wake(struct tn_ring *ring)
{
    /* The producer sets is_waiting and looks at tail again before it sleeps, and its sleep is bounded: a wake
     * that is missed between the two costs one of its time slices, not the event. */
    if (atomic_load_explicit(&ring->is_waiting, memory_order_relaxed) == 0)
        return;
    atomic_store_explicit(&ring->is_waiting, 0, memory_order_relaxed);
    syscall(SYS_futex, &ring->is_waiting, FUTEX_WAKE, 1, NULL, NULL, 0);
}

_Static_assert(TN_KEEPER_DIED == FUTEX_OWNER_DIED, "as the kernel marks a dead owner");

void tn_shared_beat(struct tn_shared_header *header)
{
    uint32_t beat = atomic_load_explicit(&header->heartbeat, memory_order_relaxed) + 1;
    atomic_store_explicit(&header->heartbeat, beat != 0 ? beat : 1, memory_order_relaxed);
}

static bool is_ring_size(uint32_t words, uint64_t bytes_min)
{
    return words >= bytes_min / 8 && words <= TN_RING_BYTES_MAX / 8 && (words & (words - 1)) == 0;
}

int tn_shared_check(const struct tn_shared_header *header, uint64_t file_bytes)
{
    struct tn_shared_sizes sizes = tn_shared_sizes_of(header);
    if (header->magic != TN_SHARED_MAGIC)
        return -EBADMSG;
    if (!is_ring_size(sizes.ring_words, TN_RING_BYTES_MIN) ||
        !is_ring_size(sizes.control_words, TN_CONTROL_BYTES_MIN))
        return -EBADMSG;
    if (sizes.slot_count < 2 || sizes.slot_count > TN_SLOT_COUNT_MAX)
        return -EBADMSG;
    if (header->total_bytes != tn_shared_total_bytes(&sizes) || header->total_bytes > file_bytes)
        return -EBADMSG;
    return 0;
}
