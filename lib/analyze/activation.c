/* SPDX-License-Identifier: MIT */
/* Follows each thread's stack of function calls from event to event. The stack of an event is compared with
 * the thread's previous one, from the root: frames past the common part are new activations. Machine code and
 * the hooks of instrumented programs show where a function was left and entered again. Called by the pass at
 * every event, where a kind has asked for it. */
#include "tenure/activation.h"

#include "call_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The depths of a coroutine, whose stack lies elsewhere, are no distances from the base of the thread's own.
 */
#define DEPTH_BYTES_MAX (UINT64_C(1) << 40)

int tn_activations_begin(struct tn_activations *activations, const struct tn_source_frames *frames,
                         size_t thread_count)
{
    *activations = (struct tn_activations){.frames = frames, .thread_count = thread_count};
    activations->threads = calloc(thread_count, sizeof(activations->threads[0]));
    activations->is_told = calloc(frames->function_count, sizeof(activations->is_told[0]));
    activations->entered = calloc(frames->function_count, sizeof(activations->entered[0]));
    activations->has_returned = calloc(frames->function_count, sizeof(activations->has_returned[0]));
    if (activations->threads == NULL || activations->is_told == NULL || activations->entered == NULL ||
        activations->has_returned == NULL)
        return -ENOMEM;
    return tn_call_order_open(frames, &activations->call_order);
}

int tn_pass_activations(const struct tn_pass *pass, const struct tn_activations **ret_activations)
{
    const struct tn_source_frames *frames;
    *ret_activations = pass->activations;
    if (pass->activations->frames != NULL)
        return 0;
    int r = tn_pass_frames(pass, &frames);
    return r == 0 ? tn_activations_begin(pass->activations, frames, pass->thread_count) : r;
}

void tn_activations_consult(struct tn_activations *activations, const struct tn_activations *other)
{
    if (activations->frames == NULL || other->frames == NULL)
        return;
    for (size_t i = 0; i < activations->frames->function_count; i++)
        activations->has_returned[i] |= other->has_returned[i];
}

void tn_activations_finish(struct tn_activations *activations)
{
    for (size_t i = 0; activations->threads != NULL && i < activations->thread_count; i++) {
        free(activations->threads[i].items);
        free(activations->threads[i].marks);
    }
    for (size_t i = 0; activations->interrupted != NULL && i < activations->thread_count; i++)
        free(activations->interrupted[i].items);
    free(activations->interrupted);
    free(activations->threads);
    tn_call_order_close(activations->call_order);
    free(activations->is_told);
    free(activations->entered);
    free(activations->has_returned);
    *activations = (struct tn_activations){0};
}

static int make_room(struct tn_activation_stack *stack, uint32_t depth)
{
    if (depth <= stack->capacity)
        return 0;
    uint32_t capacity = depth * 2 + 32;
    void *items = realloc(stack->items, capacity * sizeof(stack->items[0]));
    if (items == NULL)
        return -ENOMEM;
    stack->items = items;
    stack->capacity = capacity;
    return 0;
}

/* A depth that a later event exceeds can never be a maximum again. */
static int mark_depth(struct tn_activation_stack *stack, uint64_t event, uint64_t depth_bytes)
{
    while (stack->mark_count != 0 && stack->marks[stack->mark_count - 1].depth_bytes <= depth_bytes)
        stack->mark_count--;
    if (stack->mark_count == stack->mark_capacity) {
        size_t capacity = stack->mark_capacity * 2 + 64;
        void *marks = realloc(stack->marks, capacity * sizeof(stack->marks[0]));
        if (marks == NULL)
            return -ENOMEM;
        stack->marks = marks;
        stack->mark_capacity = capacity;
    }
    stack->marks[stack->mark_count++] = (struct tn_depth_mark){event, depth_bytes};
    return 0;
}

/* How many levels, counted from the root, the new stack shares with the current one. Of two different nodes
 * the deeper one is never the common ancestor, and of equally deep ones neither. */
