/* SPDX-License-Identifier: MIT */

/* The further struct tn_thread of a thread whose handlers have interrupted the shim. Invariant: only its own
 * thread uses it, and only while the first one is inside the shim; so, as there, a change of the first one's
 * CFA or of its ring's head proves that an earlier use is over. Called by enter.c and start.c. */

#include "nested.h"

#include "stack_region.h"
#include "sys.h"
#include "walk.h"

#include "banned.h"

/* A handler that is further out than this, or an allocator as deep, is not found out. */
#define FRAMES_MAX 64u

/* Handlers that interrupt one another, each inside the shim. */
#define DEPTH_MAX 3u

/* The ring of a parent's is not this process's. */
static bool has_ring(const struct tn_thread *thread)
{
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    return generation != 0 && thread->slot_generation == generation;
}

static uint64_t head_of(const struct tn_thread *thread)
{
    return has_ring(thread) ? atomic_load_explicit(&thread->ring->head_words, memory_order_relaxed) : 0;
}

/* A handler may leave by a jump, and what it was in with it: then the call that it had interrupted is left,
 * too. */
static void forget_left(struct tn_thread *thread, struct tn_thread *nested)
{
    if (nested->outer_cfa == thread->inside_cfa && nested->outer_head_words == head_of(thread))
        return;
    nested->outer_cfa = thread->inside_cfa;
    nested->outer_head_words = head_of(thread);
    if (nested->inside_cfa != 0) {
        tn_trail_forget(nested->trail);
        if (has_ring(nested))
            atomic_store_explicit(&nested->ring->mark_ticks, 0, memory_order_release);
    }
    nested->inside_cfa = 0;
    nested->operator_depth = 0;
}

static uint32_t depth_of(const struct tn_thread *thread)
{
    uint32_t depth = 0;
    for (; thread->outer != NULL; thread = thread->outer)
        depth++;
    return depth;
}

/* NULL: there is no memory. */
static struct tn_thread *make(struct tn_thread *thread)
{
    struct tn_thread *nested = tn_map_pages(sizeof(*nested));
    if (nested == NULL)
        return NULL;
    nested->outer = thread;
    tn_nested_drop_slot(nested);
    tn_nested_share(nested);
    return nested;
}

/* A handler stands on the frame that the kernel has made for it. */
static enum tn_nested walk_to(struct tn_thread *nested, const struct tn_caller *caller, uintptr_t inside_cfa)
{
    struct tn_trail_frame frame = {.kind = TN_RULE_UNKNOWN};
    struct tn_walk walk = {.at = *caller, .high = tn_region_high(nested, caller->cfa)};
    enum tn_walk_step step = TN_WALK_ON;
    enum tn_nested found = TN_NESTED_LOST;
    /* The handler's stack may lie anywhere: also above the frame that it has interrupted. */
    for (uint32_t i = 0; i < FRAMES_MAX && walk.high != 0 && step == TN_WALK_ON && found == TN_NESTED_LOST;
         i++) {
        step = tn_step_any(&walk, nested, &frame);
        if (frame.kind == TN_RULE_SIGNAL)
            found = TN_NESTED_HANDLER;
        else if (step == TN_WALK_ON && walk.at.cfa == inside_cfa)
            found = TN_NESTED_INNER;
    }
    if (walk.is_own)
        tn_own_end(nested);
    return found;
}

enum tn_nested tn_nested_look(struct tn_thread *thread, const struct tn_caller *caller)
{
    bool is_recorded = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed) != 0;
    if (!is_recorded || thread->is_ended || tn_is_filtered)
        return TN_NESTED_LOST;
    if (thread->nested == NULL && depth_of(thread) < DEPTH_MAX)
        thread->nested = make(thread);
    if (thread->nested == NULL)
        return walk_to(thread, caller, thread->inside_cfa) == TN_NESTED_INNER ? TN_NESTED_INNER
                                                                              : TN_NESTED_LOST;
    forget_left(thread, thread->nested);
    return walk_to(thread->nested, caller, thread->inside_cfa);
}

void tn_nested_share(struct tn_thread *nested)
{
    nested->stack_low = nested->outer->stack_low;
    nested->stack_high = nested->outer->stack_high;
    nested->stack_base = nested->outer->stack_base;
    nested->span_bytes = UINTPTR_MAX;
    nested->samples = (struct tn_samples){.left = UINT32_MAX, .next = UINT32_MAX, .turn = UINT32_MAX};
}

void tn_nested_close(struct tn_thread *thread)
{
    struct tn_thread *nested = thread->nested;
    if (nested == NULL)
        return;
    tn_nested_close(nested);
    thread->nested = NULL;
    tn_unmap_pages(nested, sizeof(*nested));
}

void tn_nested_drop_slot(struct tn_thread *thread)
{
    thread->generation = TN_GENERATION_NONE;
    thread->slot_generation = TN_GENERATION_NONE;
    thread->nested_count = 0;
    thread->slotless_count = 0;
}
