/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TRIAL_PARTS_H
#define TENURE_TRIAL_PARTS_H

/* Parts of the second allocator that `tenure try` preloads. It stands before the shim, so that what is
 * recorded is what the heap is asked for, and before the C library's allocator. Nothing here asks the
 * program's heap for memory of its own. One lock guards all that is known of blocks; with it held nothing
 * walks a stack, asks the loader or calls the heap: those may wait for a thread that waits for the lock. */

#include "tenure/preload.h"
#include "tenure/trial.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_TRIAL_CHANGES_MAX  256
#define TN_TRIAL_BIRTH_FRAMES 12 /* of a birth, kept while the block lives */

/* The file of the run; NULL before it is mapped, or without one. */
extern struct tn_trial_head *tn_trial_head;

/* A call of an owner, told from others of the same thread. */
struct tn_trial_owner {
    uintptr_t cfa;            /* the owner's own CFA; 0: there is no owner */
    uintptr_t function;       /* where its code begins */
    uintptr_t return_address; /* in the function that called it */
};

/* A call of an allocation function at one of the plan's places. */
struct tn_trial_birth {
    const struct tn_trial_place *place;
    struct tn_trial_change *change;
    struct tn_trial_owner owner;
    uint64_t size_bytes; /* as asked for */
    uint32_t stack;      /* id of tn_trial_stack_keep */
};

/* A contradiction that was found with the lock held, to be told without it. */
struct tn_trial_finding {
    enum tn_trial_contradiction_kind kind; /* 0: none was found */
    uint32_t change;
    uint32_t birth; /* stack of the block's birth; 0: it is the moment itself */
    uint64_t size_bytes;
};

/* ------------------------------------------------------------------------------------------ trial_file.c */

/* Lock, and unlock. Not from where it is held. */
void tn_trial_lock(void);
void tn_trial_unlock(void);

/* Count one call, of all or of a change's. */
void tn_trial_add(uint64_t *counter);

/* Tell a contradiction, if it is the first of its change. Without the lock.
 *
 * caller  return address of the allocation function that is being called; 0: none is, the thread or the
 * program
 *         ends */
void tn_trial_tell(const struct tn_trial_finding *finding, uintptr_t caller);

/* Whether exit was called, or main has returned: what is released then has lived to the end. */
bool tn_trial_is_ending(void);

/* ------------------------------------------------------------------------------------------ trial_births.c
 */

/* Take over the plan's places. Once. */
void tn_trial_births_open(void);

/* Find out whether a call is at one of the plan's places. Without the lock.
 *
 * Returns  whether it is; ret_birth is written then, but for its size */
bool tn_trial_find_birth(uintptr_t caller, struct tn_trial_birth *ret_birth);

/* The frames of a birth, from the allocation function outwards.
 *
 * ret_frames  room for TN_TRIAL_BIRTH_FRAMES
 * Returns     how many there are; 0 for id 0 */
size_t tn_trial_stack_find(uint32_t id, struct tn_preload_frame *ret_frames);

/* ------------------------------------------------------------------------------------------ trial_calls.c */

/* A call of an owner that has blocks. With the lock held. */
struct tn_trial_activation {
    struct tn_trial_activation *next;  /* of its thread, or of those that are free */
    struct tn_trial_activation **list; /* where its thread begins; NULL: the call has ended */
    struct tn_trial_owner owner;
    uintptr_t root;      /* CFA of the outermost frame: which stack it is on */
    uint64_t serial;     /* differs from that of each other call */
    uint64_t used_bytes; /* of its region */
    uint64_t sum_bytes;  /* of blocks in it, as the change counts them */
    uint32_t region;     /* of an arena: its number; else 0 */
    uint32_t change;
    uint32_t live; /* blocks of it that live, at least 1 unless it is new */
};

/* Make thread ends known. Once. */
void tn_trial_calls_open(void);

/* Find which of the thread's calls of owners have ended, at the beginning of each event. Without the lock.
 *
 * caller  as for tn_trial_tell
 * Cost    none while no block of a call lives; else a walk as far as the outermost of these calls */
void tn_trial_look(uintptr_t caller);