static uint32_t common_levels(const struct tn_activation_stack *stack, const struct tn_stack_node *nodes,
                              uint32_t node)
{
    uint32_t level = nodes[node].depth;
    for (; level > stack->depth; level--)
        node = nodes[node].caller_id;
    for (; level != 0 && stack->items[level - 1].node != node; level--)
        node = nodes[node].caller_id;
    return level;
}

static uint32_t function_of(const struct tn_activations *activations, const struct tn_stack_node *node)
{
    return node->frame_id < activations->frames->frame_count
               ? activations->frames->frames[node->frame_id].source.function
               : 0;
}

/* What was under way above the common levels is over. The innermost of it goes on where the new stack shows
 * the same function there. */
static void end_replaced(struct tn_activations *activations, const struct tn_activation_stack *stack,
                         uint32_t common, bool goes_on)
{
    for (uint32_t level = common + (goes_on ? 2 : 1); level <= stack->depth; level++)
        activations->has_returned[stack->items[level - 1].function] = true;
}

/* Make the new stack the current one; its frames up to `common` are those of the old one. The frame just
 * below these has gone on to another line. It is the same activation if it is the same function, because the
 * same call entered it, at the same position. Returns the node that this frame had before if so, else 0. */
static uint32_t replace(struct tn_activations *activations, const struct tn_pass *pass,
                        struct tn_activation_stack *stack, uint32_t stack_id, uint32_t common, uint64_t event)
{
    uint32_t level = pass->nodes[stack_id].depth, old_depth = stack->depth, before = 0, next = stack_id;
    while (level > common && pass->nodes[next].depth > common + 1)
        next = pass->nodes[next].caller_id;
    uint32_t next_function = level > common ? function_of(activations, &pass->nodes[next]) : 0;
    bool goes_on = common < old_depth && next_function != 0 && stack->items[common].function == next_function;
    end_replaced(activations, stack, common, goes_on);
    stack->depth = level;
    for (uint32_t node = stack_id; level > common; node = pass->nodes[node].caller_id, level--) {
        struct tn_activation *item = &stack->items[level - 1];
        uint32_t function = function_of(activations, &pass->nodes[node]);
        bool is_same = goes_on && level == common + 1;
        if (is_same)
            before = item->node;
        else
            activations->entered[function]++;
        *item = (struct tn_activation){node, function, is_same ? item->since : event};
    }
    return before;
}

/* If the code cannot lead from the previous event's call to this one's, the function was left and entered
 * again; then its caller made the same call twice, and is asked the same question. */
static int end_unreachable(struct tn_activations *activations, const struct tn_pass *pass,
                           struct tn_activation_stack *stack, uint32_t level, uint32_t before, uint64_t event)
{
    while (level != 0) {
        struct tn_activation *item = &stack->items[level - 1];
        uint32_t from = pass->nodes[before].frame_id, to = pass->nodes[item->node].frame_id;
        int answer = item->function == 0 ? 1 : tn_call_order_follows(activations->call_order, pass, from, to);
        if (answer != 0)
            return answer < 0 ? answer : 0;
        item->since = event;
        activations->entered[item->function]++;
        activations->has_returned[item->function] = true;
        if (--level != 0)
            before = stack->items[level - 1].node;
    }
    return 0;
}

/* Update the activations to what the stack of an event shows. */
static int change(struct tn_activations *activations, const struct tn_pass *pass,
                  struct tn_activation_stack *stack, uint32_t stack_id, uint64_t event)
{
    if (stack->depth == pass->nodes[stack_id].depth && stack->items[stack->depth - 1].node == stack_id)
        return end_unreachable(activations, pass, stack, stack->depth, stack_id, event);
    uint32_t common = common_levels(stack, pass->nodes, stack_id);
    uint32_t before = replace(activations, pass, stack, stack_id, common, event);
    return before != 0 ? end_unreachable(activations, pass, stack, common + 1, before, event) : 0;
}

/* The program told that a function was left, or another entered, at a position: what lies there or below has
 * ended. */
