/* SPDX-License-Identifier: MIT */

/* Walk a call stack by learned rules: a look-up and two loads a frame. */

#include "rules.h"
#include "shim.h"

#include "banned.h"

/* libunwind's own backtrace ends below this address. */
#define CODE_LOW ((uintptr_t)0x4000)

/* How far above the stack pointer libunwind believes a frame pointer without unwind information. */
#define CHAIN_BYTES_MAX ((uintptr_t)0x4000)

static inline uintptr_t load(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

/* Order matters, and both the code address and the frame's size count. */
static inline uint64_t mix(uint64_t hash, uintptr_t pc, uint64_t frame_bytes)
{
    hash = (hash ^ pc ^ frame_bytes << 44) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

enum outcome { OUTCOME_STEPPED, OUTCOME_OTHER, OUTCOME_CUT };

/* Step by a plain rule. Loads stay between the frame's stack pointer and the end of its stack. */
static inline __attribute__((always_inline)) enum outcome step_plain(uint64_t rule, struct tn_caller *at,
                                                                     uintptr_t high)
{
    enum tn_rule_kind kind = tn_rule_kind_of(rule);
    if (TN_UNLIKELY(kind != TN_RULE_SP && kind != TN_RULE_FP))
        return OUTCOME_OTHER;
    uintptr_t cfa = (kind == TN_RULE_SP ? at->cfa : at->fp) + (uintptr_t)tn_rule_offset_of(rule);
    uint64_t fp_bytes = tn_rule_fp_bytes_of(rule);
    uintptr_t low = at->cfa + sizeof(uintptr_t);
    if (TN_UNLIKELY(cfa - low > high - low || fp_bytes > cfa - at->cfa))
        return OUTCOME_CUT;
    if (fp_bytes != 0)
        at->fp = load(cfa - fp_bytes);
    at->pc = load((uintptr_t)((intptr_t)cfa + TN_ARCH_RETURN_OFFSET));
    at->cfa = cfa;
    return OUTCOME_STEPPED;
}

/* What libunwind does with code that has no unwind information, such as a compiler at run time makes. */
static bool step_chain(struct tn_caller *at, uintptr_t high)
{
    uintptr_t fp = at->fp;
    if (fp < at->cfa || fp - at->cfa > CHAIN_BYTES_MAX || fp % 8 != 0 || high - fp < 16)
        return false;
    at->cfa = fp + 16;
    at->pc = load(fp + 8);
    at->fp = load(fp);
    return true;
}

/* Out of a signal handler's frame: the interrupted registers lie in memory, maybe on another stack. */
static bool step_signal(struct tn_caller *at, uintptr_t high)
{
    if (high - at->cfa < tn_arch_signal_pc_offset + sizeof(uintptr_t))
        return false;
    uintptr_t sp = at->cfa;
    at->cfa = load(sp + tn_arch_signal_sp_offset);
    at->fp = load(sp + tn_arch_signal_fp_offset);
    at->pc = load(sp + tn_arch_signal_pc_offset) + 1;
    return true;
}

static bool step_other(enum tn_rule_kind kind, struct tn_walk *walk, struct tn_thread *thread)
{
    switch (kind) {
    case TN_RULE_CHAIN:
        return step_chain(&walk->at, walk->high);
    case TN_RULE_SIGNAL:
        return step_signal(&walk->at, walk->high);
    case TN_RULE_COMPLEX:
        return tn_teach_step(thread, &walk->at, walk->high);
    default:
        return false;
    }
}

/* Count a last frame. */
static bool end_walk(struct tn_walk *walk, uintptr_t pc, uint64_t *ret_bytes, bool is_cut)
{
    walk->is_cut = is_cut;
    walk->hash = mix(walk->hash, pc, is_cut);
    walk->depth++;
    *ret_bytes = 0;
    return false;
}

bool tn_walk_step(struct tn_walk *walk, struct tn_thread *thread, uint64_t *ret_bytes)
{
    struct tn_caller from = walk->at;
    uint64_t rule = tn_table_find(&tn_process.rules, from.pc);
    if (rule == TN_RULE_UNKNOWN)
        rule = tn_teach_rule(thread, from.pc);
    if (rule == TN_RULE_UNKNOWN || walk->depth + 1 >= tn_process.options.depth_max)
        return end_walk(walk, from.pc, ret_bytes, true);
    enum outcome outcome = step_plain(rule, &walk->at, walk->high);
    if (outcome == OUTCOME_CUT)
        return end_walk(walk, from.pc, ret_bytes, true);
    if (outcome == OUTCOME_OTHER && !step_other(tn_rule_kind_of(rule), walk, thread))
        return end_walk(walk, from.pc, ret_bytes, false);
    if (walk->at.pc < CODE_LOW)
        return end_walk(walk, from.pc, ret_bytes, false);
    *ret_bytes = walk->at.cfa - from.cfa;
    walk->hash = mix(walk->hash, from.pc, *ret_bytes);
    walk->depth++;
    if (walk->at.cfa - from.cfa < walk->high - from.cfa)
        return true;
    walk->high = tn_thread_stack_high(thread, walk->at.cfa);
    if (walk->high != 0)
        return true;
    walk->is_cut = true;
    return false;
}

void tn_walk_begin(struct tn_walk *walk, struct tn_thread *thread, const struct tn_caller *caller)
{
    walk->at = *caller;
    walk->hash = 0;
    walk->depth = 0;
    walk->is_cut = false;
    walk->high = caller->cfa - thread->stack_low < thread->stack_high - thread->stack_low
                     ? thread->stack_high
                     : tn_thread_stack_high(thread, caller->cfa);
}

static __attribute__((noinline)) uint32_t announce(struct tn_thread *thread, const struct tn_caller *caller,
                                                   const struct tn_walk *walk)
{
    tn_own_begin(thread);
    uint32_t id = tn_stack_announce(thread, caller, walk);
    tn_own_end(thread);
    return id;
}

/* Step on by plain rules for as long as they serve; walk->at is the first frame that needs more. */
static inline __attribute__((always_inline)) void walk_plain(struct tn_walk *walk)
{
    struct tn_caller at = walk->at;
    uint64_t hash = walk->hash;
    uintptr_t high = walk->high;
    uint32_t depth = walk->depth;
    uint32_t depth_max = tn_process.options.depth_max - 1;
    while (depth < depth_max) {
        struct tn_caller from = at;
        uint64_t rule = tn_table_find(&tn_process.rules, from.pc);
        if (TN_UNLIKELY(step_plain(rule, &at, high) != OUTCOME_STEPPED))
            break;
        if (TN_UNLIKELY(at.pc < CODE_LOW || at.cfa >= high)) {
            at = from;
            break;
        }
        hash = mix(hash, from.pc, at.cfa - from.cfa);
        depth++;
    }
    walk->at = at;
    walk->hash = hash;
    walk->depth = depth;
}

uint32_t tn_capture(struct tn_thread *thread, const struct tn_caller *caller)
{
    struct tn_walk walk;
    uint64_t bytes;
    tn_walk_begin(&walk, thread, caller);
    if (TN_UNLIKELY(walk.high == 0))
        return 0;
    do
        walk_plain(&walk);
    while (tn_walk_step(&walk, thread, &bytes));
    walk.hash |= walk.hash == 0;
    uint32_t id = tn_stack_find(walk.hash);
    return TN_LIKELY(id != 0) ? id : announce(thread, caller, &walk);
}