/* Have the calling thread's end known. Without the lock, before the first call of an owner. */
void tn_trial_watch_thread(void);

/* The outermost frame's CFA on the calling thread's stack, as an activation wants it. Without the lock. */
uintptr_t tn_trial_root(void);

/* The thread's call of an owner for a change. With the lock held.
 *
 * Returns  NULL: none is known */
struct tn_trial_activation *tn_trial_activation_find(uint32_t change, const struct tn_trial_owner *owner);

/* Make one known. With the lock held.
 *
 * Returns  NULL: there is no room */
struct tn_trial_activation *tn_trial_activation_make(uint32_t change, const struct tn_trial_owner *owner,
                                                     uintptr_t root);

/* The index of one, and back: what a block keeps. */
uint32_t tn_trial_activation_index(const struct tn_trial_activation *activation);
struct tn_trial_activation *tn_trial_activation_at(uint32_t index);

/* Forget one that has no block any more. With the lock held. */
void tn_trial_activation_drop(struct tn_trial_activation *activation);

/* ------------------------------------------------------------------------------------------ trial_areas.c */

/* What is known of a block, beside its memory: a program that writes beyond a block damages no more than
 * it would without us. */
struct tn_trial_slot {
    uint32_t size_bytes; /* as asked for */
    uint32_t activation; /* of its owner's call: 1 + index; 0: none */
    uint32_t birth;      /* stack */
    uint32_t state;      /* 0: free, 1: live; of a free one that was used: 2 + the next free one */
};

/* The memory of a change, cut into slots of equal size (pools, buffers) or of 16 bytes (arenas, static). */
struct tn_trial_area {
    char *memory;
    struct tn_trial_slot *slots;
    uint64_t stride_bytes, slot_count;
    uint64_t used_count; /* slots from the first on that were in use before, or static: all that are in use */
    uint64_t sum_bytes;  /* of static blocks, as the change counts them */
    uint64_t region_slots; /* of an arena */
    uint64_t free_slot;    /* 1 + the slot, or region, that was freed last; 0: none */
    uint64_t live, peak;   /* blocks of this process */
};

/* Reserve memory for all changes. Returns whether there is some. */
bool tn_trial_areas_open(void);

/* The area of a change. */
struct tn_trial_area *tn_trial_area_at(uint32_t change);

/* Whether a block lies in any, and in which: the number of its change. */
bool tn_trial_owns(const void *block);
uint32_t tn_trial_owner_change(const void *block);

/* The slot of a block, and back. */
struct tn_trial_slot *tn_trial_slot_of(const struct tn_trial_area *area, const void *block);
char *tn_trial_slot_memory(const struct tn_trial_area *area, const struct tn_trial_slot *slot);

/* ------------------------------------------------------------------------------------------ trial_serve.c */

/* Serve a call, if it is at a place, and count it.
 *
 * alignment_bytes  above 16: it is not served
 * Returns          the block; NULL: the heap is to be asked */
void *tn_trial_serve(uintptr_t caller, size_t size_bytes, size_t alignment_bytes);

/* Count a release, and release the block if it was served.
 *
 * Returns  whether it was */
bool tn_trial_release(uintptr_t caller, void *block);

/* The same without the event, for a block that was moved. */
bool tn_trial_take_back(uintptr_t caller, void *block);

/* Bytes that a block has, which was served and lives; 0: it is none. */
size_t tn_trial_bytes(const void *block);

/* Give a served block another size where it is, and count that.
 *
 * Returns  whether that could be done; if not, nothing was counted */
bool tn_trial_resize(uintptr_t caller, void *block, size_t size_bytes);

/* ------------------------------------------------------------------------------------------ trial_combined.c
 */

/* Serve a member of a structure: the first one by asking the heap for room for all. Without the lock.
 *
 * Returns  the block; NULL: the heap is to be asked */
void *tn_trial_combine(const struct tn_trial_birth *birth, uintptr_t caller);

/* Release a member, if the block is one. Without the lock.
 *
 * Returns  whether it was */
bool tn_trial_combined_release(void *block);

/* As tn_trial_bytes. */
size_t tn_trial_combined_bytes(const void *block);

#endif
