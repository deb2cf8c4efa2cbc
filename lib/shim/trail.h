/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_TRAIL_H
#define TENURE_SHIM_TRAIL_H

/* What a thread remembers of its stacks: the trail, one stack whose frames can be verified by the words that
 * they were found from, and memos of whole stacks. capture.c says how they are used. One thread each. */

#include "arch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word of the stack that a remembered stack was found by. */
struct tn_watch {
    const uintptr_t *slot;
    uintptr_t value;
};

/* One frame: the registers on arrival at it, and how its caller was found. A line of the cache each. */
struct tn_trail_frame {
    _Alignas(64) struct tn_caller at;
    uint64_t hash;        /* of this frame and all outward */
    uintptr_t slot;       /* where the caller's frame pointer was loaded from; 0: it stayed in its register */
    uint64_t serial;      /* of this writing of this frame: no other frame of the trail ever bears it */
    uint32_t watch_count; /* that many of the trail's first watches prove all that lies outward of it */
    uint8_t kind;         /* enum tn_rule_kind */
    bool needs_fp;        /* at.fp decides how the walk goes on, here or further out */
};

/* Where an event happened. */
struct tn_origin {
    uint32_t stack_id;    /* 0: it could not be taken */
    uint32_t depth_bytes; /* of the caller below the base of its stack */
};

/* A whole stack that leaves the trail by few inner frames. While its own watches hold, and the trail's
 * watches from the frame that it continues with, a caller with the same registers has the same stack. */
#define TN_MEMO_SET_BITS   6
#define TN_MEMO_WAYS       4u /* stacks of one set; several may have the same registers: two paths to one call */
#define TN_MEMO_FRAMES_MAX 8u
#define TN_MEMO_WATCH_MAX  (2 * TN_MEMO_FRAMES_MAX)

struct tn_memo {
    _Alignas(64) struct tn_caller at; /* the caller; at.pc 0: nothing is remembered here */
    uintptr_t fp_mask;                /* 0 where at.fp does not matter, else all ones */
    struct tn_origin origin;
    const struct tn_trail_frame *frame; /* the trail's frame that the stack goes on with */
    uint64_t serial;                    /* of that frame */
    uint32_t frame_count;               /* of the trail's frames: that one and those outward */
    uint32_t trail_watch_count;         /* of the trail's watches, which must hold */
    uint32_t watch_count;               /* of the memo's own */
    uint32_t young_for;                 /* TN_YOUNG_FOR_*, as it was last seen: it only falls */
    struct tn_watch watches[TN_MEMO_WATCH_MAX];
};

/* A stack that was found by a walk. */
struct tn_known_stack {
    uint64_t hash;
    uint32_t id;  /* 0: this entry is free */
    uint32_t era; /* of the thread's generation then, since a fork child has ids of its own, and of the
                     trail's epoch, since other code may have come to the same addresses */
};

/* Few enough to stay in the cache beside what the program works with; the table of all stacks does not. */
#define TN_KNOWN_STACK_BITS 12

struct tn_trail {
    uint32_t count;               /* frames kept */
    uint32_t plain_count;         /* of these, the outermost ones, found by plain rules: may be met again */
    uint32_t epoch;               /* of the rules that they were found by; see TN_EPOCH_CHECKED */
    uint32_t last_id;             /* of the stack that was looked up last */
    uint32_t turn;                /* which memo of a set is overwritten next */
    uint32_t end_watch_count;     /* 1: watches[0] is the word that ended the walk */
    uint64_t last_serial;         /* of the frames */
    uintptr_t high;               /* the end of the stack that the outermost frames lie in */
    struct tn_trail_frame *kept;  /* the outermost first; room for depth_max */
    struct tn_trail_frame *fresh; /* new frames, the innermost first; room for depth_max; else scratch */
    struct tn_watch *watches;     /* the outermost frame's first; room for two a frame and one */
    struct tn_trail *reference;   /* to check stacks with; NULL until then */
    struct tn_memo memos[TN_MEMO_WAYS << TN_MEMO_SET_BITS];
    struct tn_known_stack known[1u << TN_KNOWN_STACK_BITS]; /* by the top bits of the hash */
};

/* Added to a trail's epoch with TENURE_CHECK_STACKS: no epoch of the rules has it, so that every stack takes
 * the slow path, which checks it. */
#define TN_EPOCH_CHECKED UINT32_C(0x80000000)

/* Make a trail for stacks of up to depth_max frames. Returns NULL when there is no memory; else
 * tn_trail_close releases it. */
struct tn_trail *tn_trail_open(uint32_t depth_max);

/* Release a trail; depth_max: as it was opened with. NULL is fine. */
void tn_trail_close(struct tn_trail *trail, uint32_t depth_max);

/* Forget every stack; memos, too, since they continue with frames of the trail. For a trail that was left
 * half written, or whose rules or ids are out of date. NULL is fine. */
void tn_trail_forget(struct tn_trail *trail);

/* The set of TN_MEMO_WAYS memos in which a caller's stack may be. */
static inline struct tn_memo *tn_trail_memos(struct tn_trail *trail, const struct tn_caller *caller)
{
    uint64_t key = (caller->pc + (caller->cfa << 20)) * UINT64_C(0x9e3779b97f4a7c15);
    return &trail->memos[(key >> (64 - TN_MEMO_SET_BITS)) * TN_MEMO_WAYS];
}

/* Whether a memo is of a caller with these registers, as far as they matter. */
static inline bool tn_memo_is_of(const struct tn_memo *memo, const struct tn_caller *caller)
{
    return ((memo->at.pc ^ caller->pc) | (memo->at.cfa ^ caller->cfa) |
            ((memo->at.fp ^ caller->fp) & memo->fp_mask)) == 0;
}

/* Whether the frame that a memo goes on with is still what it was. */
static inline bool tn_memo_has_frame(const struct tn_memo *memo, const struct tn_trail *trail)
{
    return memo->frame_count <= trail->plain_count && memo->frame->serial == memo->serial;
}

/* Whether every watch still shows its value. Loads that do not wait for one another, and one branch. */
static inline bool tn_watches_hold(const struct tn_watch *watches, uint32_t count)
{
    uintptr_t differences = 0;
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++)
        differences |= *watches[i].slot ^ watches[i].value;
    return differences == 0;
}

/* The same, for a few. */
static inline bool tn_few_watches_hold(const struct tn_watch *watches, uint32_t count)
{
    uintptr_t differences = 0;
#pragma GCC unroll 1
    for (uint32_t i = 0; i < count; i++)
        differences |= *watches[i].slot ^ watches[i].value;
    return differences == 0;
}

/* The memo that knows the caller's stack; NULL if there is none. The slots lie between the caller's CFA and
 * the end of its stack, since the memo's did. */
static inline struct tn_memo *tn_trail_recall(struct tn_trail *trail, const struct tn_caller *caller)
{
    struct tn_memo *memo = tn_trail_memos(trail, caller);
    for (const struct tn_memo *end = memo + TN_MEMO_WAYS; memo != end; memo++)
        if (tn_memo_is_of(memo, caller) && tn_memo_has_frame(memo, trail) &&
            tn_few_watches_hold(memo->watches, memo->watch_count) &&
            tn_watches_hold(trail->watches, memo->trail_watch_count))
            return memo;
    return NULL;
}

#endif