static void end_left(struct tn_activations *activations, const struct tn_pass *pass,
                     struct tn_activation_stack *stack, uint64_t left_depth_bytes)
{
    while (stack->depth != 0) {
        const struct tn_activation *item = &stack->items[stack->depth - 1];
        uint64_t above_bytes = stack->depth > 1 ? pass->nodes[item[-1].node].total_bytes : 0;
        uint64_t position_bytes = stack->root_bytes + above_bytes;
        if (position_bytes < left_depth_bytes)
            return;
        if (position_bytes == left_depth_bytes)
            activations->is_told[item->function] = true;
        activations->has_returned[item->function] = true;
        stack->depth--;
    }
}

int tn_activations_step(struct tn_activations *activations, const struct tn_pass *pass,
                        const struct tn_pass_event *event)
{
    struct tn_activation_stack *stack = &activations->threads[event->thread];
    uint64_t depth_bytes = event->event->depth_bytes;
    uint32_t stack_id = event->event->stack_id < pass->node_count ? (uint32_t)event->event->stack_id : 0;
    const struct tn_stack_node *node = &pass->nodes[stack_id];
    if (event->event->left_depth_bytes != 0)
        end_left(activations, pass, stack, event->event->left_depth_bytes);
    if (stack_id == 0)
        return 0;
    if (node->is_cut || node->depth == 0) {
        stack->depth = 0;
        return 0;
    }
    uint64_t root_bytes = depth_bytes - node->total_bytes;
    if (root_bytes != stack->root_bytes)
        stack->depth = 0;
    stack->root_bytes = root_bytes;
    int r = make_room(stack, node->depth);
    if (r == 0 && depth_bytes < DEPTH_BYTES_MAX)
        r = mark_depth(stack, event->thread_event, depth_bytes);
    if (r < 0)
        return r;
    return change(activations, pass, stack, stack_id, event->thread_event);
}

bool tn_activations_can_tell(const struct tn_activations *activations, const struct tn_pass *pass,
                             uint32_t function)
{
    return activations->is_told[function] || tn_call_order_is_known(activations->call_order, pass, function);
}

int tn_activations_inlined(const struct tn_activations *activations, const struct tn_pass *pass,
                           uint32_t from, uint32_t to, uint32_t *ret_inlined)
{
    return tn_call_order_inlined(activations->call_order, pass, from, to, ret_inlined);
}

/* The level of the deepest activation of a stack that has been under way since an event. */
static uint32_t owner_in(const struct tn_activation_stack *stack, uint64_t event, uint32_t max_level)
{
    uint32_t low = 0, high = max_level < stack->depth ? max_level : stack->depth;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (stack->items[middle - 1].since <= event)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

uint32_t tn_activations_owner(const struct tn_activations *activations, uint32_t thread, uint64_t event,
                              uint32_t max_level)
{
    return owner_in(&activations->threads[thread], event, max_level);
}

int tn_activations_interrupt(struct tn_activations *activations, const struct tn_pass *pass)
{
    if (activations->frames == NULL)
        return 0;
    if (activations->interrupted == NULL)
        activations->interrupted = calloc(activations->thread_count, sizeof(activations->interrupted[0]));
    if (activations->interrupted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < activations->thread_count; i++) {
        struct tn_activation_stack *kept = &activations->interrupted[i], *stack = &activations->threads[i];
        int r = make_room(kept, stack->depth);
        if (r < 0)
            return r;
        if (stack->depth != 0)
            memcpy(kept->items, stack->items, stack->depth * sizeof(kept->items[0]));
        kept->depth = stack->depth;
        kept->event_count = pass->threads[i].event_count;
        stack->depth = 0;
    }
    return 0;
}

uint32_t tn_activations_interrupted(const struct tn_activations *activations, uint32_t thread, uint64_t event,
                                    uint32_t max_level)
{
    if (activations->interrupted == NULL || event > activations->interrupted[thread].event_count)
        return 0;
    return owner_in(&activations->interrupted[thread], event, max_level);
}

uint64_t tn_activations_deepest(const struct tn_activations *activations, uint32_t thread, uint64_t since)
{
    const struct tn_activation_stack *stack = &activations->threads[thread];
    size_t low = 0, high = stack->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stack->marks[middle].event < since)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stack->mark_count ? stack->marks[low].depth_bytes : 0;
}
