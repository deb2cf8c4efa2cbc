/* SPDX-License-Identifier: MIT */

/* Takes a call stack by unwind rules, and walks only what has changed since the thread's last stacks.
 *
 * A step by a rule is a look-up and two loads, each waiting for the one before: some 20 cycles. But the outer
 * frames of one stack are mostly those of the one before. So each thread keeps one stack, its trail: where
 * each return address lay, and what it was. Once a walk arrives at a frame of the trail, with the same
 * registers, the rest is the same if the same words still lie in the same slots, which is checked by loads
 * that do not wait for one another.
 *
 * And a program allocates at the same calls again and again. A whole stack that leaves the trail by a few
 * inner frames is remembered as a memo, found by the caller's registers: the words that the inner frames were
 * found by, and the frame of the trail that they lead to. While all these words are unchanged, so is the
 * stack's id.
 *
 * The trail is rewritten, from the frame where a walk has met it, only when a stack leaves it by more frames
 * than a memo holds: so a deep trail survives the shallow stacks between the deep ones.
 *
 * Called by the entry points, through tn_capture. */

#include "capture.h"

#include "rules.h"
#include "stack_ids.h"
#include "stack_region.h"
#include "walk.h"
#include "young_stacks.h"

#include "banned.h"

/* Order matters, and both the code address and the frame's size count. */
static inline uint64_t mix(uint64_t hash, uintptr_t pc, uint64_t frame_bytes)
{
    hash = (hash ^ pc ^ frame_bytes << 44) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

/* Begin a walk at caller. */
static inline void walk_begin(struct tn_walk *walk, struct tn_thread *thread, const struct tn_caller *caller)
{
    walk->at = *caller;
    walk->end_slot = 0;
    walk->is_plain = true;
    walk->high = tn_region_high(thread, caller->cfa);
}

/* Whether the walk has arrived at this frame of the trail, with all that decides how it goes on. */
static inline bool is_same(const struct tn_trail_frame *frame, const struct tn_caller *at)
{
    return frame->at.cfa == at->cfa && frame->at.pc == at->pc && (frame->at.fp == at->fp || !frame->needs_fp);
}

/* Whether a frame's caller can be verified by the words it was found from. */
static inline bool is_plain(const struct tn_trail_frame *frame)
{
    return frame->kind == TN_RULE_SP || frame->kind == TN_RULE_FP || frame->kind == TN_RULE_END;
}

/* How many of the trail's outermost count frames no longer follow from the one inside them. */
static uint32_t find_break(const struct tn_trail *trail, uint32_t count)
{
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t outward = trail->kept[i - 1].watch_count;
        if (!tn_watches_hold(trail->watches + outward, trail->kept[i].watch_count - outward))
            return i;
    }
    return 0;
}

/* How many of the trail's outermost frames a walk that begins at cfa may meet: none that lies further in. */
static inline uint32_t reach(const struct tn_trail *trail, uintptr_t cfa)
{
    uint32_t low = 0;
    uint32_t size = trail->plain_count;
    while (size > 0) {
        uint32_t half = (size + 1) / 2;
        bool is_outward = trail->kept[low + half - 1].at.cfa >= cfa;
        low += is_outward ? half : 0;
        size = is_outward ? size - half : half - 1;
    }
    return low;
}

/* Whether the walk has met the trail, and the trail's words are unchanged from there on.
 *
 * kept  in: frames of the trail that may be met; out: those from the frame that was met on, or, with false,
 * those that may still be met further out */
static inline bool has_met(const struct tn_trail *trail, uint32_t *kept, const struct tn_caller *at,
                           uintptr_t high)
{
    uint32_t left = *kept;
    while (left > 0 && trail->kept[left - 1].at.cfa < at->cfa)
        left--;
    *kept = left;
    if (left == 0 || !is_same(&trail->kept[left - 1], at) || high != trail->high)
        return false;
    if (TN_LIKELY(tn_watches_hold(trail->watches, trail->kept[left - 1].watch_count)))
        return true;
    *kept = find_break(trail, left);
    return false;
}

