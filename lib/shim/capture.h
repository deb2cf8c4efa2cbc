/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_CAPTURE_H
#define TENURE_SHIM_CAPTURE_H

/* A thread's last stack, frame by frame; see capture.c. */

#include "arch.h"

#include <stdbool.h>
#include <stdint.h>

/* One frame: the registers on arrival at it, and how its caller was found. A line of the cache each. */
struct tn_trail_frame {
    _Alignas(64) struct tn_caller at;
    uint64_t hash; /* of this frame and all outward */
    const uintptr_t
        *fp_watch;  /* must hold at.fp: where it was loaded from, or itself where it does not matter */
    uintptr_t slot; /* where the caller's frame pointer was loaded from; 0: it stayed in its register */
    uint8_t kind;   /* enum tn_rule_kind */
    bool needs_fp;  /* at.fp decides how the walk goes on, here or further out */
};

struct tn_trail {
    uint32_t count;       /* frames kept */
    uint32_t plain_count; /* of these, the outermost ones, each found by plain rules: may be met again */
    uint32_t epoch;       /* of the rules that they were found by */
    uint32_t id;          /* of the whole stack; 0: not known */
    const uintptr_t *end_watch; /* must hold end_value: the word that ended the walk, or itself */
    uintptr_t end_value;
    uintptr_t high;              /* the end of the stack that the outermost frames lie in */
    struct tn_trail_frame *kept; /* the outermost first; room for depth_max */
    struct tn_trail_frame
        *fresh; /* new frames, the innermost first; room for depth_max; else scratch memory */
};

/* Make a thread's trail. Returns NULL when the machine has no memory. */
struct tn_trail *tn_trail_open(uint32_t depth_max);

/* Give it back. NULL is fine. */
void tn_trail_close(struct tn_trail *trail, uint32_t depth_max);

#endif
