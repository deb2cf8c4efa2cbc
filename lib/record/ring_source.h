/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_RING_SOURCE_H
#define TN_RECORD_RING_SOURCE_H

/* The rings of one process, a source of events (source.h). What they take in the recorder is in proportion to
 * the threads that live: a slot is mapped when it is first in use, and the memory of a ring whose thread is
 * gone is given back once that is worth it. One thread. */

#include "process_shared.h"
#include "shared_memory.h"
#include "source.h"
#include "stream.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the kernel says of a process. */
struct tn_rings_owner {
    pid_t pid;                /* as we see it */
    bool has_other_namespace; /* its thread ids are of a PID namespace that is not ours */
};

/* A slot that has been in use. */
struct tn_slot {
    struct tn_stream *stream; /* owned; NULL while no thread has the slot */
    uint64_t lost_count;      /* of the ring: what is in the totals already */
    uint64_t lost_limit;      /* of the ring: what it lost until recording was over; UINT64_MAX: it is not */
    uint64_t unrecorded_births; /* of the ring: what is in the totals already */
    uint64_t unrecorded_frees;  /* of the ring: what is in the totals already */
    uint64_t kept_words;        /* how far the ring was written when its memory was last given back */
    pid_t tid;     /* the owner's as we see it, where that is not what the slot says; 0: not known */
    bool is_begun; /* an event was seen in its ring */
};

/* Counters of the header, as they were last added to the totals. */
struct tn_header_counts {
    uint32_t lost[TN_LOSS_REASON_COUNT];
    uint32_t children_lost[TN_CHILD_LOSS_COUNT];
    uint32_t stacks_lost, stacks_checked, stacks_different, rules_learned, frames_complex, frames_unwalked,
        tasks_refused, libraries_apart;
};

struct tn_rings {
    struct tn_source source;          /* must come first */
    struct tn_process_shared *shared; /* borrowed */
    struct tn_matcher *matcher;       /* borrowed; of the process */
    struct tn_rings_owner owner;
    struct tn_shared_memory memory; /* owned */
    struct tn_slot *slots;          /* owned; by slot */
    uint32_t slot_bound;     /* slots that the program has said are in use or were, and that have room */
    uint32_t slot_capacity;  /* room in slots, in unlisted and in the source's streams */
    uint32_t *unlisted;      /* owned; slots below slot_bound without a stream */
    uint32_t unlisted_count; /* in unlisted */
    uint32_t reused_count;   /* the program's count of slots taken again, when unlisted was last looked at */
    uint64_t idle_words;     /* words of memory in rings that nobody has, at most */
    uint64_t tids_ns;        /* CLOCK_MONOTONIC from which the kernel's list of threads may be read again */
    uint64_t control_words;  /* position in the control ring */
    bool is_control_damaged; /* malformed; never read again */
    bool is_header_damaged;  /* a counter of the header fell */
    bool is_starved;         /* there is no memory for a slot that is in use */
    bool is_refused;         /* recording is over: what is lost from then on is not counted */
    struct tn_header_counts counted;
};

/* Open the rings in the memory that came with a hello, and hold the process's liveness word.
 *
 * memory_fd      stays the caller's
 * stated_bytes   size that the hello states
 * matcher        of the process; stays where it is until the source is closed
 * ret_source     closed by its call close
 * Returns        0; -EBADMSG: malformed, or it cannot be sealed; -ENOMEM, -EMFILE, -EAGAIN */
int tn_rings_open(struct tn_process_shared *shared, struct tn_matcher *matcher,
                  const struct tn_rings_owner *owner, int memory_fd, uint64_t stated_bytes,
                  struct tn_source **ret_source);

/* The rings behind a source that tn_rings_open gave. */
static inline struct tn_rings *tn_rings_of(struct tn_source *source)
{
    return (struct tn_rings *)source;
}

/* The slot that a stream reads. */
static inline struct tn_slot *tn_rings_slot(struct tn_rings *rings, const struct tn_stream *stream)
{
    return &rings->slots[stream->slot];
}

/* ---- ring_slots.c */

/* Free the slots of threads that are gone and whose events were all read.
 *
 * is_thorough  look at every slot, not only at those whose thread said that it ends
 * Returns      0 or the writer's error */
int tn_rings_free_slots(struct tn_rings *rings, bool is_thorough);

/* Add to the totals what a ring's owner has lost and no LOSS event tells, and its damage. */
void tn_rings_settle_slot(struct tn_rings *rings, struct tn_stream *stream);

/* How many events that is, damage apart. */
uint64_t tn_rings_untold_losses(const struct tn_rings *rings, const struct tn_stream *stream);

/* Add to the totals what the ring's owner has left out during pauses. */
void tn_rings_settle_pause(struct tn_rings *rings, struct tn_stream *stream);

/* Count a damaged ring. How many events it held is not known, but at least one is lost. */
void tn_rings_count_damage(struct tn_rings *rings, bool is_damaged);

/* ---- ring_counts.c */

/* Add what the header has counted since the last time to the totals. */
void tn_rings_settle_header(struct tn_rings *rings);

/* Events that the header has counted as lost and the totals do not have. */
uint64_t tn_rings_header_losses(const struct tn_rings *rings);

#endif