/* Remember how a walk ended: by the value of a word, which must stay the same, or otherwise. */
static void note_end(struct tn_trail *trail, const struct tn_walk *walk)
{
    trail->high = walk->high;
    trail->end_watch_count = walk->end_slot != 0;
    if (walk->end_slot != 0)
        trail->watches[0] =
            (struct tn_watch){(const uintptr_t *)walk->end_slot, *(const uintptr_t *)walk->end_slot};
}

/* Walk until the trail is met, or to the end; the new frames are in trail->fresh.
 *
 * kept     in: frames of the trail that may be met; out: those that hold, 0 when the walk came to an end
 * Returns  new frames */
static inline uint32_t walk_fresh(struct tn_walk *walk, struct tn_thread *thread, struct tn_trail *trail,
                                  uint32_t *kept, bool *ret_is_cut)
{
    struct tn_caller at = walk->at;
    uintptr_t high = walk->high;
    uint32_t depth_max = tn_shim_process.options.depth_max;
    uint32_t fresh = 0;
    enum tn_walk_step step = TN_WALK_ON;
    *ret_is_cut = false;
    while (step == TN_WALK_ON && fresh < depth_max) {
        if (has_met(trail, kept, &at, high))
            return fresh;
        struct tn_trail_frame *frame = &trail->fresh[fresh++];
        frame->at = at;
        uint64_t rule = tn_rules_find(&tn_shim_process.rules, at.pc);
        frame->kind = (uint8_t)tn_rule_kind_of(rule);
        if (TN_LIKELY(tn_step_plain(rule, &at, high, &frame->slot)))
            continue;
        walk->at = at;
        step = tn_step_any(walk, thread, frame);
        walk->is_plain = walk->is_plain && is_plain(frame);
        at = walk->at;
        high = walk->high;
    }
    *kept = 0;
    *ret_is_cut = step != TN_WALK_END;
    note_end(trail, walk);
    return fresh;
}

/* Derive what a frame has from those outward of it. outer: NULL for the outermost. */
static inline void join(struct tn_trail_frame *frame, const struct tn_trail_frame *outer, uint64_t seed)
{
    /* The frame pointer matters if a frame further out is found by it before another one is loaded. */
    frame->needs_fp = frame->kind == TN_RULE_FP || (outer != NULL && frame->slot == 0 && outer->needs_fp);
    frame->hash = outer != NULL ? mix(outer->hash, frame->at.pc, outer->at.cfa - frame->at.cfa)
                                : mix(seed, frame->at.pc, 0);
}

/* Write the watches that prove that outer follows from frame. Returns their number, at most 2. */
static inline uint32_t watch(const struct tn_trail_frame *frame, const struct tn_trail_frame *outer,
                             struct tn_watch *to)
{
    uintptr_t slot = tn_arch_return_slot(outer->at.cfa, frame->slot);
    to[0] = (struct tn_watch){(const uintptr_t *)slot, tn_arch_return_word(outer->at.pc, frame->slot)};
    if (frame->slot == 0 || !outer->needs_fp)
        return 1;
    to[1] = (struct tn_watch){(const uintptr_t *)frame->slot, outer->at.fp};
    return 2;
}

