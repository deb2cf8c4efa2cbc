/* SPDX-License-Identifier: MIT */
/* The kind `combine`, while events pass: follows blocks, threads and deaths, tells combine_pair.c which
 * blocks died together, and keeps the parent that a site's blocks may lie within. At the end it has the
 * groups found and stated. Also the kind's entry. */
#include "combine.h"

#include "tenure/analysis.h"
#include "tenure/kinds.h"

#include <errno.h>
#include <stdlib.h>

/* Deaths of the thread that a death is compared with, at most. */
#define LOOK_BACK 24u

/* A parent is dropped once so many blocks, and a third of all, were outside it. */
#define NEST_OUTSIDE 4u

static const struct tn_threshold thresholds[] = {
    {"combine.support", 20, 2, 1e9, "groups seen, at least", "a rule with less support may be coincidence"},
    {"combine.confidence", 0.95, 0.5, 1, "share of the blocks of each site that are in a group, at least",
     "as for association rules, asked both ways"},
    {"combine.optional", 0.1, 0.01, 1, "share of the groups that have an optional member, at least",
     "a tenth: rarer ones are exceptions"},
    {"combine.lifetime", 0.9, 0.1, 1,
     "how much of their lives blocks must share to be equal: common part of both by allocations made "
     "meanwhile",
     "a measure of overlap by Jaccard: a tenth is filling in and cleaning up"},
    {"combine.max-count", 4, 1, 64, "blocks of one site in one structure, at most",
     "more are a container that the structure has"},
    {"combine.exceptions", 0.01, 0, 0.5,
     "share of the members' blocks in no group, up to which a finding is not weak",
     "one in a hundred: error paths, and a constructor's rare other uses"},
    {"combine.similar-size", 0.1, 0, 1, "difference in size of structures that could be one type, at most",
     "a tenth: what a flag or a pointer more makes of a small structure"},
    {"combine.waste", 8, 1, 1e6,
     "size of the combined structure, in times the mean size of what it holds, up to which a finding is not "
     "weak",
     "beyond, a rare giant sets the size of all, as in fixed-maximum.waste"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct tn_combine *combine = calloc(1, sizeof(*combine));
    if (combine == NULL)
        return -ENOMEM;
    *ret_state = combine;
    combine->site_count = pass->site_count;
    combine->thread_count = pass->thread_count;
    combine->sites = calloc(pass->site_count, sizeof(combine->sites[0]));
    combine->threads = calloc(pass->thread_count, sizeof(combine->threads[0]));
    if (combine->sites == NULL || combine->threads == NULL)
        return -ENOMEM;
    combine->shared_life = tn_pass_threshold(pass, "combine.lifetime");
    return tn_source_frames_load(pass, &combine->frames);
}

static int make_room(struct tn_combine *combine, const struct tn_pass *pass)
{
    if (combine->block_capacity >= pass->slot_capacity)
        return 0;
    void *blocks = realloc(combine->blocks, pass->slot_capacity * sizeof(combine->blocks[0]));
    if (blocks == NULL)
        return -ENOMEM;
    combine->blocks = blocks;
    for (size_t i = combine->block_capacity; i < pass->slot_capacity; i++)
        combine->blocks[i].id = 0;
    combine->block_capacity = pass->slot_capacity;
    return 0;
}

static void open_window(struct tn_combine *combine, struct tn_combine_thread *thread)
{
    thread->window = ++combine->window_count;
    thread->window_birth_count = thread->birth_count;
    thread->death_count = 0;
}

/* ---------------------------------------------------------------------------------------- order of births */

static uint64_t newest_key(uint32_t site, uint32_t thread)
{
    return (uint64_t)site << 32 | (thread + 1);
}

/* 1 + the slot of a site's newest block in a thread. Most sites allocate in one thread only. */
static int find_newest(struct tn_combine *combine, struct tn_combine_site *site, uint32_t index,
                       uint32_t thread, uint32_t *ret_newest)
{
    *ret_newest = site->newest;
    if (site->newest == 0 || site->newest_thread == thread)
        return 0;
    int r = tn_map_put(&combine->newest, newest_key(index, site->newest_thread), site->newest);
    const uint64_t *found = tn_map_find(&combine->newest, newest_key(index, thread));
    *ret_newest = found != NULL ? (uint32_t)*found : 0;
    return r;
}

static int note_order(struct tn_combine *combine, uint32_t slot)
{
    struct tn_combine_block *own = &combine->blocks[slot];
    struct tn_combine_site *site = &combine->sites[own->site];
    uint32_t newest;
    int r = find_newest(combine, site, own->site, own->thread, &newest);
    if (r < 0)
        return r;
    if (newest != 0 && newest != slot + 1) {
        struct tn_combine_block *older = &combine->blocks[newest - 1];
        if (older->id != 0 && older->site == own->site && older->thread == own->thread)
            older->next_number = own->birth_number;
    }
    site->newest = slot + 1;
    site->newest_thread = own->thread;
    return 0;
}

/* ---------------------------------------------------------------------------------------- parents */

/* The only live block of a site, if it was born in this thread; NULL: none, or several. */
static const struct tn_combine_block *only_block(const struct tn_combine *combine, uint32_t site,
                                                 uint32_t thread)
{
    uint32_t newest = combine->sites[site].newest;
    if (combine->sites[site].births - combine->sites[site].deaths != 1 || newest == 0)
        return NULL;
    const struct tn_combine_block *block = &combine->blocks[newest - 1];
    return block->id != 0 && block->site == site && block->thread == thread ? block : NULL;
}

/* The newest block of the thread that could be the parent. */
static uint32_t assume_parent(const struct tn_combine *combine, uint32_t site, uint32_t thread)
{
    const struct tn_combine_thread *own = &combine->threads[thread];
    for (uint64_t back = 1; back < TN_COMBINE_BIRTHS && back < own->birth_count; back++) {
        uint64_t at = (own->birth_count - back) % TN_COMBINE_BIRTHS;
        const struct tn_combine_block *block = &combine->blocks[own->births[at].slot];
        if (block->id == own->births[at].id && block->id != 0 && block->site != site &&
            only_block(combine, block->site, thread) != NULL)
            return block->site;
    }
    return 0;
}

static void note_parent(struct tn_combine *combine, struct tn_combine_block *own)
{
    struct tn_combine_nest *nest = &combine->sites[own->site].nest;
    if (nest->parent != 0 && nest->outside > NEST_OUTSIDE && nest->outside * 3 > nest->births)
        *nest = (struct tn_combine_nest){0};
    if (nest->parent == 0)
        nest->parent = assume_parent(combine, own->site, own->thread);
    if (nest->parent == 0)
        return;
    nest->births++;
    const struct tn_combine_block *parent = only_block(combine, nest->parent, own->thread);
    if (parent == NULL) {
        nest->outside++;
        return;
    }
    own->parent_id = parent->id;
    if (nest->last_parent_id != parent->id) {
        nest->parents_with++;
        nest->live_count = 0;
    }
    nest->last_parent_id = parent->id;
    if (++nest->live_count > nest->max_live_count)
        nest->max_live_count = nest->live_count;
}

/* The parent must still live, or have died just now. */
static void leave_parent(struct tn_combine *combine, const struct tn_pass *pass,
                         const struct tn_combine_block *own)
{
    struct tn_combine_nest *nest = &combine->sites[own->site].nest;
    if (own->parent_id == 0 || nest->parent == 0)
        return;
    const struct tn_combine_site *parent = &combine->sites[nest->parent];
    if (own->parent_id == nest->last_parent_id && nest->live_count != 0)
        nest->live_count--;
    bool is_live = parent->newest != 0 && combine->blocks[parent->newest - 1].id == own->parent_id;
    bool is_dying =
        parent->last_death_id == own->parent_id && parent->last_death_index == pass->allocation_count;
    nest->outside += !is_live && !is_dying;
}

/* ---------------------------------------------------------------------------------------- events */

static int follow_birth(struct tn_combine *combine, const struct tn_block *block, uint64_t thread_event)
{
    struct tn_combine_thread *thread = &combine->threads[block->thread];
    struct tn_combine_site *site = &combine->sites[block->site];
    struct tn_combine_block *own = &combine->blocks[block->slot];
    uint64_t at = thread->birth_count % TN_COMBINE_BIRTHS;
    if (site->death_window == thread->window)
        thread->death_count = 0;
    if (site->births++ == 0)
        site->stack_id = block->stack_id;
    site->size_bytes += block->size_bytes;
    *own = (struct tn_combine_block){
        .id = block->id,
        .birth_index = block->birth_index,
        .birth_number = thread->birth_count,
        .next_number = UINT64_MAX,
        .birth_event = thread_event,
        .site_death_event = site->last_death_thread == block->thread ? site->last_death_event : 0,
        .site = block->site,
        .thread = block->thread};
    thread->births[at].id = block->id;
    thread->births[at].slot = block->slot;
    thread->births[at].site = block->site;
    note_parent(combine, own);
    return note_order(combine, block->slot);
}

/* A resized block replaces the old one in all that is known, under its id. */
static void carry_on(struct tn_combine *combine, uint32_t slot, const struct tn_combine_thread *from)
{
    struct tn_combine_site *site = &combine->sites[from->resized.site];
    combine->blocks[slot] = from->resized;
    if (site->newest == from->resized_slot + 1)
        site->newest = slot + 1;
}

static bool is_realloc(enum tn_function function)
{
    return function == TN_FUNCTION_REALLOC || function == TN_FUNCTION_REALLOCARRAY;
}

static int birth(void *state, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_combine *combine = state;
    const struct tn_block *block = event->block;
    struct tn_combine_thread *thread = &combine->threads[event->thread];
    uint64_t resized_id = thread->resized_id;
    int r = make_room(combine, pass);
    if (r < 0)
        return r;
    thread->birth_count++;
    thread->births[thread->birth_count % TN_COMBINE_BIRTHS].id = 0;
    thread->resized_id = 0;
    combine->blocks[block->slot].id = 0;
    if (event->event->previous_id != 0 && event->event->previous_id == resized_id)
        carry_on(combine, block->slot, thread);
    else if (block->site != 0 && !pass->sites[block->site].is_runtime)
        r = follow_birth(combine, block, event->thread_event);
    if (r == 0 && is_realloc(event->event->function))
        combine->sites[block->site].realloc_births++;
    const struct tn_combine_block *own = &combine->blocks[block->slot];
    if (own->id != 0 && block->size_bytes > combine->sites[own->site].max_size_bytes)
        combine->sites[own->site].max_size_bytes = block->size_bytes;
    return r;
}

/* Whether the thread made a new block of either site between two deaths. Then it has gone on to something
 * else, as periodic code does. */
static bool is_replaced(const struct tn_combine_thread *thread, const struct tn_combine_death *earlier,
                        const struct tn_combine_death *later)
{
    for (uint64_t number = later->birth_count; number > earlier->birth_count; number--) {
        uint64_t at = number % TN_COMBINE_BIRTHS;
        if (thread->births[at].id != 0 &&
            (thread->births[at].site == earlier->block.site || thread->births[at].site == later->block.site))
            return true;
    }
    return false;
}

/* Compare a death with those just before it. */
static int follow_death(struct tn_combine *combine, struct tn_combine_thread *thread,
                        const struct tn_combine_death *death)
{
    struct tn_combine_site *site = &combine->sites[death->block.site];
    if (thread->deaths == NULL)
        thread->deaths = calloc(TN_COMBINE_RECENT, sizeof(thread->deaths[0]));
    if (thread->deaths == NULL)
        return -ENOMEM;
    if (thread->death_count == 0 || thread->birth_count - thread->window_birth_count > TN_COMBINE_BIRTHS)
        open_window(combine, thread);
    site->death_window = thread->window;
    int r = 0;
    for (uint64_t back = 1; r == 0 && back <= LOOK_BACK && back <= thread->death_count; back++) {
        const struct tn_combine_death *other =
            &thread->deaths[(thread->death_count - back) % TN_COMBINE_RECENT];
        if (other->block.site != death->block.site && other->block.thread == death->block.thread &&
            !is_replaced(thread, other, death))
            r = tn_combine_meet(combine, death, other, thread->window);
    }
    thread->deaths[thread->death_count++ % TN_COMBINE_RECENT] = *death;
    return r;
}

static void expect(const void *state, uint32_t slot)
{
    const struct tn_combine *combine = state;
    if (slot < combine->block_capacity)
        __builtin_prefetch(&combine->blocks[slot], 1);
}

static int death(void *state, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_combine *combine = state;
    struct tn_combine_block *own = &combine->blocks[event->block->slot];
    struct tn_combine_thread *thread = &combine->threads[event->thread];
    const struct tn_log_event *log_event = event->event;
    thread->resized_id = 0;
    if (own->id == 0)
        return 0;
    struct tn_combine_site *site = &combine->sites[own->site];
    struct tn_combine_death death = {*own, pass->allocation_count, thread->birth_count, event->thread_event};
    if (is_realloc(log_event->function)) {
        thread->resized_id = event->block->id;
        thread->resized = *own;
        thread->resized_slot = event->block->slot;
        site->resizes++;
        own->id = 0;
        return 0;
    }
    own->id = 0;
    site->deaths++;
    site->lifetime += death.death_index - death.block.birth_index;
    site->last_death_thread = event->thread;
    site->last_death_event = event->thread_event;
    site->last_death_id = death.block.id;
    site->last_death_index = pass->allocation_count;
    leave_parent(combine, pass, &death.block);
    return follow_death(combine, thread, &death);
}

static int conclude(void *state, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct tn_combine *combine = state;
    struct tn_combine_group *groups = NULL;
    size_t count = 0;
    int r = tn_site_links_load(pass, &combine->links);
    if (r == 0)
        r = tn_combine_groups(combine, pass, findings, &groups, &count);
    if (r == 0)
        r = tn_combine_similar(combine, pass, findings, &groups, &count);
    if (r == 0)
        r = tn_combine_few(combine, pass, findings, &groups, &count);
    if (r == 0)
        r = tn_combine_count_outlived(combine, pass, groups, count);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = tn_combine_state(combine, pass, &groups[i], findings);
    free(groups);
    return r;
}

static void finish(void *state)
{
    struct tn_combine *combine = state;
    if (combine == NULL)
        return;
    for (size_t i = 0; combine->sites != NULL && i < combine->site_count; i++)
        free(combine->sites[i].pairs);
    for (size_t i = 0; combine->threads != NULL && i < combine->thread_count; i++)
        free(combine->threads[i].deaths);
    free(combine->sites);
    free(combine->threads);
    free(combine->blocks);
    tn_map_finish(&combine->newest);
    tn_site_links_finish(&combine->links);
    tn_source_frames_finish(&combine->frames);
    free(combine);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key site_keys[] = {
    {TN_KEY("place", TEXT, NONE), .is_required = true},
    {TN_KEY("function", TEXT, NONE), .is_required = true},
    {TN_KEY("file", TEXT, NONE), .is_required = true},
    {TN_KEY("line", COUNT, NONE), .is_required = true},
    {0},
};

static const struct tn_evidence_key member_keys[] = {
    {TN_KEY("site", OBJECT, NONE), .is_required = true, .members = site_keys},
    {TN_KEY("size_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("mean_size_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("per_group", COUNT, COUNT), .is_required = true},
    {TN_KEY("share", REAL, RATIO)},
    {TN_KEY("held_by", TEXT, NONE)},
    {TN_KEY("held_offset_bytes", COUNT, BYTES)},
    {TN_KEY("held_as", TEXT, NONE)},
    {TN_KEY("held_share", REAL, RATIO)},
    {TN_KEY("allocations", COUNT, COUNT), .is_required = true},
    {0},
};

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("groups", COUNT, COUNT), TN_TOLD("", " groups seen"), .is_required = true, .is_detail = true,
     .is_summed = true},
    {TN_KEY("exceptions", COUNT, COUNT), TN_TOLD("", " exceptions"), .is_required = true, .is_summed = true,
     .is_silent_at_zero = true},
    {TN_KEY("members", LIST, NONE), TN_TOLD("", " members"), .is_required = true, .members = member_keys,
     .is_detail = true},
    {TN_KEY("links", TEXT, NONE), TN_TOLD("one holds the address of another ", ""), .is_detail = true},
    {TN_KEY("combined_bytes", COUNT, BYTES), TN_TOLD("", " together"), .is_required = true,
     .is_detail = true},
    {TN_KEY("peak_groups", COUNT, COUNT), TN_TOLD("at most ", " groups at once")},
    {TN_KEY("header_saved_bytes", COUNT, BYTES), TN_TOLD("", " of headers saved"), .is_silent_at_zero = true,
     .is_detail = true},
    {TN_KEY("unused_bytes", COUNT, BYTES), TN_TOLD("", " unused where a member is not needed"),
     .is_silent_at_zero = true},
    {TN_KEY("relation", TEXT, NONE), .is_required = true},
    {TN_KEY("allocations", COUNT, COUNT), .is_summed = true},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .expect = expect,
    .death = death,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_combine = {
    .name = "combine",
    .summary = "blocks born together and dying together: one structure",
    .tactic = "combine related structures",
    .verify = "Record again: only the combined structure is allocated, once for each group.",
    .weight = 1,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
