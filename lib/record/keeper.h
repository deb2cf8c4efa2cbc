/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_KEEPER_H
#define TN_RECORD_KEEPER_H

/* Tells every recorded process whether the recorder lives: for each there is a futex word in the shared
 * memory that the kernel itself changes when the recorder dies, however it dies, and wakes who waits on it.
 *
 * A keeper is a thread of the recorder that owns such words, as one owns a robust mutex: the main thread is
 * the first, threads are made for what it may not hold. The list by which the kernel finds them at the
 * thread's end (set_robust_list(2)) lies in memory that no program can reach: each word has an entry in a
 * private page in front of it, at the same distance for all, since a thread has only one distance.
 *
 * Words also beat: a heartbeat that stands still means that the recorder is stopped. Threads beat, for a main
 * thread that is busy, too, so that a long round or a slow disk is not taken for that. Threads count against
 * the programs' own limit of processes, however; where that is low, there is none for the first keeper.
 *
 * Functions are for the main thread, unless said otherwise. */

#include "tenure/ring.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Words a keeper. The kernel gives up on a list after 2,048 entries (ROBUST_LIST_LIMIT). */
#define TN_KEEPER_WORDS_MAX 2000u

/* For how long keepers beat for a main thread that makes no progress: as long as a disk may take. */
#define TN_KEEPER_PATIENCE_NS UINT64_C(30000000000)

struct tn_keeper;

/* The entry of one word, at the beginning of a private page. Zeroed holds nothing. Written by the main
 * thread; the kernel reads the link, and the keeper the rest under its lock. */
struct tn_kept {
    struct robust_list link;         /* must come first: what the kernel follows */
    struct tn_kept *before;          /* whose link leads here; NULL: the list's head */
    struct tn_keeper *keeper;        /* that owns the word; NULL: none */
    struct tn_shared_header *header; /* of the process; has word and heartbeat */
};

/* All keepers. Zeroed is empty, but for the distance. */
struct tn_keepers {
    ptrdiff_t distance_bytes;  /* of each word from its entry; set by the owner before the first hold */
    struct tn_keeper **list;   /* owned */
    uint32_t count;            /* of keepers */
    _Atomic uint32_t progress; /* rises with each step of the main thread; keepers read it */
    bool is_sparing;           /* no thread beats for the first keeper; by tn_keepers_spare */
    uint64_t beat_ns;          /* CLOCK_MONOTONIC of the main thread's last beat */
};

/* Hold a word: it says that the recorder lives, until it is released or the recorder dies.
 *
 * kept     zeroed; stays where it is until it is released
 * header   its keeper_word lies at distance_bytes from kept, and holds the keeper's thread id then, and
 *          FUTEX_OWNER_DIED once the recorder has died
 * Returns  0; -ENOMEM; -EAGAIN: no thread can be made, and the main thread holds its share already. Nothing
 *          is held then
 * Cost     some stores; a new thread for every TN_KEEPER_WORDS_MAX words, and for the first one, unless
 * spared */
int tn_keepers_hold(struct tn_keepers *keepers, struct tn_kept *kept, struct tn_shared_header *header);

/* Let a word go: it says 0 then, nobody's, and all who wait on it are woken. One that is not held is fine. */
void tn_keepers_release(struct tn_kept *kept);

/* Do without the thread that beats for the main one, now and later: it is ended if it runs. From then on a
 * step that takes longer than TN_STALL_NS looks like a recorder that is stopped.
 *
 * Cost  the thread's end */
void tn_keepers_spare(struct tn_keepers *keepers);

/* Note that the main thread makes progress: in each round, and at each step of a long one.
 *
 * Cost  an increment; where threads are spared, a look at the clock, and now and then a store for each word
 */
void tn_keepers_note_progress(struct tn_keepers *keepers);

/* End all keepers. Every word was released. By the thread that held the first one. */
void tn_keepers_finish(struct tn_keepers *keepers);

#endif
