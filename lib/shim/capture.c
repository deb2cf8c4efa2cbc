/* SPDX-License-Identifier: MIT */

/* Take a call stack by learned rules, and no more of it than is new.
 *
 * A step by a rule is a look-up and two loads, each waiting for the one before: some 20 cycles. But the outer
 * frames of one stack are mostly those of the one before. So each thread keeps its last stack as a trail:
 * where each return address lay, and what it was. Once the walk arrives at a frame of the trail, with the
 * same registers, the rest is the same if the same words still lie in the same places, which is checked by
 * loads that do not wait for one another. */

#include "capture.h"

#include "rules.h"
#include "shim.h"
#include "sys.h"

#include "banned.h"

/* libunwind's own backtrace ends below this address. */
#define CODE_LOW ((uintptr_t)0x4000)

/* How far above the stack pointer libunwind believes a frame pointer without unwind information. */
#define CHAIN_BYTES_MAX ((uintptr_t)0x4000)

/* Frames begin on a line of the cache. */
#define TRAIL_HEAD_BYTES ((size_t)64)

_Static_assert(sizeof(struct tn_trail) <= TRAIL_HEAD_BYTES, "the frames begin behind the trail itself");

/* A walk under way. */
struct walk {
    struct tn_caller at; /* the frame that is to be stepped out of */
    uintptr_t high;      /* one past the highest byte of the stack that at.cfa lies in */
    uintptr_t end_slot;  /* where the word lay that ended the walk; 0: it ended otherwise */
};

enum step {
    STEP_ON,  /* there is a caller */
    STEP_END, /* that frame was the outermost */
    STEP_CUT, /* what is further out cannot be told */
};

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

/* Step by a plain rule, with every load between the frame's stack pointer and the end of its stack, to a
 * caller in the same stack. Returns whether that could be done; else nothing has changed.
 *
 * ret_slot  where the caller's frame pointer was loaded from; 0: it stayed in its register */
