/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`, while events pass: finds for each block that dies the deepest activation that
 * lasted from its birth to its death, and counts by site and by stack what speaks for and against a local
 * buffer. At the end stack_buffer_finding.c states what is left. Also the kind's entry. */
#include "stack_buffer.h"

#include "tenure/analysis.h"
#include "tenure/kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A site is given up, to save its cost, once this many blocks and half of all spoke against it, or one call
 * had more blocks than a local array. */
#define HOPELESS_COUNT 1000u

static const struct tn_threshold thresholds[] = {
    {"stack-buffer.max-bytes", 65536, 1, 1e9, "largest buffer, in bytes, all blocks of an array together",
     "Go's escape analysis keeps implicit variables up to 64 KiB on the stack"},
    {"stack-buffer.stack-share", 0.1, 0.0001, 1,
     "largest buffer as a share of the smallest stack of the threads that make it",
     "a tenth: stacks are dimensioned with less to spare than heaps"},
    {"stack-buffer.max-count", 16, 1, 4096, "blocks live at once in one call of the owner, at most",
     "more are a container, not an array that somebody declares"},
    {"stack-buffer.max-frames-down", 6, 0, 1024, "functions that the buffer is passed down through, at most",
     "further out, the owner is an event loop rather than a user of the buffer"},
    {"stack-buffer.exceptions", 0.05, 0, 0.5, "share of blocks that may speak against it, in a weak finding",
     "a finding is consistent only without any"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct tn_stack_buffers *buffers = calloc(1, sizeof(*buffers));
    if (buffers == NULL)
        return -ENOMEM;
    *ret_state = buffers;
    int r = tn_pass_activations(pass, &buffers->activations);
    if (r < 0)
        return r;
    buffers->frames = buffers->activations->frames;
    buffers->max_count = (uint64_t)tn_pass_threshold(pass, "stack-buffer.max-count");
    buffers->stacks = calloc(pass->node_count, sizeof(buffers->stacks[0]));
    buffers->sites = calloc(pass->site_count, sizeof(buffers->sites[0]));
    buffers->resizes = calloc(pass->thread_count, sizeof(buffers->resizes[0]));
    if (buffers->stacks == NULL || buffers->sites == NULL || buffers->resizes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < pass->site_count; i++)
        buffers->sites[i].min_size_bytes = UINT64_MAX;
    return 0;
}

/* ---------------------------------------------------------------------------------------- births */

static void note_size(struct tn_contained_site *site, uint64_t size_bytes)
{
    if (size_bytes > site->max_size_bytes)
        site->max_size_bytes = size_bytes;
}

static unsigned bits_of(uint64_t size_bytes)
{
    return size_bytes == 0 ? 0 : 64 - (unsigned)__builtin_clzll(size_bytes);
}

static int birth(void *state, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_stack_buffers *buffers = state;
    const struct tn_block *block = event->block;
    struct tn_contained_resize *resize = &buffers->resizes[event->thread];
    bool is_same_call = event->event->previous_id != 0 && event->event->previous_id == resize->id;
    int r = tn_buffer_blocks_grow(buffers, pass);
    if (r < 0)
        return r;
    struct tn_contained_block *own = &buffers->blocks[block->slot];
    *own = (struct tn_contained_block){event->thread_event, block->stack_id, block->site, event->thread,
                                       .birth_index = block->birth_index};
    if (is_same_call)
        *own = resize->block;
    else if (own->stack_id != 0)
        buffers->sites[own->site].instances++;
    resize->id = 0;
    if (own->stack_id == 0)
        return 0;
    struct tn_contained_site *site = &buffers->sites[own->site];
    note_size(site, block->size_bytes);
    if (site->is_hopeless) {
        own->stack_id = 0;
        return 0;
    }
    if (!is_same_call && (r = tn_buffer_list_find(buffers, own->site, own->thread, &own->list)) < 0)
        return r;
    tn_buffer_block_link(buffers, block->slot);
    return is_same_call || own->older == 0 ? 0 : tn_buffer_blocks_at_once(buffers, pass, own);
}

/* ---------------------------------------------------------------------------------------- deaths */

/* The ancestor of a stack at a level. */
static uint32_t node_at(const struct tn_pass *pass, uint32_t node, uint32_t level)
{
    while (pass->nodes[node].depth > level)
        node = pass->nodes[node].caller_id;
    return node;
}

/* Whether the release stands behind the birth in the owner's code. If both stand at one call, it is a later
 * call from the same line, unless the release is the owner's own call, which its callee made by a jump. */
static bool is_in_order(const struct tn_stack_buffers *buffers, const struct tn_pass *pass, uint32_t birth,
                        uint32_t death, bool is_own_call)
{
    uint32_t birth_frame = pass->nodes[birth].frame_id, death_frame = pass->nodes[death].frame_id;
    if (birth_frame == death_frame)
        return is_own_call && birth == death;
    return tn_source_frames_is_behind(buffers->frames, birth_frame, death_frame);
}

/* Whether a function of the program that the owner called, inlined or not, has made the release. */
static bool is_below(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                     const struct tn_activation_stack *stack, uint32_t level, uint32_t inlined)
{
    const struct tn_source_frames *frames = buffers->frames;
    for (uint32_t at = stack->depth; at >= level; at--) {
        uint32_t frame_id = pass->nodes[stack->items[at - 1].node].frame_id;
        uint32_t count = tn_source_frames_count(frames, frame_id), kept = at == level ? inlined + 1 : 0;
        for (uint32_t position = 0; position + kept < count; position++)
            if (frames->functions[tn_source_frames_get(frames, frame_id, position)->function].is_program)
                return true;
    }
    return false;
}

/* Which inlined functions of the owner contained the block, too: as the last one of its stack, mostly. */
static int see_inlined(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                       uint32_t birth_frame, uint32_t death_frame, uint32_t level,
                       struct tn_contained_stack *counts)
{
    if (counts->seen_level == level && counts->seen_frame == death_frame)
        return 0;
    int r =
        tn_activations_inlined(buffers->activations, pass, birth_frame, death_frame, &counts->seen_inlined);
    counts->seen_anew =
        counts->seen_inlined < tn_source_frames_common_inlined(buffers->frames, birth_frame, death_frame);
    counts->seen_level = level;
    counts->seen_frame = death_frame;
    return r;
}

static int count_owner(struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                       const struct tn_contained_block *own, uint32_t level)
{
    const struct tn_activation_stack *stack = &buffers->activations->threads[own->thread];
    struct tn_contained_stack *counts = &buffers->stacks[own->stack_id];
    uint32_t birth = node_at(pass, own->stack_id, level), death = stack->items[level - 1].node;
    uint32_t birth_frame = pass->nodes[birth].frame_id, death_frame = pass->nodes[death].frame_id;
    int r = see_inlined(buffers, pass, birth_frame, death_frame, level, counts);
    if (r < 0)
        return r;
    uint32_t inlined = counts->seen_inlined;
    buffers->sites[own->site].carried += counts->seen_anew;
    counts->instances++;
    if (counts->owner_level == 0 || level < counts->owner_level) {
        counts->owner_level = level;
        counts->death_frame = death_frame;
        counts->inlined = inlined;
    }
    if (level == counts->owner_level && inlined < counts->inlined)
        counts->inlined = inlined;
    if (!buffers->sites[own->site].is_below)
        buffers->sites[own->site].is_below = is_below(buffers, pass, stack, level, inlined);
    buffers->sites[own->site].beyond_call += stack->depth != level || birth != death;
    bool is_doubtful = !is_in_order(buffers, pass, birth, death, stack->depth == level);
    counts->doubtful += is_doubtful;
    buffers->sites[own->site].doubtful += is_doubtful;
    return 0;
}

/* An array is filled, then emptied. If blocks come after others of the same call have gone, while still
 * others are left, it is a queue: its owner may live as long, but nobody would declare a queue there. */
static bool is_refilled(const struct tn_stack_buffers *buffers, const struct tn_contained_block *own,
                        uint64_t since)
{
    const struct tn_contained_list *list = &buffers->lists[own->list];
    return list->last_left != 0 && list->last_since == since && list->newest != 0 &&
           buffers->blocks[list->newest - 1].birth_event > list->last_event;
}

static void count_contained(struct tn_stack_buffers *buffers, const struct tn_contained_block *own,
                            uint32_t level, uint64_t thread_event)
{
    struct tn_contained_site *site = &buffers->sites[own->site];
    struct tn_contained_list *list = &buffers->lists[own->list];
    uint64_t since = buffers->activations->threads[own->thread].items[level - 1].since;
    uint64_t live_count = tn_buffer_blocks_since(buffers, own, since, buffers->max_count + 1);
    site->refilled += is_refilled(buffers, own, since);
    list->last_since = since;
    list->last_event = thread_event;
    list->last_left = live_count - 1;
    uint64_t deepest_bytes = tn_activations_deepest(buffers->activations, own->thread, own->birth_event);
    site->contained++;
    if (live_count > site->max_live_count)
        site->max_live_count = live_count;
    if (list->live_count > site->max_thread_live_count)
        site->max_thread_live_count = list->live_count;
    if (deepest_bytes > site->deepest_bytes)
        site->deepest_bytes = deepest_bytes;
}

/* Whether recording was paused in the middle of the owner, as others of its stack show it. */
static bool is_interrupted(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                           const struct tn_contained_block *own)
{
    uint32_t owner_level = buffers->stacks[own->stack_id].owner_level;
    return owner_level != 0 && tn_activations_interrupted(buffers->activations, own->thread, own->birth_event,
                                                          pass->nodes[own->stack_id].depth) >= owner_level;
}

static int judge(struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                 const struct tn_contained_block *own, const struct tn_pass_event *event)
{
    struct tn_contained_site *site = &buffers->sites[own->site];
    uint32_t level = 0;
    if (site->is_hopeless)
        return 0;
    if (is_interrupted(buffers, pass, own)) {
        site->cut_off++;
        return 0;
    }
    if (event->block->chain_max_size_bytes < site->min_size_bytes)
        site->min_size_bytes = event->block->chain_max_size_bytes;
    site->size_counts[bits_of(event->block->chain_max_size_bytes)]++;
    if (own->is_moved || event->thread != own->thread)
        site->other_thread++;
    else if (event->event->stack_id == 0 || event->event->stack_id >= pass->node_count)
        site->no_stack++;
    else if ((level = tn_activations_owner(buffers->activations, own->thread, own->birth_event,
                                           pass->nodes[own->stack_id].depth)) == 0)
        site->no_owner++;
    if (level == 0) {
        uint64_t against = site->other_thread + site->no_owner + site->no_stack;
        site->is_hopeless = against >= HOPELESS_COUNT && against > site->contained;
        return 0;
    }
    count_contained(buffers, own, level, event->thread_event);
    site->is_hopeless = site->max_live_count > buffers->max_count;
    return count_owner(buffers, pass, own, level);
}

static bool is_resize(const struct tn_log_event *event)
{
    return event->function == TN_FUNCTION_REALLOC || event->function == TN_FUNCTION_REALLOCARRAY;
}

static void expect(const void *state, uint32_t slot)
{
    const struct tn_stack_buffers *buffers = state;
    if (slot < buffers->block_capacity)
        __builtin_prefetch(&buffers->blocks[slot], 1);
}

/* A release by realloc that gave no new block shows in the thread's next event not being its birth. */
static int death(void *state, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_stack_buffers *buffers = state;
    const struct tn_log_event *log_event = event->event;
    struct tn_contained_block *own = &buffers->blocks[event->block->slot];
    if (own->stack_id == 0)
        return 0;
    struct tn_contained_resize *resize = &buffers->resizes[event->thread];
    int r = 0;
    resize->id = 0;
    if (!is_resize(log_event)) {
        r = judge(buffers, pass, own, event);
    } else {
        *resize = (struct tn_contained_resize){event->block->id, *own};
        resize->block.is_moved |= event->thread != own->thread;
        buffers->sites[own->site].resizes++;
    }
    tn_buffer_block_unlink(buffers, own);
    return r;
}

/* A block that lives at the end refutes its site, unless the program was stopped in the middle of the owner.
 */
static int survivor(void *state, const struct tn_pass *pass, const struct tn_block *block)
{
    struct tn_stack_buffers *buffers = state;
    const struct tn_contained_block *own = &buffers->blocks[block->slot];
    (void)pass;
    if (own->stack_id == 0)
        return 0;
    struct tn_contained_site *site = &buffers->sites[own->site];
    uint32_t level = buffers->stacks[own->stack_id].owner_level;
    uint32_t left =
        level == 0 ? 0 : tn_activations_owner(buffers->activations, own->thread, own->birth_event, level);
    if (pass->is_cut_off && level != 0 && left == level)
        site->cut_off++;
    else
        site->left_live++;
    return 0;
}

/* ---------------------------------------------------------------------------------------- the end */

static bool is_candidate(const struct tn_stack_buffers *buffers, const struct tn_pass *pass, uint32_t site)
{
    const struct tn_contained_site *own = &buffers->sites[site];
    return !pass->sites[site].is_runtime && !own->is_hopeless && own->contained != 0 &&
           own->instances >= pass->options->min_allocations;
}

/* Row ids of the stacks whose births were contained, sorted by site with a counting sort. */
static int sort_stacks(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                       uint32_t **ret_stacks, size_t **ret_starts)
{
    size_t *starts = calloc(pass->site_count + 2, sizeof(starts[0]));
    uint32_t *stacks = calloc(pass->node_count, sizeof(stacks[0]));
    *ret_stacks = stacks;
    *ret_starts = starts;
    if (starts == NULL || stacks == NULL)
        return -ENOMEM;
    for (size_t id = 1; id < pass->node_count; id++)
        if (buffers->stacks[id].instances != 0)
            starts[pass->nodes[id].site + 2]++;
    for (size_t site = 0; site < pass->site_count; site++)
        starts[site + 2] += starts[site + 1];
    for (size_t id = 1; id < pass->node_count; id++)
        if (buffers->stacks[id].instances != 0)
            stacks[starts[pass->nodes[id].site + 1]++] = (uint32_t)id;
    return 0;
}

/* Note how deep the stacks of the threads are, and how large. */
static void sum_threads(struct tn_stack_buffers *buffers, const struct tn_pass *pass)
{
    for (size_t i = 0; i < buffers->threads.capacity; i++) {
        uint64_t key = buffers->threads.entries[i].key;
        if (key == 0)
            continue;
        const struct tn_pass_thread *thread = &pass->threads[(key & UINT32_MAX) - 1];
        struct tn_contained_site *site = &buffers->sites[key >> 32];
        if (thread->stack_size_bytes != 0 &&
            (site->smallest_stack_bytes == 0 || thread->stack_size_bytes < site->smallest_stack_bytes))
            site->smallest_stack_bytes = thread->stack_size_bytes;
        if (thread->max_depth_bytes > site->deepest_thread_bytes)
            site->deepest_thread_bytes = thread->max_depth_bytes;
    }
}

static int conclude(void *state, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct tn_stack_buffers *buffers = state;
    uint32_t *stacks;
    size_t *starts;
    int r = tn_site_links_load(pass, &buffers->links);
    if (r < 0)
        return r;
    r = sort_stacks(buffers, pass, &stacks, &starts);
    sum_threads(buffers, pass);
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++)
        if (is_candidate(buffers, pass, site))
            r = tn_stack_buffer_weigh(buffers, pass, site, stacks + starts[site],
                                      starts[site + 1] - starts[site]);
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++)
        if (buffers->sites[site].owner != 0)
            r = tn_stack_buffer_state(buffers, pass, site, stacks + starts[site],
                                      starts[site + 1] - starts[site], findings);
    free(stacks);
    free(starts);
    return r;
}

static void finish(void *state)
{
    struct tn_stack_buffers *buffers = state;
    if (buffers == NULL)
        return;
    tn_map_finish(&buffers->threads);
    tn_map_finish(&buffers->at_once);
    tn_site_links_finish(&buffers->links);
    free(buffers->blocks);
    free(buffers->lists);
    free(buffers->stacks);
    free(buffers->sites);
    free(buffers->resizes);
    free(buffers);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key owner_keys[] = {
    {TN_KEY("function", TEXT, NONE), .is_required = true},
    {TN_KEY("file", TEXT, NONE), .is_required = true},
    {TN_KEY("line", COUNT, NONE), .is_required = true},
    {0},
};

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("instances", COUNT, COUNT), TN_TOLD("", " blocks seen"), .is_required = true, .is_detail = true,
     .is_summed = true},
    {TN_KEY("min_size_bytes", COUNT, BYTES), TN_TOLD("at least ", ""), .unlike = "buffer_bytes",
     .is_detail = true},
    {TN_KEY("buffer_bytes", COUNT, BYTES), TN_TOLD("at most ", ""), .is_required = true, .is_detail = true},
    {TN_KEY("exceptions", COUNT, COUNT), TN_TOLD("", " exceptions"), .is_required = true, .is_detail = true,
     .is_summed = true},
    {TN_KEY("max_live_count", COUNT, COUNT), TN_TOLD("at most ", " at once")},
    {TN_KEY("owner", OBJECT, NONE), TN_TOLD("all gone before the return of ", ""), .is_required = true,
     .members = owner_keys, .is_detail = true},
    {TN_KEY("frames_down", COUNT, COUNT), TN_TOLD("asked for ", " calls below it"), .is_silent_at_zero = true,
     .is_required = true, .is_detail = true},
    {TN_KEY("stack_depth_after_bytes", COUNT, BYTES), TN_TOLD("stack then at most ", " deep"),
     .is_silent_at_zero = true},
    {TN_KEY("doubtful", COUNT, COUNT)},
    {TN_KEY("max_thread_live_count", COUNT, COUNT)},
    {TN_KEY("tier", COUNT, NONE)},
    {TN_KEY("stack_depth_before_bytes", COUNT, BYTES)},
    {TN_KEY("stack_size_bytes", COUNT, BYTES)},
    {TN_KEY("made_by", TEXT, NONE)},
    {0},
};

static const char *const yields_to[] = {NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .expect = expect,
    .death = death,
    .consult = tn_stack_buffer_consult,
    .survivor = survivor,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_stack_buffer = {
    .name = "stack-buffer",
    .summary = "blocks that never outlive one call of a function: a local buffer in it",
    .tactic = "consider stack buffers",
    .verify =
        "Record again: this line allocates no more. First see in the source that the size has a bound, and "
        "that no path which this run did not take keeps the address (a queue, an error).",
    .weight = 1,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
