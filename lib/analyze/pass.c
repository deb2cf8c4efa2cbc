/* SPDX-License-Identifier: MIT */
/* The shared pass: reads the events of one process in true order, keeps the live blocks and the figures of
 * each site, recognises buffers that were resized by copying, and shows every event to the kinds that run.
 * Counts are updated before the kinds see an event. Called once by tn_analyze. */
#include "pass.h"
#include "growth_helper.h"
#include "successor.h"

#include "blocks.h"
#include "release_count.h"
#include "stack_profile.h"
#include "tenure/activation.h"
#include "tenure/source_frames.h"
#include "watch.h"

#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_EVERY 1048576u
/* A block that dies is prefetched this many events ahead: old blocks are in no cache. */
#define EXPECT_PAGE  16
#define EXPECT_BLOCK 8

/* A block that was resized, until the block that it became. */
struct resized {
    uint64_t id; /* 0: none */
    uint64_t max_size_bytes, size_bytes;
    uint32_t steps, grown, site;
};

struct run {
    struct tn_pass *pass;
    const struct tn_running *running;
    size_t running_count;
    struct tn_blocks blocks;
    struct resized *resized;               /* owned; by thread */
    uint32_t last_slot;                    /* of the last birth; that block may be dead */
    const struct tn_source_frames *frames; /* the pass's; NULL until find_order first needs it */
    struct tn_map
        orders; /* stacks of a birth and a release -> 1 the release stands behind the birth, 2 it does not */
    uint32_t *thread_index; /* owned; row id of a thread - first row id -> index in pass->threads */
    uint64_t first_thread_id;
    size_t thread_span;
    uint64_t done, total; /* events */
};

/* ---------------------------------------------------------------------------------------- threads */

/* Row ids of one process's threads lie close together, so an array serves as the map. */
static int index_threads(struct run *run)
{
    const struct tn_pass *pass = run->pass;
    size_t known = pass->thread_count - 1;
    run->first_thread_id = known != 0 ? pass->threads[0].thread_id : 1;
    run->thread_span =
        known != 0 ? (size_t)(pass->threads[known - 1].thread_id - run->first_thread_id) + 1 : 0;
    run->resized = calloc(pass->thread_count, sizeof(run->resized[0]));
    run->thread_index =
        run->thread_span < UINT32_MAX ? malloc((run->thread_span + 1) * sizeof(uint32_t)) : NULL;
    if (run->resized == NULL || run->thread_index == NULL)
        return -ENOMEM;
    for (size_t i = 0; i <= run->thread_span; i++)
        run->thread_index[i] = (uint32_t)known;
    for (size_t i = 0; i < known; i++)
        run->thread_index[pass->threads[i].thread_id - run->first_thread_id] = (uint32_t)i;
    return 0;
}

static uint32_t thread_of(const struct run *run, uint64_t thread_id)
{
    uint64_t number = thread_id - run->first_thread_id;
    return run->thread_index[number < run->thread_span ? number : run->thread_span];
}

/* ---------------------------------------------------------------------------------------- events */

static void raise_to(uint64_t *peak, uint64_t value)
{
    if (value > *peak)
        *peak = value;
}

/* What a site had live at the process's peak is what it had after its last event before that peak. It is
 * written at the site's next event, and at the end. */
static void settle_peak(const struct tn_pass *pass, struct tn_pass_site *site, uint64_t now)
{
    if (2 * pass->peak_index >= site->changed) {
        site->live_count_at_peak = site->live_count;
        site->live_bytes_at_peak = site->live_bytes;
    }
    site->changed = now;
}

static void count_site_birth(struct tn_pass_site *site, const struct tn_block *block)
{
    if (site->allocations == 0) {
        site->min_size_bytes = block->size_bytes;
        site->first_birth_index = block->birth_index;
        site->first_birth_ns = block->birth_ns;
    }
    site->allocations++;
    site->last_birth_index = block->birth_index;
    site->last_birth_ns = block->birth_ns;
    site->total_bytes += block->size_bytes;
    site->usable_bytes += block->usable_size_bytes;
    site->live_bytes += block->size_bytes;
    site->live_count++;
    raise_to(&site->peak_live_count, site->live_count);
    raise_to(&site->peak_live_bytes, site->live_bytes);
    raise_to(&site->max_size_bytes, block->size_bytes);
    raise_to(&site->max_alignment_bytes, block->alignment_bytes);
    if (block->size_bytes < site->min_size_bytes)
        site->min_size_bytes = block->size_bytes;
}

static void count_birth(struct tn_pass *pass, struct tn_pass_site *site, const struct tn_block *block)
{
    settle_peak(pass, site, 2 * block->birth_index);
    pass->live_bytes += block->size_bytes;
    if (pass->live_bytes > pass->peak_live_bytes) {
        pass->peak_live_bytes = pass->live_bytes;
        pass->peak_index = block->birth_index;
    }
    count_site_birth(site, block);
}

