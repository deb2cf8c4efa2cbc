/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TRIAL_H
#define TENURE_TRIAL_H

/* What `tenure try` tells the second allocator that it preloads into a program, and what that one tells back:
 * one file, mapped shared by the tool and by each process of the run. Its path is in the environment variable
 * TENURE_TRIAL. The tool makes it before the program starts. Both are of one build, which the magic number
 * and the size of the head tell. Everything is in the machine's byte order. */

#include "tenure/inject.h"

#include <stdint.h>

#define TN_TRIAL_MAGIC     UINT32_C(0x54524c31)
#define TN_TRIAL_VARIABLE  "TENURE_TRIAL"
#define TN_TRIAL_NO_OWNER  UINT32_MAX
#define TN_TRIAL_STEPS_MAX 64 /* frames of one place at most: a deeper one is compared by these */

/* How the blocks of a change are served. Each block of every way that lies on memory of the change counts as
 * the bytes asked for, rounded up to 8. A block that finds no room, one that wants more alignment than malloc
 * gives and one of 4 GiB or more fall back to the heap. */
enum tn_trial_way {
    TN_TRIAL_POOL = 1, /* `count` blocks of block_bytes each, from the start */
    TN_TRIAL_BUFFER,   /* a buffer of the owner's call: of block_bytes, and `count` of them at once */
    TN_TRIAL_ARENA,    /* block_bytes for each call of the owner, `count` such calls at once */
    TN_TRIAL_COMBINED, /* the call for member 0 asks the heap for block_bytes, and is neither served nor a
                          fallback; the others lie in that block. `count` has no meaning */
    TN_TRIAL_STATIC,   /* for good: block_bytes in all; `count` has no meaning */
};

/* What contradicts a change. Where a block is still live when it should be gone, its memory stays as it is
 * until it is released: the program never notices. */
enum tn_trial_contradiction_kind {
    TN_TRIAL_OUTLIVED = 1, /* a block was still live when its owner's call had ended */
    TN_TRIAL_LARGER,       /* a block was asked for that is larger than the owner's buffer */
    TN_TRIAL_MORE,         /* more blocks were live in one call of the owner than it has buffers */
    TN_TRIAL_RELEASED,     /* a block that lives to the end was released before */
    TN_TRIAL_PARTED,       /* a part of a structure was released, another part was still live when the thread
                              made its next structure; or the structure got a member that it has already */
};

/* The first event that contradicts a change. Written by the thread that takes it; readers look after the run.
 */
struct tn_trial_contradiction {
    uint32_t is_taken;            /* atomic: 1 once a thread has begun to write it */
    uint32_t kind;                /* enum tn_trial_contradiction_kind; atomic, written last: 0: none */
    uint64_t event;               /* number of the allocator call of all processes, from 1 */
    uint64_t size_bytes;          /* of the block, as asked for */
    struct tn_inject_stack birth; /* of the block: the frames of its place; of TN_TRIAL_LARGER, _MORE: none */
    struct tn_inject_stack moment; /* of that event: the whole stack */
};

/* One finding that is applied. */
struct tn_trial_change {
    /* By the tool. */
    uint32_t way; /* enum tn_trial_way */
    uint32_t reserved;
    uint64_t block_bytes;
    uint64_t count;

    /* What the processes tell, atomic, of all of them together. */
    uint64_t asked;      /* calls of its places */
    uint64_t served;     /* of these, that did not reach the heap: served and fallbacks are all of them, but
                            for the first members of COMBINED */
    uint64_t fallbacks;  /* of these, that the heap had to serve */
    uint64_t live_count; /* blocks served that live; a forked child releases copies, too: at least 0 */
    uint64_t peak_count; /* most blocks served that lived in one process at once */
    struct tn_trial_contradiction contradiction;
};

/* Frames that lead from the allocation function outwards to where blocks of a change are made. Written by the
 * tool, in order of the first frame's module and offset. */
struct tn_trial_place {
    uint32_t first_step; /* index of the innermost frame, below step_count */
    uint32_t step_count; /* from 1 */
    uint32_t owner;  /* of these, the frame of the function whose return ends the blocks; TN_TRIAL_NO_OWNER */
    uint32_t change; /* index of its change, below change_count */
    uint32_t member; /* COMBINED: which member of the structure it makes; 0: the one that is made first */
    uint32_t member_max; /* COMBINED: of these in one structure at once */
};

/* The head of the file; modules, steps, places and changes follow it in this order, each at a multiple of 8.
 */
struct tn_trial_head {
    uint32_t magic;        /* TN_TRIAL_MAGIC */
    uint32_t head_bytes;   /* sizeof(struct tn_trial_head) */
    uint64_t file_bytes;   /* of the whole file */
    uint32_t module_count; /* struct tn_inject_module */
    uint32_t step_count;   /* struct tn_inject_step */
    uint32_t place_count;
    uint32_t change_count;

    /* What the processes tell, atomic, of all of them together. */
    uint64_t events;     /* calls of allocation and release functions */
    uint64_t calls;      /* of these, that ask for memory */
    uint64_t heap_calls; /* of these, that were passed on */
    uint32_t processes;  /* images that mapped this file */
    uint32_t seen_count; /* atomic; may be above TN_INJECT_SEEN_MAX: then some found no room */
    struct tn_inject_seen seen[TN_INJECT_SEEN_MAX]; /* files that the stacks above lie in */
};

/* The parts behind a head, whose counts must be set: files with code, module_count of them. */
static inline struct tn_inject_module *tn_trial_modules(struct tn_trial_head *head)
{
    return (struct tn_inject_module *)(head + 1);
}

/* Frames, step_count of them. */
static inline struct tn_inject_step *tn_trial_steps(struct tn_trial_head *head)
{
    return (struct tn_inject_step *)(tn_trial_modules(head) + head->module_count);
}

/* Places, place_count of them. */
static inline struct tn_trial_place *tn_trial_places(struct tn_trial_head *head)
{
    return (struct tn_trial_place *)(tn_trial_steps(head) + head->step_count);
}

/* Changes, change_count of them. */
static inline struct tn_trial_change *tn_trial_changes(struct tn_trial_head *head)
{
    return (struct tn_trial_change *)(tn_trial_places(head) + head->place_count);
}

/* Bytes that a file with these counts has. */
static inline uint64_t tn_trial_file_bytes(const struct tn_trial_head *head)
{
    return sizeof(*head) + (uint64_t)head->module_count * sizeof(struct tn_inject_module) +
           (uint64_t)head->step_count * sizeof(struct tn_inject_step) +
           (uint64_t)head->place_count * sizeof(struct tn_trial_place) +
           (uint64_t)head->change_count * sizeof(struct tn_trial_change);
}

#endif
