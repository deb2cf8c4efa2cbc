/* SPDX-License-Identifier: MIT */
/* The kind `arena`, while events pass: each block that dies is counted for the deepest call that lasted from
 * its birth to its death, and so contained it; all calls further out did, too. At the end arena_choose.c
 * weighs the functions. Also the kind's entry. */
#include "arenas.h"

#include "tenure/kinds.h"
#include "tenure/maker.h"

#include <errno.h>
#include <stdlib.h>

static const struct tn_threshold thresholds[] = {
    {"arena.calls", 20, 1, 1e9, "calls of the function that contained blocks, at least",
     "what fewer calls show may be chance"},
    {"arena.allocations-share", 0.05, 0, 1,
     "share of the process's allocations that the arena serves, at least",
     "our choice: below, it is no step of a plan"},
    {"arena.contained", 0.9, 0.01, 1,
     "share of the allocations in the function's calls that the arena serves, at least",
     "nearly all: with more left on the heap, the call is no transaction"},
    {"arena.escapes", 0.01, 0, 0.5,
     "share of the blocks of a line that may outlive the call, and be copied out",
     "one in a hundred: error paths, and what is kept now and then"},
    {"arena.max-bytes", 65536, 64, 1e12,
     "arenas of one function, all calls at once together, in bytes, at most",
     "as for stack-buffer: more is a heap by another name"},
    {"arena.max-count", 3, 1, 100, "arenas that are proposed, at most", "our choice: a plan has few steps"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct tn_arenas *arenas = calloc(1, sizeof(*arenas));
    if (arenas == NULL)
        return -ENOMEM;
    *ret_state = arenas;
    int r = tn_pass_activations(pass, &arenas->activations);
    if (r < 0)
        return r;
    arenas->frames = arenas->activations->frames;
    arenas->thread_count = pass->thread_count;
    arenas->threads = calloc(pass->thread_count, sizeof(arenas->threads[0]));
    arenas->resizes = calloc(pass->thread_count, sizeof(arenas->resizes[0]));
    arenas->functions = calloc(arenas->frames->function_count, sizeof(arenas->functions[0]));
    arenas->stacks = calloc(pass->node_count, sizeof(arenas->stacks[0]));
    arenas->outermost = calloc(pass->node_count, sizeof(arenas->outermost[0]));
    if (arenas->threads == NULL || arenas->resizes == NULL || arenas->functions == NULL ||
        arenas->stacks == NULL || arenas->outermost == NULL)
        return -ENOMEM;
    return 0;
}

/* ---------------------------------------------------------------------------------------- births */

static int grow_blocks(struct tn_arenas *arenas, const struct tn_pass *pass)
{
    if (pass->slot_capacity <= arenas->block_capacity)
        return 0;
    void *blocks = realloc(arenas->blocks, pass->slot_capacity * sizeof(arenas->blocks[0]));
    if (blocks == NULL)
        return -ENOMEM;
    arenas->blocks = blocks;
    arenas->block_capacity = pass->slot_capacity;
    return 0;
}

/* What a block takes of an arena. One that is to be aligned to more may need that much beside it. */
static uint64_t arena_bytes_of(const struct tn_block *block)
{
    uint64_t bytes = block->size_bytes + TN_ARENA_ALIGNMENT_BYTES - 1;
    if (block->alignment_bytes > TN_ARENA_ALIGNMENT_BYTES)
        bytes += block->alignment_bytes - TN_ARENA_ALIGNMENT_BYTES;
    return bytes / TN_ARENA_ALIGNMENT_BYTES * TN_ARENA_ALIGNMENT_BYTES;
}

/* The deepest call that has been under way since the block's birth. */
static uint32_t level_of(const struct tn_arenas *arenas, const struct tn_arena_block *own)
{
    return tn_activations_owner(arenas->activations, own->thread, own->birth_event, UINT32_MAX);
}

static int birth(void *state, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_arenas *arenas = state;
    const struct tn_block *block = event->block;
    struct tn_arena_resize *resize = &arenas->resizes[event->thread];
    bool is_resize = event->event->previous_id != 0 && event->event->previous_id == resize->id;
    int r = grow_blocks(arenas, pass);
    if (r == 0)
        r = tn_arena_calls_follow(arenas, pass, event->thread, event->thread_event);
    if (r < 0)
        return r;
    struct tn_arena_block *own = &arenas->blocks[block->slot];
    *own = is_resize ? resize->block
                     : (struct tn_arena_block){.birth_event = event->thread_event,
                                               .thread = event->thread,
                                               .first_stack = block->stack_id};
    own->stack_id = block->stack_id;
    own->bytes = arena_bytes_of(block);
    resize->id = 0;
    if (own->first_stack == 0 || own->stack_id == 0) {
        own->first_stack = 0;
        return 0;
    }
    arenas->stacks[own->stack_id].births++;
    arenas->stacks[own->stack_id].resizes += is_resize;
    /* the deepest call that is under way contains a new block so far */
    uint32_t level = is_resize ? level_of(arenas, own) : arenas->activations->threads[own->thread].depth;
    tn_arena_calls_add(arenas, own->thread, level, own->bytes);
    return 0;
}

/* ---------------------------------------------------------------------------------------- deaths */

/* Count blocks of a stack that a level contained, and no deeper one. */
static int count_owner(struct tn_arenas *arenas, uint32_t stack_id, uint32_t level, uint64_t count)
{
    struct tn_arena_stack *stack = &arenas->stacks[stack_id];
    if (stack->settled == 0 || level < stack->min_level)
        stack->min_level = level;
    stack->settled += count;
    uint64_t key = (uint64_t)stack_id << 32 | (level + 1);
    uint64_t *known = tn_map_find(&arenas->owners, key);
    if (known == NULL)
        return tn_map_put(&arenas->owners, key, count);
    *known += count;
    return 0;
}

/* The call that contained a block has released it before the line of its birth. */
static bool is_doubtful(const struct tn_arenas *arenas, const struct tn_pass *pass,
                        const struct tn_arena_block *own, uint32_t level)
{
    const struct tn_activation_stack *stack = &arenas->activations->threads[own->thread];
    uint32_t birth = own->first_stack, death = stack->items[level - 1].node;
    while (pass->nodes[birth].depth > level)
        birth = pass->nodes[birth].caller_id;
    if (birth == death)
        return stack->depth != level;
    return !tn_source_frames_is_behind(arenas->frames, pass->nodes[birth].frame_id,
                                       pass->nodes[death].frame_id);
}

static void contain(struct tn_arenas *arenas, const struct tn_arena_block *own, uint32_t level)
{
    struct tn_arena_call *call = &arenas->threads[own->thread].items[level];
    call->contained_count++;
    call->contained_bytes += own->bytes;
}

/* Settle what contained a block: a chain counts for the stacks of its first and of its last block. */
static int settle(struct tn_arenas *arenas, const struct tn_arena_block *own, uint32_t level)
{
    int r = count_owner(arenas, own->first_stack, level, 1);
    if (r == 0 && own->stack_id != own->first_stack)
        r = count_owner(arenas, own->stack_id, level, 1);
    return r;
}

/* Whether recording was paused in the middle of a call that contained the block as others of its stack were.
 * ret_level: that call's */
static bool is_interrupted(const struct tn_arenas *arenas, const struct tn_arena_block *own,
                           uint32_t *ret_level)
{
    const struct tn_arena_stack *stack = &arenas->stacks[own->first_stack];
    uint32_t level =
        tn_activations_interrupted(arenas->activations, own->thread, own->birth_event, UINT32_MAX);
    if (level == 0 || stack->settled == 0 || stack->min_level == 0 || level < stack->min_level)
        return false;
    *ret_level = level;
    return true;
}

static void expect(const void *state, uint32_t slot)
{
    const struct tn_arenas *arenas = state;
    if (slot < arenas->block_capacity)
        __builtin_prefetch(&arenas->blocks[slot], 1);
}

static int death(void *state, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_arenas *arenas = state;
    struct tn_arena_block own = arenas->blocks[event->block->slot];
    struct tn_arena_resize *resize = &arenas->resizes[event->thread];
    enum tn_function function = (enum tn_function)event->event->function;
    int r = tn_arena_calls_follow(arenas, pass, event->thread, event->thread_event);
    resize->id = 0;
    if (r < 0 || own.first_stack == 0)
        return r;
    uint32_t held_at = level_of(arenas, &own);
    tn_arena_calls_drop(arenas, own.thread, held_at, own.bytes);
    bool is_known = !own.is_moved && own.thread == event->thread && event->event->stack_id != 0 &&
                    event->event->stack_id < pass->node_count;
    uint32_t level = is_known ? held_at : 0;
    bool is_resize = function == TN_FUNCTION_REALLOC || function == TN_FUNCTION_REALLOCARRAY;
    if (is_resize) {
        *resize = (struct tn_arena_resize){event->block->id, own};
        resize->block.is_moved |= own.thread != event->thread;
    }
    if (level != 0 && !is_resize && is_doubtful(arenas, pass, &own, level))
        arenas->stacks[own.first_stack].doubtful++;
    if (!is_resize && is_interrupted(arenas, &own, &level))
        return settle(arenas, &own, level);
    if (!is_resize)
        r = settle(arenas, &own, level);
    else if (own.stack_id != own.first_stack)
        r = count_owner(arenas, own.stack_id, level, 1);
    if (level != 0 && r == 0)
        contain(arenas, &own, level);
    return r;
}

/* A block that lives at the end has outlived every call, unless the program was stopped in the middle. */
static int survivor(void *state, const struct tn_pass *pass, const struct tn_block *block)
{
    struct tn_arenas *arenas = state;
    const struct tn_arena_block *own = &arenas->blocks[block->slot];
    if (own->first_stack == 0)
        return 0;
    return settle(arenas, own, pass->is_cut_off ? level_of(arenas, own) : 0);
}

/* ---------------------------------------------------------------------------------------- the end */

/* What contained the blocks of another process of the same program. */
static int consult(void *state, const struct tn_pass *other, const void *other_state)
{
    struct tn_arenas *own = state;
    const struct tn_arenas *theirs = other_state;
    int r = 0;
    for (size_t i = 1; i < other->node_count; i++)
        own->stacks[i].doubtful += theirs->stacks[i].doubtful;
    for (size_t i = 0; i < theirs->owners.capacity && r == 0; i++) {
        const struct tn_map_entry *entry = &theirs->owners.entries[i];
        if (entry->key != 0 && own->stacks[entry->key >> 32].births != 0)
            r = count_owner(own, (uint32_t)(entry->key >> 32), (uint32_t)entry->key - 1, entry->value);
    }
    return r;
}

/* No arena of the program's serves what a library makes for itself, the C++ library's types included. */
static int find_servable(struct tn_arenas *arenas, const struct tn_pass *pass)
{
    int r = 0;
    arenas->can_serve = calloc(pass->site_count, sizeof(arenas->can_serve[0]));
    if (arenas->can_serve == NULL)
        return -ENOMEM;
    for (uint32_t site = 1; site < pass->site_count && r == 0; site++) {
        struct tn_made_by made_by;
        r = tn_pass_maker(pass, site, &made_by);
        arenas->can_serve[site] =
            r == 0 && !pass->sites[site].is_runtime && !tn_maker_is_library(made_by.maker);
    }
    return r;
}

static int conclude(void *state, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct tn_arenas *arenas = state;
    struct tn_arena_choice *choices = NULL;
    size_t count = 0;
    tn_arena_calls_finish(arenas);
    int r = find_servable(arenas, pass);
    if (r == 0)
        r = tn_arena_choose(arenas, pass, &choices, &count);
    if (r == 0 && count != 0)
        r = tn_site_links_load(pass, &arenas->links);
    for (size_t i = 0; i < count && r == 0; i++)
        r = tn_arena_state(arenas, pass, &choices[i], findings);
    free(choices);
    return r;
}

static void finish(void *state)
{
    struct tn_arenas *arenas = state;
    if (arenas == NULL)
        return;
    for (size_t i = 0; arenas->threads != NULL && i < arenas->thread_count; i++)
        free(arenas->threads[i].items);
    tn_map_finish(&arenas->owners);
    tn_site_links_finish(&arenas->links);
    free(arenas->threads);
    free(arenas->resizes);
    free(arenas->functions);
    free(arenas->stacks);
    free(arenas->outermost);
    free(arenas->blocks);
    free(arenas->can_serve);
    free(arenas);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key owner_keys[] = {
    {TN_KEY("function", TEXT, NONE), .is_required = true},
    {TN_KEY("file", TEXT, NONE), .is_required = true},
    {TN_KEY("line", COUNT, NONE), .is_required = true},
    {0},
};

static const struct tn_evidence_key escape_keys[] = {
    {TN_KEY("function", TEXT, NONE), .is_required = true},
    {TN_KEY("file", TEXT, NONE), .is_required = true},
    {TN_KEY("line", COUNT, NONE), .is_required = true},
    {TN_KEY("allocations", COUNT, COUNT), .is_required = true},
    {TN_KEY("escapes", COUNT, COUNT), .is_required = true},
    {TN_KEY("is_served", BOOL, NONE), .is_required = true},
    {TN_KEY("held_by", TEXT, NONE)},
    {TN_KEY("held_offset_bytes", COUNT, BYTES)},
    {TN_KEY("held_as", TEXT, NONE)},
    {0},
};

static const struct tn_evidence_key nested_keys[] = {
    {TN_KEY("function", TEXT, NONE), .is_required = true},
    {TN_KEY("allocations", COUNT, COUNT), .is_required = true},
    {TN_KEY("site_count", COUNT, COUNT), .is_required = true},
    {TN_KEY("calls", COUNT, COUNT), .is_required = true},
    {TN_KEY("arena_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("reuse_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("arena_count", COUNT, COUNT), .is_required = true},
    {0},
};

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("allocations", COUNT, COUNT), TN_TOLD("", " allocations"), .is_required = true, .is_detail = true,
     .is_summed = true},
    {TN_KEY("site_count", COUNT, COUNT), TN_TOLD("of ", " lines"), .is_required = true, .is_detail = true},
    {TN_KEY("calls", COUNT, COUNT), TN_TOLD("in ", " calls"), .is_required = true, .is_summed = true},
    {TN_KEY("owner", OBJECT, NONE), TN_TOLD("all gone before the return of ", ""), .is_required = true,
     .members = owner_keys, .is_detail = true},
    {TN_KEY("arena_bytes", COUNT, BYTES), TN_TOLD("at most ", " in one call"), .is_required = true,
     .is_detail = true},
    {TN_KEY("reuse_bytes", COUNT, BYTES), TN_TOLD("of these ", " at once"), .is_required = true,
     .unlike = "arena_bytes"},
    {TN_KEY("arena_count", COUNT, COUNT), TN_TOLD("at most ", " calls at once"), .is_required = true},
    {TN_KEY("min_arena_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("share", REAL, RATIO), .is_required = true},
    {TN_KEY("resizes", COUNT, COUNT)},
    {TN_KEY("escapes", LIST, NONE), .members = escape_keys},
    {TN_KEY("nested", LIST, NONE), .members = nested_keys},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", "combine", "permanent", NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .expect = expect,
    .death = death,
    .consult = consult,
    .survivor = survivor,
    .conclude = conclude,
    .contained = tn_arena_contained,
    .finish = finish,
};

const struct tn_kind tn_kind_arena = {
    .name = "arena",
    .summary = "all, or nearly all, that is made in a function's calls dies before they return: one arena",
    .tactic = "Combine related structures",
    .verify = "Record again: these lines allocate no more, or only what the arena had no room for.",
    .weight = 1,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