/* Put a new frame on top of the trail's outermost count frames. */
static inline void keep(struct tn_trail *trail, const struct tn_trail_frame *fresh, uint32_t count,
                        uint64_t seed)
{
    struct tn_trail_frame *frame = &trail->kept[count];
    *frame = *fresh;
    join(frame, count > 0 ? frame - 1 : NULL, seed);
    frame->serial = ++trail->last_serial;
    frame->watch_count = trail->end_watch_count;
    if (count == 0)
        return;
    uint32_t outward = frame[-1].watch_count;
    frame->watch_count = outward + watch(frame, frame - 1, trail->watches + outward);
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

/* The memo to overwrite with the caller's stack: one that is free or cannot match any more, else the next in
 * turn. */
static inline struct tn_memo *memo_to_overwrite(struct tn_trail *trail, const struct tn_caller *caller)
{
    struct tn_memo *memo = tn_trail_memos(trail, caller);
    for (uint32_t i = 0; i < TN_MEMO_WAYS; i++)
        if (memo[i].at.pc == 0 || !tn_memo_has_frame(&memo[i], trail))
            return &memo[i];
    trail->turn = (trail->turn + 1) % TN_MEMO_WAYS;
    return &memo[trail->turn];
}

/* Remember a stack: fresh new frames, on the trail's outermost kept frames, which are plain. */
static void remember(struct tn_trail *trail, const struct tn_caller *caller, uint32_t kept, uint32_t fresh,
                     struct tn_origin origin)
{
    const struct tn_trail_frame *frame = &trail->kept[kept - 1];
    struct tn_memo *memo = memo_to_overwrite(trail, caller);
    memo->at = *caller;
    memo->fp_mask = (fresh > 0 ? trail->fresh : frame)->needs_fp ? UINTPTR_MAX : 0;
    memo->origin = origin;
    memo->frame = frame;
    memo->serial = frame->serial;
    memo->frame_count = kept;
    memo->trail_watch_count = frame->watch_count;
    memo->watch_count = 0;
    memo->young_for = tn_young_for(origin.stack_id);
    for (uint32_t i = 0; i < fresh; i++) {
        const struct tn_trail_frame *outer = i + 1 < fresh ? &trail->fresh[i + 1] : frame;
        memo->watch_count += watch(&trail->fresh[i], outer, memo->watches + memo->watch_count);
    }
}

/* Whether a stack can be remembered: found by plain rules, in the thread's own stack, by few new frames. */
static inline bool is_memorable(const struct tn_thread *thread, const struct tn_trail *trail,
                                const struct tn_walk *walk, uint32_t kept, uint32_t fresh)
{
    return kept > 0 && kept <= trail->plain_count && fresh <= TN_MEMO_FRAMES_MAX && walk->is_plain &&
           trail->high == thread->stack_high;
}

/* Join the new frames to the trail's outermost kept ones, of which there is one. Returns the stack's hash. */
static inline uint64_t join_fresh(struct tn_trail *trail, uint32_t kept, uint32_t fresh)
{
    const struct tn_trail_frame *outer = &trail->kept[kept - 1];
    for (uint32_t i = fresh; i > 0; i--) {
        join(&trail->fresh[i - 1], outer, 0);
        outer = &trail->fresh[i - 1];
    }
    return outer->hash;
}

static __attribute__((noinline)) uint32_t announce(struct tn_thread *thread, struct tn_trail *trail,
                                                   const struct tn_caller *caller, uint32_t depth,
                                                   bool is_cut)
{
    tn_own_begin(thread);
    uint32_t id = tn_stack_announce(thread, trail, caller, depth, is_cut);
    tn_own_end(thread);
    trail->last_id = id;
    return id;
}

/* The id of the stack that hash names, by what the thread has found before, or by the table of all stacks. */
static inline uint32_t find_known(const struct tn_thread *thread, struct tn_trail *trail, uint64_t hash)
{
    struct tn_known_stack *known = &trail->known[hash >> (64 - TN_KNOWN_STACK_BITS)];
    uint32_t era = thread->generation * UINT32_C(0x9e3779b9) + trail->epoch;
    if (TN_LIKELY(known->hash == hash && known->era == era && known->id != 0))
        return known->id;
    uint32_t id = tn_stack_find(hash);
    *known = (struct tn_known_stack){hash, id, era};
    return id;
}

/* The id of the stack that hash names; 0 if it is new. */
static inline uint32_t find_id(const struct tn_thread *thread, struct tn_trail *trail, uint64_t hash)
{
    uint32_t id = tn_stack_find_near(trail->last_id, hash);
    if (id == 0)
        id = find_known(thread, trail, hash);
    if (id != 0)
        trail->last_id = id;
    return id;
}

/* The caller's stack by a walk. */
static struct tn_origin capture(struct tn_thread *thread, struct tn_trail *trail,
                                const struct tn_caller *caller)
{
    struct tn_walk walk = {.is_own = false};
    struct tn_origin origin = {0, tn_depth_of(thread, caller)};
    walk_begin(&walk, thread, caller);
    if (TN_UNLIKELY(walk.high == 0))
        return origin;
    bool is_cut;
    uint32_t kept = reach(trail, caller->cfa);
    uint32_t fresh = walk_fresh(&walk, thread, trail, &kept, &is_cut);
    if (TN_UNLIKELY(kept + fresh > tn_shim_process.options.depth_max)) {
        /* Too deep together: what the trail keeps has to be cut, too. */
        trail->plain_count = 0;
        walk_begin(&walk, thread, caller);
        kept = 0;
        fresh = walk_fresh(&walk, thread, trail, &kept, &is_cut);
    }
    if (kept == 0 || fresh > TN_MEMO_FRAMES_MAX) {
        kept = fold(trail, kept, fresh, is_cut);
        fresh = 0;
    }
    origin.stack_id = find_id(thread, trail, join_fresh(trail, kept, fresh));
    if (TN_UNLIKELY(origin.stack_id == 0 && fresh > 0)) {
        kept = fold(trail, kept, fresh, is_cut);
        fresh = 0;
    }
    if (TN_UNLIKELY(origin.stack_id == 0))
        origin.stack_id = announce(thread, trail, caller, kept, is_cut);
    if (TN_LIKELY(origin.stack_id != 0 && is_memorable(thread, trail, &walk, kept, fresh)))
        remember(trail, caller, kept, fresh, origin);
    if (thread->samples.wants != 0)
        (void)tn_samples_see_young(thread, origin.stack_id);
    if (TN_UNLIKELY(walk.is_own))
        tn_own_end(thread);
    return origin;
}

/* The epoch that a trail must be of now. */
static inline uint32_t trail_epoch(void)
{
    return atomic_load_explicit(&tn_shim_process.rule_epoch, memory_order_acquire) |
           (tn_shim_process.options.check_stacks != 0 ? TN_EPOCH_CHECKED : 0);
}

/* The thread's trail, emptied if its rules are out of date; NULL when there is no memory. */
static inline struct tn_trail *trail_of(struct tn_thread *thread)
{
    if (TN_UNLIKELY(thread->trail == NULL))
        thread->trail = tn_trail_open(tn_shim_process.options.depth_max);
    struct tn_trail *trail = thread->trail;
    uint32_t epoch = trail_epoch();
    if (TN_UNLIKELY(trail != NULL && trail->epoch != epoch)) {
        tn_trail_forget(trail);
        trail->epoch = epoch;
    }
    return trail;
}

/* With TENURE_CHECK_STACKS: the stack once more by a walk from end to end, with nothing remembered. */
static void check_origin(struct tn_thread *thread, struct tn_trail *trail, const struct tn_caller *caller,
                         struct tn_origin origin)
{
    if (trail->reference == NULL)
        trail->reference = tn_trail_open(tn_shim_process.options.depth_max);
    if (trail->reference == NULL)
        return;
    tn_trail_forget(trail->reference);
    trail->reference->epoch = trail->epoch;
    struct tn_origin reference = capture(thread, trail->reference, caller);
    if (reference.stack_id != origin.stack_id || reference.depth_bytes != origin.depth_bytes)
        atomic_fetch_add_explicit(&tn_hot.header->stacks_different, 1, memory_order_relaxed);
}

struct tn_origin tn_capture_slow(struct tn_thread *thread, const struct tn_caller *caller)
{
    struct tn_origin origin = {0, 0};
    struct tn_trail *trail = trail_of(thread);
    if (TN_UNLIKELY(trail == NULL))
        return origin;
    if (TN_LIKELY(tn_shim_process.options.check_stacks == 0)) {
        origin = capture(thread, trail, caller);
    } else {
        const struct tn_memo *memo = tn_trail_recall(trail, caller);
        origin = memo != NULL ? memo->origin : capture(thread, trail, caller);
        check_origin(thread, trail, caller, origin);
    }
    /* After the thread's end nothing would release the trail. */
    if (TN_UNLIKELY(thread->is_ended)) {
        tn_trail_close(trail, tn_shim_process.options.depth_max);
        thread->trail = NULL;
    }
    return origin;
}