static struct resized chain_of(const struct tn_block *block)
{
    return (struct resized){block->id,          block->chain_max_size_bytes, block->size_bytes,
                            block->chain_steps, block->chain_grown,          block->site};
}

static void continue_chain(const struct resized *resized, struct tn_block *block)
{
    block->chain_steps = resized->steps + 1;
    block->chain_grown = block->size_bytes > resized->size_bytes ? resized->grown + 1 : 0;
    raise_to(&block->chain_max_size_bytes, resized->max_size_bytes);
}

static bool is_realloc(enum tn_function function)
{
    return function == TN_FUNCTION_REALLOC || function == TN_FUNCTION_REALLOCARRAY;
}

/* What the function says that made a birth and the release after it. */
enum order {
    ORDER_OTHER = 1, /* the release stands before the birth, or nothing is known */
    ORDER_BEHIND,    /* it stands behind the birth */
    ORDER_GROWN,     /* the same, in a function by which a container of the C++ library grows */
};

/* Whether a release stands behind a birth in the function that made both calls, directly or not. If so, and
 * no event lies between, both belong to one call of that function; else the release began its next call
 * (free(p); p = malloc(n)). */
static enum order order_of(const struct run *run, uint32_t birth, uint32_t release)
{
    const struct tn_stack_node *nodes = run->pass->nodes;
    while (nodes[birth].depth > nodes[release].depth)
        birth = nodes[birth].caller_id;
    while (nodes[release].depth > nodes[birth].depth)
        release = nodes[release].caller_id;
    while (nodes[birth].caller_id != nodes[release].caller_id) {
        birth = nodes[birth].caller_id;
        release = nodes[release].caller_id;
    }
    if (birth == release || nodes[birth].caller_id == 0 ||
        nodes[birth].frame_id >= run->frames->frame_count ||
        nodes[release].frame_id >= run->frames->frame_count ||
        !tn_source_frames_is_behind(run->frames, nodes[birth].frame_id, nodes[release].frame_id))
        return ORDER_OTHER;
    return tn_growth_helper_made(run->frames, nodes[birth].frame_id, nodes[release].frame_id) ? ORDER_GROWN
                                                                                              : ORDER_BEHIND;
}

static int find_order(struct run *run, uint32_t birth, uint64_t release, enum order *ret_order)
{
    *ret_order = ORDER_OTHER;
    if (birth == 0 || release == 0 || release >= run->pass->node_count)
        return 0;
    uint64_t key = (uint64_t)birth << 32 | release;
    const uint64_t *known = tn_map_find(&run->orders, key);
    if (known != NULL) {
        *ret_order = (enum order) * known;
        return 0;
    }
    int r = run->frames == NULL ? tn_pass_frames(run->pass, &run->frames) : 0;
    if (r < 0)
        return r;
    *ret_order = order_of(run, birth, (uint32_t)release);
    return tn_map_put(&run->orders, key, *ret_order);
}

/* The block that took over the contents of a dying one, if any: of its site, or, where a container grew, of
 * another one. The query of `presize` has the same condition in SQL. */
static int find_successor(struct run *run, const struct tn_block *dying, const struct tn_log_event *event,
                          uint32_t thread, struct tn_block **ret_successor)
{
    struct tn_block *last = &run->blocks.items[run->last_slot];
    bool is_last = last->id != 0 && last->birth_index == run->pass->allocation_count && last != dying;
    bool is_larger =
        last->size_bytes > dying->size_bytes && last->size_bytes >= dying->size_bytes + dying->size_bytes / 4;
    if (!is_last || !is_larger || last->thread != thread || last->chain_steps != 0 || last->chain_grown != 0)
        return 0;
    enum order order;
    int r = find_order(run, last->stack_id, event->stack_id, &order);
    bool has_grown =
        r == 0 && dying->stack_id != 0 && order >= (last->site == dying->site ? ORDER_BEHIND : ORDER_GROWN);
    if (has_grown &&
        (order == ORDER_GROWN || !tn_successor_is_stranger(run->pass, run->frames, last->stack_id,
                                                           dying->stack_id, (uint32_t)event->stack_id)))
        *ret_successor = last;
    return r;
}

