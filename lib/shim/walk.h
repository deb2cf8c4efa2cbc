/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_WALK_H
#define TENURE_SHIM_WALK_H

/* Single steps of a stack's walk, from a frame to its caller, by the rule of the frame's return address. */

#include "arch.h"
#include "rules.h"
#include "shim_thread.h"
#include "trail.h"

#include <stdbool.h>
#include <stdint.h>

/* libunwind's own backtrace ends below this address. */
#define TN_CODE_LOW ((uintptr_t)0x4000)

/* The state of a walk. */
struct tn_walk {
    struct tn_caller at; /* the frame that is to be stepped out of */
    uintptr_t high;      /* one past the highest byte of the stack that at.cfa lies in */
    uintptr_t link;      /* return address register of a function that a signal interrupted */
    uintptr_t link_sp;   /* stack pointer of that function; 0: there was none */
    uintptr_t end_slot;  /* address of the word that ended the walk; 0: it ended otherwise */
    bool is_plain;       /* every frame so far was left by a plain rule */
    bool is_own;         /* libunwind was called: tn_own_end is due when the stack has been dealt with */
};

/* Where a step has led to. */
enum tn_walk_step {
    TN_WALK_ON,  /* there is a caller */
    TN_WALK_END, /* that frame was the outermost */
    TN_WALK_CUT, /* its caller cannot be found */
};

/* A word of the stack. */
static inline uintptr_t tn_load(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

/* Step by a plain rule to a caller in the same stack, with every load between the frame's stack pointer and
 * the end of the stack.
 *
 * at        in: the frame; out: its caller
 * high      one past the highest address of the stack
 * ret_slot  where the caller's frame pointer was loaded from; 0: it stayed in its register
 * Returns   whether the rule and the addresses allow it; if not, nothing has changed */
static inline __attribute__((always_inline)) bool tn_step_plain(uint64_t rule, struct tn_caller *at,
                                                                uintptr_t high, uintptr_t *ret_slot)
{
    enum tn_rule_kind kind = tn_rule_kind_of(rule);
    if (TN_UNLIKELY(kind != TN_RULE_SP && kind != TN_RULE_FP))
        return false;
    uintptr_t cfa = (kind == TN_RULE_SP ? at->cfa : at->fp) + (uintptr_t)tn_rule_offset_of(rule);
    uint64_t fp_bytes = tn_rule_fp_bytes_of(rule);
    uintptr_t low = at->cfa + TN_ARCH_FRAME_BYTES_MIN;
    /* One comparison for both bounds: low <= cfa < high. */
    if (TN_UNLIKELY(cfa - low >= high - low || fp_bytes > cfa - at->cfa))
        return false;
    uintptr_t pc = tn_arch_return_address(tn_load(tn_arch_return_slot(cfa, cfa - fp_bytes)));
    if (TN_UNLIKELY(pc < TN_CODE_LOW))
        return false;
    *ret_slot = fp_bytes != 0 ? cfa - fp_bytes : 0;
    if (fp_bytes != 0)
        at->fp = tn_load(cfa - fp_bytes);
    at->pc = pc;
    at->cfa = cfa;
    return true;
}

/* Step out of a frame by a rule of any kind, learning it if need be.
 *
 * frame    its kind and slot are written
 * Returns  TN_WALK_ON: walk->at is the caller; else why not
 * Threads  the calling one; may take the unwinder's lock, and sets walk->is_own if it calls libunwind */
enum tn_walk_step tn_step_any(struct tn_walk *walk, struct tn_thread *thread, struct tn_trail_frame *frame);

#endif
