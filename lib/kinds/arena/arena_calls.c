/* SPDX-License-Identifier: MIT */
/* The kind `arena`: what each call of each function holds. Sums of a call go to its caller when it is over,
 * so that an event costs the calls that changed, however deep the stack is. Called by arenas.c at every
 * event.
 */
#include "arenas.h"

#include <errno.h>
#include <stdlib.h>

enum tn_arena_place {
    TN_PLACE_UNKNOWN = 0, /* not asked yet */
    TN_PLACE_INNER,       /* the same function lies further out */
    TN_PLACE_OUTERMOST,
};

static uint32_t function_at(const struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t node)
{
    uint32_t frame_id = pass->nodes[node].frame_id;
    return frame_id < arenas->frames->frame_count ? arenas->frames->frames[frame_id].source.function : 0;
}

bool tn_arena_is_outermost(struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t node)
{
    if (arenas->outermost[node] == TN_PLACE_UNKNOWN) {
        uint32_t function = function_at(arenas, pass, node), at = pass->nodes[node].caller_id;
        while (at != 0 && function_at(arenas, pass, at) != function)
            at = pass->nodes[at].caller_id;
        arenas->outermost[node] = function != 0 && at == 0 ? TN_PLACE_OUTERMOST : TN_PLACE_INNER;
    }
    return arenas->outermost[node] == TN_PLACE_OUTERMOST;
}

uint32_t tn_arena_node(struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t stack_id,
                       uint32_t function)
{
    for (uint32_t node = stack_id; node != 0; node = pass->nodes[node].caller_id)
        if (function_at(arenas, pass, node) == function && tn_arena_is_outermost(arenas, pass, node))
            return node;
    return 0;
}

/* ---------------------------------------------------------------------------------------- live blocks */

static void begin_holding(struct tn_arenas *arenas, const struct tn_arena_call *call)
{
    struct tn_arena_function *function = &arenas->functions[call->function];
    if (call->is_outermost && ++function->holding_calls > function->max_holding)
        function->max_holding = function->holding_calls;
}

static void end_holding(struct tn_arenas *arenas, const struct tn_arena_call *call)
{
    if (call->is_outermost)
        arenas->functions[call->function].holding_calls--;
}

/* Deeper calls have blocks of their own where a block comes to a call that is not the deepest: one that was
 * resized. */
static void raise_peaks(struct tn_arena_thread *thread, uint32_t level)
{
    uint64_t live_bytes = 0;
    for (uint32_t at = thread->depth; at > level; at--)
        live_bytes += thread->items[at].live_bytes;
    live_bytes += thread->items[level].live_bytes;
    if (live_bytes > thread->items[level].peak_bytes)
        thread->items[level].peak_bytes = live_bytes;
}

void tn_arena_calls_add(struct tn_arenas *arenas, uint32_t thread_index, uint32_t level, uint64_t bytes)
{
    struct tn_arena_thread *thread = &arenas->threads[thread_index];
    struct tn_arena_call *call = &thread->items[level];
    call->live_count++;
    call->live_bytes += bytes;
    raise_peaks(thread, level);
    while (thread->hold_level < level)
        begin_holding(arenas, &thread->items[++thread->hold_level]);
}

void tn_arena_calls_drop(struct tn_arenas *arenas, uint32_t thread_index, uint32_t level, uint64_t bytes)
{
    struct tn_arena_thread *thread = &arenas->threads[thread_index];
    thread->items[level].live_count--;
    thread->items[level].live_bytes -= bytes;
    while (thread->hold_level != 0 && thread->items[thread->hold_level].live_count == 0)
        end_holding(arenas, &thread->items[thread->hold_level--]);
}

/* ---------------------------------------------------------------------------------------- calls */

/* What outlives the call was no part of its arena: the rest was live at least beside all of that. Such a call
 * tells nothing of the least that a call takes, where there are others. */
static void sum_up(struct tn_arena_function *function, const struct tn_arena_call *call)
{
    uint64_t bytes = call->contained_bytes, peak_bytes = call->peak_bytes - call->live_bytes;
    if (call->contained_count == 0)
        return;
    bool is_whole = call->live_count == 0, is_first = function->serving_calls++ == 0;
    if (is_first || (is_whole && !function->has_whole_call) ||
        (is_whole == function->has_whole_call && bytes < function->min_bytes))
        function->min_bytes = bytes;
    function->has_whole_call |= is_whole;
    if (bytes > function->max_bytes)
        function->max_bytes = bytes;
    if (call->peak_bytes > call->live_bytes && peak_bytes > function->peak_bytes)
        function->peak_bytes = peak_bytes;
}

/* The deepest call is over: its caller's goes on with its blocks. */
static void end_deepest(struct tn_arenas *arenas, struct tn_arena_thread *thread)
{
    struct tn_arena_call *call = &thread->items[thread->depth], *caller = call - 1;
    if (call->is_outermost)
        sum_up(&arenas->functions[call->function], call);
    if (thread->hold_level == thread->depth) {
        end_holding(arenas, call);
        thread->hold_level--;
    }
    caller->contained_count += call->contained_count;
    caller->contained_bytes += call->contained_bytes;
    caller->live_count += call->live_count;
    caller->live_bytes += call->live_bytes;
    if (call->base_bytes + call->peak_bytes > caller->peak_bytes)
        caller->peak_bytes = call->base_bytes + call->peak_bytes;
    thread->depth--;
}

static void begin_call(struct tn_arenas *arenas, const struct tn_pass *pass, struct tn_arena_thread *thread,
                       const struct tn_activation *activation)
{
    struct tn_arena_call *call = &thread->items[++thread->depth];
    *call = (struct tn_arena_call){
        .since = activation->since,
        .function = activation->function,
        .is_outermost = tn_arena_is_outermost(arenas, pass, activation->node),
        .base_bytes = call[-1].live_bytes,
    };
    if (call->is_outermost)
        arenas->functions[call->function].calls++;
}

static int make_room(struct tn_arena_thread *thread, uint32_t depth)
{
    if (depth < thread->capacity)
        return 0;
    uint32_t capacity = depth * 2 + 32;
    struct tn_arena_call *items = realloc(thread->items, capacity * sizeof(items[0]));
    if (items == NULL)
        return -ENOMEM;
    if (thread->items == NULL)
        items[0] = (struct tn_arena_call){0};
    thread->items = items;
    thread->capacity = capacity;
    return 0;
}

int tn_arena_calls_follow(struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t thread_index,
                          uint64_t thread_event)
{
    const struct tn_activation_stack *stack = &arenas->activations->threads[thread_index];
    struct tn_arena_thread *thread = &arenas->threads[thread_index];
    uint32_t common = stack->depth;
    int r = make_room(thread, stack->depth);
    if (r < 0)
        return r;
    while (common != 0 && stack->items[common - 1].since >= thread_event)
        common--;
    while (thread->depth > common)
        end_deepest(arenas, thread);
    while (thread->depth < stack->depth)
        begin_call(arenas, pass, thread, &stack->items[thread->depth]);
    return 0;
}

void tn_arena_calls_finish(struct tn_arenas *arenas)
{
    for (size_t i = 0; i < arenas->thread_count; i++)
        while (arenas->threads[i].depth != 0)
            end_deepest(arenas, &arenas->threads[i]);
}