/* Fill a new block from its birth. */
static void fill_block(struct run *run, const struct tn_log_event *event, uint32_t thread,
                       struct tn_block *block)
{
    struct tn_pass *pass = run->pass;
    bool has_stack = event->stack_id < pass->node_count;
    block->size_bytes = event->size_bytes;
    block->usable_size_bytes = event->usable_size_bytes;
    block->alignment_bytes =
        event->alignment_bytes < UINT32_MAX ? (uint32_t)event->alignment_bytes : UINT32_MAX;
    block->birth_ns = event->time_ns;
    block->birth_index = ++pass->allocation_count;
    pass->allocated_bytes += event->size_bytes;
    block->birth_bytes = pass->allocated_bytes;
    block->birth_event = pass->threads[thread].event_count;
    block->depth_bytes = event->depth_bytes;
    block->stack_id = has_stack ? (uint32_t)event->stack_id : 0;
    block->site = has_stack ? pass->nodes[event->stack_id].site : 0;
    block->thread = thread;
    block->function = event->function;
    if (block->stack_id != 0 && pass->nodes[block->stack_id].function == 0)
        pass->nodes[block->stack_id].function = (uint8_t)event->function;
    block->chain_max_size_bytes = event->size_bytes;
    block->chain_steps = block->chain_grown = 0;
}

/* Once for all kinds. A block that realloc made was shown where it stands by the release. */
static int follow(const struct run *run, const struct tn_pass_event *event, bool is_resized)
{
    struct tn_activations *activations = run->pass->activations;
    return activations->frames != NULL && !is_resized ? tn_activations_step(activations, run->pass, event)
                                                      : 0;
}

static int tell_birth(const struct run *run, const struct tn_pass_event *event)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < run->running_count; i++)
        if (run->running[i].analysis->birth != NULL)
            r = run->running[i].analysis->birth(run->running[i].state, run->pass, event);
    return r;
}

static int tell_death(const struct run *run, const struct tn_pass_event *event)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < run->running_count; i++)
        if (run->running[i].analysis->death != NULL)
            r = run->running[i].analysis->death(run->running[i].state, run->pass, event);
    return r;
}

static int read_birth(struct run *run, const struct tn_log_event *event, uint32_t thread)
{
    struct tn_pass *pass = run->pass;
    struct tn_block *block;
    int r = tn_blocks_add(&run->blocks, event->allocation_id, &block);
    if (r < 0)
        return r;
    fill_block(run, event, thread, block);
    pass->slot_capacity = run->blocks.capacity;
    count_birth(pass, &pass->sites[block->site], block);
    if (pass->profiles != NULL)
        tn_stack_profiles_birth(pass->profiles, block);
    tn_watch_birth(pass, event);
    run->last_slot = block->slot;
    struct tn_pass_event told = {
        .event = event, .block = block, .thread = thread, .thread_event = block->birth_event};
    const struct resized *resized = &run->resized[thread];
    bool is_resized = event->previous_id != 0 && event->previous_id == resized->id;
    if (is_resized) {
        continue_chain(resized, block);
        tn_releases_resized(pass->releases, block->site, resized->site);
        told.previous_size_bytes = resized->size_bytes;
        told.previous_max_size_bytes = resized->max_size_bytes;
    }
    r = follow(run, &told, is_resized);
    return r == 0 ? tell_birth(run, &told) : r;
}

static int read_death(struct run *run, const struct tn_log_event *event, uint32_t thread)
{
    struct tn_pass *pass = run->pass;
    struct tn_block *block = tn_blocks_find(&run->blocks, event->allocation_id);
    if (block == NULL)
        return -EBADMSG;
    struct tn_pass_site *site = &pass->sites[block->site];
    settle_peak(pass, site, 2 * pass->allocation_count + 1);
    pass->live_bytes -= block->size_bytes;
    site->freed++;
    site->live_count--;
    site->live_bytes -= block->size_bytes;
    site->freed_by_other_thread += block->thread != thread;
    tn_watch_death(pass, event, block);
    struct tn_block *successor = NULL;
    int r = 0;
    if (is_realloc(event->function))
        run->resized[thread] = chain_of(block);
    else
        r = find_successor(run, block, event, thread, &successor);
    if (r == 0)
        r = tn_releases_count(pass->releases, pass, block->site, event->stack_id,
                              is_realloc(event->function));
    if (r == 0 && pass->profiles != NULL)
        r = tn_stack_profiles_death(
            pass, block, event->stack_id < pass->node_count ? (uint32_t)event->stack_id : 0, thread);
    if (r < 0)
        return r;
    bool is_other = successor != NULL && successor->site != block->site;
    struct tn_pass_event told = {.event = event,
                                 .block = block,
                                 .successor = is_other ? NULL : successor,
                                 .other_successor = is_other ? successor : NULL,
                                 .thread = thread,
                                 .thread_event = pass->threads[thread].event_count};
    r = follow(run, &told, false);
    if (r == 0)
        r = tell_death(run, &told);
    if (is_other) {
        successor->chain_grown = block->chain_grown + 1;
    } else if (successor != NULL) {
        struct resized chain = chain_of(block);
        continue_chain(&chain, successor);
    }
    tn_blocks_drop(&run->blocks, block);
    return r;
}