static inline __attribute__((always_inline)) bool step_plain(uint64_t rule, struct tn_caller *at,
                                                             uintptr_t high, uintptr_t *ret_slot)
{
    enum tn_rule_kind kind = tn_rule_kind_of(rule);
    if (TN_UNLIKELY(kind != TN_RULE_SP && kind != TN_RULE_FP))
        return false;
    uintptr_t cfa = (kind == TN_RULE_SP ? at->cfa : at->fp) + (uintptr_t)tn_rule_offset_of(rule);
    uint64_t fp_bytes = tn_rule_fp_bytes_of(rule);
    uintptr_t low = at->cfa + sizeof(uintptr_t);
    /* One comparison for both bounds: low <= cfa < high. */
    if (TN_UNLIKELY(cfa - low >= high - low || fp_bytes > cfa - at->cfa))
        return false;
    uintptr_t pc = load((uintptr_t)((intptr_t)cfa + TN_ARCH_RETURN_OFFSET));
    if (TN_UNLIKELY(pc < CODE_LOW))
        return false;
    *ret_slot = fp_bytes != 0 ? cfa - fp_bytes : 0;
    if (fp_bytes != 0)
        at->fp = load(cfa - fp_bytes);
    at->pc = pc;
    at->cfa = cfa;
    return true;
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

/* A plain rule that leads out of the stack, to its end or beyond what may be read. */
static enum step step_out(uint64_t rule, struct walk *walk)
{
    uintptr_t base = tn_rule_kind_of(rule) == TN_RULE_SP ? walk->at.cfa : walk->at.fp;
    uintptr_t cfa = base + (uintptr_t)tn_rule_offset_of(rule);
    uintptr_t low = walk->at.cfa + sizeof(uintptr_t);
    uint64_t fp_bytes = tn_rule_fp_bytes_of(rule);
    if (cfa - low > walk->high - low || fp_bytes > cfa - walk->at.cfa)
        return STEP_CUT;
    walk->end_slot = (uintptr_t)((intptr_t)cfa + TN_ARCH_RETURN_OFFSET);
    /* A stack that ends right above a return address which leads on is of no kind we know. */
    return load(walk->end_slot) < CODE_LOW ? STEP_END : STEP_CUT;
}

static bool step_other(enum tn_rule_kind kind, struct walk *walk, struct tn_thread *thread)
{
    switch (kind) {
    case TN_RULE_CHAIN:
        return step_chain(&walk->at, walk->high);
    case TN_RULE_SIGNAL:
        return step_signal(&walk->at, walk->high);
    default:
        return tn_teach_step(thread, &walk->at, walk->high);
    }
}

/* Step out of a frame by whatever its rule says.
 *
 * frame  its kind and slot are written */
static __attribute__((noinline)) enum step step_any(struct walk *walk, struct tn_thread *thread,
                                                    struct tn_trail_frame *frame)
{
    uint64_t rule = tn_table_find(&tn_process.rules, walk->at.pc);
    if (rule == TN_RULE_UNKNOWN)
        rule = tn_teach_rule(thread, walk->at.pc);
    frame->kind = (uint8_t)tn_rule_kind_of(rule);
    frame->slot = 0;
    walk->end_slot = 0;
    if (frame->kind == TN_RULE_END)
        return STEP_END;
    if (frame->kind == TN_RULE_UNKNOWN)
        return STEP_CUT;
    if (step_plain(rule, &walk->at, walk->high, &frame->slot))
        return STEP_ON;
    if (frame->kind == TN_RULE_SP || frame->kind == TN_RULE_FP)
        return step_out(rule, walk);
    uintptr_t sp = walk->at.cfa;
    if (!step_other(frame->kind, walk, thread) || walk->at.pc < CODE_LOW)
        return STEP_END;
    /* A signal handler may run on a stack of its own. */
    if (walk->at.cfa - sp >= walk->high - sp)
        walk->high = tn_thread_stack_high(thread, walk->at.cfa);
    return walk->high != 0 ? STEP_ON : STEP_CUT;
}

/* Begin a walk at caller. */
static inline void walk_begin(struct walk *walk, struct tn_thread *thread, const struct tn_caller *caller)
{
    walk->at = *caller;
    walk->end_slot = 0;
    walk->high = caller->cfa - thread->stack_low < thread->stack_high - thread->stack_low
                     ? thread->stack_high
                     : tn_thread_stack_high(thread, caller->cfa);
}

/* Whether the walk has arrived at this frame of the trail, with all that decides how it goes on. */
static inline bool is_same(const struct tn_trail_frame *frame, const struct tn_caller *at)
{
    return frame->at.cfa == at->cfa && frame->at.pc == at->pc && (frame->at.fp == at->fp || !frame->needs_fp);
}

/* How many of the trail's outermost count frames no longer follow from the one inside them; 0 when all do. */
static inline uint32_t verify(const struct tn_trail *trail, uint32_t count)
{
    for (uint32_t i = count - 1; i > 0; i--) {
        const struct tn_trail_frame *outer = &trail->kept[i - 1];
        uintptr_t pc = load((uintptr_t)((intptr_t)outer->at.cfa + TN_ARCH_RETURN_OFFSET));
        if (TN_UNLIKELY(pc != outer->at.pc || *outer->fp_watch != outer->at.fp))
            return i;
    }
    return 0;
}

/* Put a frame on top of the trail, outward ones first. */
static inline void keep(struct tn_trail *trail, const struct tn_trail_frame *fresh, uint32_t count,
                        uint64_t seed)
{
    struct tn_trail_frame *frame = &trail->kept[count];
    *frame = *fresh;
    frame->fp_watch = &frame->at.fp;
    bool is_fp_based = frame->kind == TN_RULE_FP;
    if (count == 0) {
        frame->hash = mix(seed, frame->at.pc, 0);
        frame->needs_fp = is_fp_based;
        return;
    }
    struct tn_trail_frame *outer = frame - 1;
    frame->hash = mix(outer->hash, frame->at.pc, outer->at.cfa - frame->at.cfa);
    /* The frame pointer matters where a frame further out is found by it before it is loaded anew. */
    frame->needs_fp = is_fp_based || (frame->slot == 0 && outer->needs_fp);
    outer->fp_watch = frame->slot != 0 && outer->needs_fp ? (const uintptr_t *)frame->slot : &outer->at.fp;
}

/* Whether a frame's caller can be verified by the words it was found from. */
static inline bool is_plain(const struct tn_trail_frame *frame)
{
    return frame->kind == TN_RULE_SP || frame->kind == TN_RULE_FP || frame->kind == TN_RULE_END;
}

/* Put the new frames on what has been kept. Returns the number of all frames. */
static inline uint32_t fold(struct tn_trail *trail, uint32_t kept, uint32_t fresh, bool is_cut)
{
    bool is_solid = !is_cut;
    trail->plain_count = kept;
    for (uint32_t i = fresh; i > 0; i--) {
        keep(trail, &trail->fresh[i - 1], kept++, is_cut);
        is_solid = is_solid && is_plain(&trail->fresh[i - 1]);
        trail->plain_count += is_solid;
    }
    trail->count = kept;
    return kept;
}

/* Remember how a walk ended: a word that has to be as it was, or nothing. */
static void note_end(struct tn_trail *trail, const struct walk *walk)
{
    trail->high = walk->high;
    trail->end_value = walk->end_slot != 0 ? load(walk->end_slot) : 0;
    trail->end_watch = walk->end_slot != 0 ? (const uintptr_t *)walk->end_slot : &trail->end_value;
}

/* Whether the walk has met the trail at its frame kept - 1, and the trail still holds from there on. If it
 * does not, kept becomes what may still be met further out. */
static inline bool has_met(const struct tn_trail *trail, uint32_t *kept, const struct tn_caller *at,
                           uintptr_t high)
{
    uint32_t left = *kept;
    while (left > 0 && trail->kept[left - 1].at.cfa < at->cfa)
        left--;
    *kept = left;
    if (left == 0 || !is_same(&trail->kept[left - 1], at) || high != trail->high)
        return false;
    uint32_t broken = verify(trail, left);
    if (TN_LIKELY(broken == 0 && *trail->end_watch == trail->end_value))
        return true;
    *kept = broken;
    return false;
}

/* Walk until the trail is met, or to the end; the new frames are in trail->fresh.
 *
 * kept     in: frames of the trail that may be met; out: those that hold
 * Returns  new frames */
static inline __attribute__((always_inline)) uint32_t walk_fresh(struct walk *walk, struct tn_thread *thread,
                                                                 uint32_t *kept, bool *ret_is_cut)
{
    struct tn_trail *trail = thread->trail;
    struct tn_caller at = walk->at;
    uintptr_t high = walk->high;
    uint32_t depth_max = tn_process.options.depth_max;
    uint32_t fresh = 0;
    enum step step = STEP_ON;
    *ret_is_cut = false;
    while (step == STEP_ON && fresh < depth_max) {
        if (has_met(trail, kept, &at, high))
            return fresh;
        struct tn_trail_frame *frame = &trail->fresh[fresh++];
        frame->at = at;
        uint64_t rule = tn_table_find(&tn_process.rules, at.pc);
        frame->kind = (uint8_t)tn_rule_kind_of(rule);
        if (TN_LIKELY(step_plain(rule, &at, high, &frame->slot)))
            continue;
        walk->at = at;
        step = step_any(walk, thread, frame);
        at = walk->at;
        high = walk->high;
    }
    *kept = 0;
    *ret_is_cut = step != STEP_END;
    note_end(trail, walk);
    return fresh;
}

/* The thread's trail, made fit for use. */
static inline struct tn_trail *trail_of(struct tn_thread *thread)
{
    if (TN_UNLIKELY(thread->trail == NULL))
        thread->trail = tn_trail_open(tn_process.options.depth_max);
    struct tn_trail *trail = thread->trail;
    uint32_t epoch = atomic_load_explicit(&tn_process.rule_epoch, memory_order_acquire);
    if (TN_UNLIKELY(trail != NULL && trail->epoch != epoch)) {
        trail->plain_count = 0;
        trail->count = 0;
        trail->epoch = epoch;
    }
    return trail;
}

static __attribute__((noinline)) uint32_t announce(struct tn_thread *thread, const struct tn_caller *caller,
                                                   uint32_t depth, bool is_cut)
{
    tn_own_begin(thread);
    uint32_t id = tn_stack_announce(thread, caller, depth, is_cut);
    tn_own_end(thread);
    return id;
}

static inline __attribute__((always_inline)) uint32_t capture(struct tn_thread *thread,
                                                              const struct tn_caller *caller)
{
    struct walk walk;
    struct tn_trail *trail = trail_of(thread);
    walk_begin(&walk, thread, caller);
    if (TN_UNLIKELY(trail == NULL || walk.high == 0))
        return 0;
    bool is_cut;
    uint32_t kept = trail->plain_count;
    uint32_t fresh = walk_fresh(&walk, thread, &kept, &is_cut);
    if (fresh == 0 && kept == trail->count && trail->id != 0)
        return trail->id;
    if (TN_UNLIKELY(kept + fresh > tn_process.options.depth_max)) {
        /* Too deep together: what is kept has to be cut anew. */
        trail->plain_count = 0;
        walk_begin(&walk, thread, caller);
        kept = 0;
        fresh = walk_fresh(&walk, thread, &kept, &is_cut);
    }
    if (fresh != 0) {
        kept = fold(trail, kept, fresh, is_cut);
        trail->id = 0;
    }
    uint64_t hash = tn_trail_hash(trail, kept);
    uint32_t id = tn_stack_find(hash);
    if (TN_UNLIKELY(id == 0))
        id = announce(thread, caller, kept, is_cut);
    if (kept == trail->count)
        trail->id = id;
    return id;
}

/* What a stack is taken with beyond the usual: with TENURE_CHECK_STACKS a second time, without the trail;
 * after a thread's end, with a trail that is given back at once, since nobody would do so later. */
static __attribute__((noinline)) void finish_capture(struct tn_thread *thread, const struct tn_caller *caller,
                                                     uint32_t id)
{
    struct tn_trail *trail = thread->trail;
    if (trail != NULL && tn_process.options.check_stacks != 0) {
        trail->plain_count = 0;
        trail->count = 0;
        if (capture(thread, caller) != id)
            atomic_fetch_add_explicit(&tn_hot.header->stacks_different, 1, memory_order_relaxed);
    }
    if (!thread->is_ended)
        return;
    tn_trail_close(trail, tn_process.options.depth_max);
    thread->trail = NULL;
}

uint32_t tn_capture(struct tn_thread *thread, const struct tn_caller *caller)
{
    uint32_t id = capture(thread, caller);
    if (TN_UNLIKELY(thread->is_ended || tn_process.options.check_stacks != 0))
        finish_capture(thread, caller, id);
    return id;
}

static size_t trail_bytes(uint32_t depth_max)
{
    return TRAIL_HEAD_BYTES + 2 * (size_t)depth_max * sizeof(struct tn_trail_frame);
}

struct tn_trail *tn_trail_open(uint32_t depth_max)
{
    struct tn_trail *trail = tn_map_pages(trail_bytes(depth_max));
    if (trail == NULL)
        return NULL;
    trail->kept = (struct tn_trail_frame *)((char *)trail + TRAIL_HEAD_BYTES);
    trail->fresh = trail->kept + depth_max;
    trail->end_watch = &trail->end_value;
    return trail;
}

void tn_trail_close(struct tn_trail *trail, uint32_t depth_max)
{
    tn_unmap_pages(trail, trail_bytes(depth_max));
}
