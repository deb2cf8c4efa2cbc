/* SPDX-License-Identifier: MIT */

/* Steps that no plain rule describes: frames without unwind information, signal frames, the outermost frame,
 * and what only libunwind can walk. Invariant: no load outside the stack that the frame lies in. Called by
 * capture.c and instrument.c. */

#include "walk.h"

#include "learn.h"
#include "stack_region.h"
#include "unwinder.h"

#include "banned.h"

/* How far above the stack pointer libunwind accepts a frame pointer when there is no unwind information. */
#define CHAIN_BYTES_MAX ((uintptr_t)0x4000)

/* As libunwind does for code without unwind information, such as run-time compilers make. */
static bool step_chain(struct tn_caller *at, uintptr_t high)
{
    uintptr_t fp = at->fp;
    if (fp < at->cfa || fp - at->cfa > CHAIN_BYTES_MAX || fp % sizeof(fp) != 0 ||
        high - fp < TN_ARCH_CHAIN_BYTES)
        return false;
    *at = tn_arch_chain_caller(fp);
    return true;
}

/* Step out of a signal frame: the interrupted registers lie in memory, and may point into another stack. */
static bool step_signal(struct tn_walk *walk)
{
    struct tn_caller *at = &walk->at;
    if (walk->high - at->cfa < tn_arch_signal_pc_offset + sizeof(uintptr_t))
        return false;
    uintptr_t sp = at->cfa;
    at->cfa = tn_load(sp + tn_arch_signal_sp_offset);
    at->fp = tn_load(sp + tn_arch_signal_fp_offset);
    at->pc = tn_load(sp + tn_arch_signal_pc_offset) + TN_CODE_UNIT_BYTES;
    if (TN_ARCH_HAS_LINK) {
        walk->link = tn_load(sp + tn_arch_signal_link_offset);
        walk->link_sp = at->cfa;
    }
    return true;
}

/* Out of a function that a signal interrupted before it had saved its return address. */
static void step_link(uint64_t rule, struct tn_caller *at, uintptr_t link)
{
    at->pc = tn_arch_return_address(link);
    at->cfa += (uintptr_t)tn_rule_offset_of(rule);
}

/* A plain rule that leads to the end of the stack, or beyond what may be read. */
static enum tn_walk_step step_out(uint64_t rule, struct tn_walk *walk)
{
    uintptr_t base = tn_rule_kind_of(rule) == TN_RULE_SP ? walk->at.cfa : walk->at.fp;
    uintptr_t cfa = base + (uintptr_t)tn_rule_offset_of(rule);
    uintptr_t low = walk->at.cfa + TN_ARCH_FRAME_BYTES_MIN;
    uint64_t fp_bytes = tn_rule_fp_bytes_of(rule);
    if (cfa - low > walk->high - low || fp_bytes > cfa - walk->at.cfa)
        return TN_WALK_CUT;
    walk->end_slot = tn_arch_return_slot(cfa, cfa - fp_bytes);
    /* A stack that ends right above a return address to code is of no known kind. */
    return tn_arch_return_address(tn_load(walk->end_slot)) < TN_CODE_LOW ? TN_WALK_END : TN_WALK_CUT;
}

/* Before libunwind is called: once for a whole stack, since it costs two system calls. */
static void begin_own(struct tn_walk *walk, struct tn_thread *thread)
{
    if (!walk->is_own)
        tn_own_begin(thread);
    walk->is_own = true;
}

/* The return address register in the frame that is to be stepped out of; 0: not known. Plain steps, which do
 * not come here, leave the stack pointer for a higher one. */
static uintptr_t take_link(struct tn_walk *walk)
{
    bool is_known = TN_ARCH_HAS_LINK && walk->link_sp == walk->at.cfa;
    walk->link_sp = 0;
    return is_known ? walk->link : 0;
}

static enum tn_walk_step step_by_unwinder(struct tn_walk *walk, struct tn_thread *thread, uintptr_t link)
{
    begin_own(walk, thread);
    int result = tn_unwinder_step(&walk->at, link, walk->high);
    _Atomic uint32_t *count = result < 0 ? &tn_hot.header->frames_unwalked : &tn_hot.header->frames_complex;
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    return result < 0 ? TN_WALK_CUT : result == 0 ? TN_WALK_END : TN_WALK_ON;
}

static enum tn_walk_step step_other(uint64_t rule, struct tn_walk *walk, struct tn_thread *thread)
{
    uintptr_t link = take_link(walk);
    bool has_caller = true;
    if (tn_rule_kind_of(rule) == TN_RULE_CHAIN && link != 0 &&
        tn_arch_is_linkage(walk->at.pc - TN_CODE_UNIT_BYTES))
        walk->at.pc = tn_arch_return_address(link);
    else if (tn_rule_kind_of(rule) == TN_RULE_CHAIN)
        has_caller = step_chain(&walk->at, walk->high);
    else if (tn_rule_kind_of(rule) == TN_RULE_SIGNAL)
        has_caller = step_signal(walk);
    else if (tn_rule_is_link(rule) && link != 0)
        step_link(rule, &walk->at, link);
    else
        return step_by_unwinder(walk, thread, link);
    return has_caller ? TN_WALK_ON : TN_WALK_END;
}

enum tn_walk_step tn_step_any(struct tn_walk *walk, struct tn_thread *thread, struct tn_trail_frame *frame)
{
    uint64_t rule = tn_rules_find_any(&tn_shim_process.rules, walk->at.pc);
    if (rule == TN_RULE_UNKNOWN) {
        begin_own(walk, thread);
        rule = tn_learn_rule(thread, walk->at.pc);
    }
    frame->kind = (uint8_t)tn_rule_kind_of(rule);
    frame->slot = 0;
    walk->end_slot = 0;
    if (frame->kind == TN_RULE_END)
        return TN_WALK_END;
    if (tn_step_plain(rule, &walk->at, walk->high, &frame->slot))
        return TN_WALK_ON;
    if (frame->kind == TN_RULE_SP || frame->kind == TN_RULE_FP)
        return step_out(rule, walk);
    uintptr_t sp = walk->at.cfa;
    enum tn_walk_step step = step_other(rule, walk, thread);
    if (step != TN_WALK_ON || walk->at.pc < TN_CODE_LOW)
        return step == TN_WALK_ON ? TN_WALK_END : step;
    /* A signal handler may have a stack of its own: the walk continues in another one. */
    if (walk->at.cfa - sp >= walk->high - sp)
        walk->high = tn_region_high(thread, walk->at.cfa);
    return walk->high != 0 ? TN_WALK_ON : TN_WALK_CUT;
}