static int read_event(struct run *run, const struct tn_log_event *event)
{
    struct tn_pass *pass = run->pass;
    uint32_t thread = thread_of(run, event->thread_id);
    struct tn_pass_thread *own = &pass->threads[thread];
    own->event_count++;
    raise_to(&own->max_depth_bytes, event->depth_bytes);
    if (!pass->is_teardown)
        pass->is_teardown =
            (pass->marks.exit_ns != 0 && event->time_ns >= pass->marks.exit_ns) ||
            (!event->is_birth && pass->allocation_count == pass->birth_total && !tn_pass_ends_paused(pass));
    while (pass->pauses_begun < pass->pause_count &&
           event->time_ns >= pass->pauses[pass->pauses_begun].start_ns) {
        pass->pauses_begun++;
        int r = tn_activations_interrupt(pass->activations, pass);
        if (r < 0)
            return r;
    }
    return event->is_birth ? read_birth(run, event, thread) : read_death(run, event, thread);
}

static void tell_progress(struct run *run)
{
    const struct tn_analyze_options *options = run->pass->options;
    if (options->progress != NULL && !run->pass->is_other)
        options->progress(options->user, run->done, run->total);
}

static void expect_death(const struct run *run, uint64_t id)
{
    uint32_t slot = tn_blocks_expect(&run->blocks, id);
    for (size_t i = 0; slot != UINT32_MAX && i < run->running_count; i++)
        if (run->running[i].analysis->expect != NULL)
            run->running[i].analysis->expect(run->running[i].state, slot);
}

static int read_batch(struct run *run, const struct tn_log_event *events, int count)
{
    int r = 0;
    for (int i = 0; r == 0 && i < count; i++) {
        if (i + EXPECT_PAGE < count && !events[i + EXPECT_PAGE].is_birth)
            tn_blocks_expect_page(&run->blocks, events[i + EXPECT_PAGE].allocation_id);
        if (i + EXPECT_BLOCK < count && !events[i + EXPECT_BLOCK].is_birth)
            expect_death(run, events[i + EXPECT_BLOCK].allocation_id);
        r = read_event(run, &events[i]);
    }
    return r;
}

static int read_events(struct run *run)
{
    struct tn_event_feed *feed;
    const struct tn_log_event *events;
    int r = tn_event_feed_open(tn_log_database(run->pass->log), run->pass->process_id, &feed);
    if (r < 0)
        return r;
    while ((r = tn_event_feed_next(feed, &events)) > 0) {
        uint64_t told = run->done / PROGRESS_EVERY;
        run->done += (uint64_t)r;
        r = read_batch(run, events, r);
        if (r < 0)
            break;
        if (run->done / PROGRESS_EVERY != told)
            tell_progress(run);
    }
    tn_event_feed_close(feed);
    return r;
}

static int tell_survivors(const struct run *run)
{
    int r = 0;
    for (uint32_t slot = 0; slot < run->blocks.used; slot++) {
        const struct tn_block *block = &run->blocks.items[slot];
        for (size_t i = 0; block->id != 0 && r == 0 && i < run->running_count; i++)
            if (run->running[i].analysis->survivor != NULL)
                r = run->running[i].analysis->survivor(run->running[i].state, run->pass, block);
    }
    return r;
}

/* ---------------------------------------------------------------------------------------- the whole */

/* Births are numbered without gaps over all processes, so no id is higher than their number. */
static int load_limits(struct run *run)
{
    sqlite3_stmt *row;
    int r = tn_pass_prepare(run->pass,
                            "SELECT coalesce(sum(births), 0),"
                            " coalesce(sum(births + deaths) FILTER (WHERE process_id = ?1), 0) FROM chunk",
                            &row);
    if (r < 0)
        return r;
    tn_sql_bind_count(row, 1, run->pass->process_id);
    r = tn_sql_next(row);
    if (r == 1) {
        run->blocks.id_limit = tn_sql_count(row, 0);
        run->total = tn_sql_count(row, 1);
    }
    sqlite3_finalize(row);
    return r < 0 ? r : 0;
}

int tn_pass_run(struct tn_pass *pass, const struct tn_running *running, size_t running_count)
{
    struct run run = {.pass = pass, .running = running, .running_count = running_count};
    int r = load_limits(&run);
    if (r == 0)
        r = index_threads(&run);
    if (r == 0)
        r = read_events(&run);
    if (r == 0)
        r = tell_survivors(&run);
    for (size_t i = 0; r == 0 && i < pass->site_count; i++)
        settle_peak(pass, &pass->sites[i], UINT64_MAX);
    if (r == 0)
        tell_progress(&run);
    if (r < 0 && (pass->error == NULL || pass->error->code == 0))
        r = tn_pass_refuse(pass, r, "cannot analyse events");
    tn_blocks_finish(&run.blocks);
    tn_map_finish(&run.orders);
    free(run.resized);
    free(run.thread_index);
    return r;
}
