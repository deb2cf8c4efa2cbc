/* SPDX-License-Identifier: MIT */

/* Maps of a heap over time, for the HTML report. A first replay finds the moment of each interval at which
 * most is free between blocks, a second one looks at the heap then. The same moments are shown of the replay
 * in which findings are followed: after the last event that is left up to each. Called by `report` and
 * `view`. */

#include "step_sets.h"
#include "tenure/charts.h"
#include "tenure/simulate.h"
#include "what_if_rules.h"

#include <errno.h>
#include <stdlib.h>

#define OWNERS_MAX 32u /* sites that share a cell; more of them are not told apart from the first ones */

/* What is to be seen in a replay. */
struct map_run {
    struct tn_charts *charts;
    uint64_t span_ns;           /* of all intervals */
    struct tn_chart_map *map;   /* that is being filled */
    uint64_t *events;           /* by moment: number of its event; 0: no event in its interval */
    size_t bin;                 /* of charts->reaches, that was reached */
    struct tn_chart_reach now;  /* after the latest event */
    size_t next;                /* moment to look at next */
    const struct tn_heap *heap; /* of the replay; NULL before its first event */
    int error;                  /* 0 or -ENOMEM */
};

/* A cell while the extents that it covers are seen. */
struct open_cell {
    uint32_t owners[OWNERS_MAX];
    uint64_t bytes[OWNERS_MAX];
    size_t count;
};

/* A walk over the extents. */
struct map_walk {
    struct tn_chart_moment *moment;
    struct open_cell open;
    uint64_t map_bytes; /* of all cells */
    uint64_t top_bytes; /* end of the highest block */
    size_t cell;        /* being filled */
    size_t capacity;    /* of moment->runs */
    int error;
};

/* ---------------------------------------------------------------------------------------- finding moments */

static size_t interval_of(const struct map_run *run, uint64_t time_ns, size_t count)
{
    uint64_t from_ns = run->charts->from_ns;
    uint64_t length_ns = (run->span_ns + count - 1) / count;
    uint64_t interval = time_ns > from_ns ? (time_ns - from_ns) / length_ns : 0;
    return interval < count ? (size_t)interval : count - 1;
}

/* The interval of a moment. Those between the latest and this one keep the state before it. */
static struct tn_chart_reach *enter_bin(struct map_run *run, uint64_t time_ns)
{
    size_t bin = interval_of(run, time_ns, run->charts->bin_count);
    while (run->bin < bin)
        run->charts->reaches[++run->bin] = run->now;
    return &run->charts->reaches[run->bin];
}

/* Note how far the heap reaches, and whether it is the moment of its interval. */
static void see_reach(void *context, const struct tn_replay_step *step)
{
    struct map_run *run = context;
    struct tn_heap_state state;
    tn_heap_state(step->heap, &state);
    uint64_t time_ns = step->event->time_ns;
    struct tn_chart_reach *reach = enter_bin(run, time_ns);
    run->now = (struct tn_chart_reach){state.end_bytes, state.hole_bytes};
    if (state.end_bytes > reach->top_bytes)
        reach->top_bytes = state.end_bytes;
    if (state.hole_bytes > reach->hole_bytes)
        reach->hole_bytes = state.hole_bytes;
    size_t at = interval_of(run, time_ns, TN_CHART_MOMENTS);
    struct tn_chart_moment *moment = &run->map->moments[at];
    if (run->events[at] != 0 && state.hole_bytes <= moment->hole_bytes)
        return;
    run->events[at] = step->number;
    moment->time_ns = time_ns;
    moment->hole_bytes = state.hole_bytes;
}

/* Forget the intervals without an event. */
static void drop_empty(struct map_run *run)
{
    size_t kept = 0;
    for (size_t i = 0; i < TN_CHART_MOMENTS; i++) {
        if (run->events[i] == 0)
            continue;
        run->map->moments[kept] = run->map->moments[i];
        run->events[kept++] = run->events[i];
    }
    run->map->moment_count = kept;
}

/* ---------------------------------------------------------------------------------------- looking */

static void add_run(struct map_walk *walk, uint32_t filled)
{
    struct tn_chart_moment *moment = walk->moment;
    if (moment->run_count != 0 && moment->runs[moment->run_count - 1].filled == filled) {
        moment->runs[moment->run_count - 1].cells++;
        return;
    }
    if (moment->run_count == walk->capacity) {
        size_t capacity = walk->capacity != 0 ? 2 * walk->capacity : 16;
        struct tn_chart_run *runs = realloc(moment->runs, capacity * sizeof(runs[0]));
        if (runs == NULL) {
            walk->error = -ENOMEM;
            return;
        }
        moment->runs = runs;
        walk->capacity = capacity;
    }
    moment->runs[moment->run_count++] = (struct tn_chart_run){filled, 1};
}

static uint64_t cell_begin(const struct map_walk *walk, size_t cell)
{
    return (uint64_t)((double)walk->map_bytes * (double)cell / TN_CHART_CELLS);
}

/* A cell is what most of it is; of several sites, the one that has most of it. */
static void close_cell(struct map_walk *walk)
{
    const struct open_cell *open = &walk->open;
    uint64_t begin = cell_begin(walk, walk->cell), size_bytes = cell_begin(walk, walk->cell + 1) - begin;
    uint64_t used_bytes = 0;
    size_t most = 0;
    for (size_t i = 0; i < open->count; i++) {
        used_bytes += open->bytes[i];
        if (open->bytes[i] > open->bytes[most])
            most = i;
    }
    if (used_bytes * 2 >= size_bytes && used_bytes != 0)
        add_run(walk, open->owners[most] + TN_CHART_CELL_SITE);
    else
        add_run(walk, begin < walk->top_bytes ? TN_CHART_CELL_FREE : TN_CHART_CELL_UNTOUCHED);
    walk->open.count = 0;
    walk->cell++;
}

static void add_owner(struct open_cell *open, uint32_t owner, uint64_t bytes)
{
    size_t i = 0;
    while (i < open->count && open->owners[i] != owner)
        i++;
    if (i == OWNERS_MAX)
        i = 0;
    if (i == open->count) {
        open->owners[i] = owner;
        open->bytes[i] = 0;
        open->count++;
    }
    open->bytes[i] += bytes;
}

static int see_extent(void *context, const struct tn_heap_extent *extent)
{
    struct map_walk *walk = context;
    uint64_t at = extent->offset_bytes, end = at + extent->size_bytes;
    while (at < end && walk->cell < TN_CHART_CELLS) {
        uint64_t cell_end = cell_begin(walk, walk->cell + 1);
        uint64_t part_end = end < cell_end ? end : cell_end;
        if (part_end > at && extent->kind == TN_HEAP_USED)
            add_owner(&walk->open, extent->owner, part_end - at);
        at = part_end > at ? part_end : at;
        if (cell_end <= at)
            close_cell(walk);
    }
    return walk->error;
}

static int look(const struct map_run *run, const struct tn_heap *heap, struct tn_chart_moment *moment)
{
    struct map_walk walk = {.moment = moment, .map_bytes = run->charts->map_bytes};
    struct tn_heap_state state;
    tn_heap_state(heap, &state);
    walk.top_bytes = state.end_bytes;
    moment->live_bytes = state.live_bytes;
    moment->hole_bytes = state.hole_bytes;
    int r = tn_heap_walk(heap, see_extent, &walk);
    while (r == 0 && walk.error == 0 && walk.cell < TN_CHART_CELLS)
        close_cell(&walk);
    return r != 0 ? r : walk.error;
}

static void see_moment(void *context, const struct tn_replay_step *step)
{
    struct map_run *run = context;
    while (run->error == 0 && run->next < run->map->moment_count && step->number == run->events[run->next]) {
        run->error = look(run, step->heap, &run->map->moments[run->next]);
        run->next++;
    }
}

static void see_heap(void *context, const struct tn_replay_step *step)
{
    struct map_run *run = context;
    run->heap = step->heap;
}

/* Look at all moments before a time: nothing happens from the latest event to then. */
static int see_moments_before(struct map_run *run, uint64_t time_ns)
{
    int r = 0;
    while (r == 0 && run->next < run->map->moment_count && run->map->moments[run->next].time_ns < time_ns) {
        if (run->heap != NULL)
            r = look(run, run->heap, &run->map->moments[run->next]);
        run->next++;
    }
    return r;
}

/* ---------------------------------------------------------------------------------------- replays */

static int replay(struct map_run *run, const struct tn_replay_source *source,
                  void (*observe)(void *, const struct tn_replay_step *), uint64_t *ret_high_bytes,
                  struct tn_error *error)
{
    struct tn_replay_options options;
    struct tn_replay_result result = {0};
    tn_replay_options_init(&options, tn_policy_find("first-fit"));
    options.observe = observe;
    options.context = run;
    int r = tn_replay_run(source, &options, &result, error);
    if (r < 0)
        return r;
    *ret_high_bytes = result.high_water_bytes;
    tn_replay_result_finish(&result);
    return run->error != 0 ? tn_error_set(error, run->error, "cannot draw the heap: out of memory") : 0;
}

static int draw_before(struct map_run *run, const struct tn_replay_source *source, struct tn_error *error)
{
    uint64_t high_bytes;
    run->map = &run->charts->before;
    run->next = 0;
    return replay(run, source, see_moment, &high_bytes, error);
}

/* The events that are left, and who looks at the heap between two of them. */
struct timed_source {
    const struct tn_replay_source *events;
    struct map_run *run;
};

static int next_timed(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    struct timed_source *timed = state;
    int r = timed->events->next(timed->events->state, ret_event, error);
    if (r < 0)
        return r;
    int seen = see_moments_before(timed->run, r == 1 ? ret_event->time_ns : UINT64_MAX);
    return seen < 0 ? tn_error_set(error, seen, "cannot draw the heap: out of memory") : r;
}

static int rewind_timed(void *state, struct tn_error *error)
{
    const struct timed_source *timed = state;
    return timed->events->rewind(timed->events->state, error);
}

/* The same moments, though most events at them may be gone. */
static int draw_after(struct map_run *run, const struct tn_replay_source *source, struct tn_error *error)
{
    const struct tn_chart_map *before = &run->charts->before;
    uint64_t high_bytes;
    run->map = &run->charts->after;
    run->map->moments = calloc(before->moment_count + 1, sizeof(run->map->moments[0]));
    if (run->map->moments == NULL)
        return tn_error_set(error, -ENOMEM, "cannot draw the heap: out of memory");
    run->map->moment_count = before->moment_count;
    for (size_t i = 0; i < before->moment_count; i++)
        run->map->moments[i].time_ns = before->moments[i].time_ns;
    run->heap = NULL;
    run->next = 0;
    struct timed_source timed = {source, run};
    struct tn_replay_source watched = {&timed, next_timed, rewind_timed};
    return replay(run, &watched, see_heap, &high_bytes, error);
}

static int draw_both(struct map_run *run, const struct tn_replay_source *source,
                     const struct tn_replay_source *edited, struct tn_error *error)
{
    struct tn_charts *charts = run->charts;
    uint64_t after_bytes = 0;
    int r = replay(run, source, see_reach, &charts->before.heap_bytes, error);
    if (r == 0 && edited != NULL)
        r = replay(run, edited, NULL, &after_bytes, error);
    if (r < 0)
        return r;
    enter_bin(run, charts->from_ns + run->span_ns - 1);
    drop_empty(run);
    charts->after.heap_bytes = after_bytes;
    charts->map_bytes = after_bytes > charts->before.heap_bytes ? after_bytes : charts->before.heap_bytes;
    r = draw_before(run, source, error);
    return r == 0 && edited != NULL ? draw_after(run, edited, error) : r;
}

static int draw(struct map_run *run, struct tn_log_source *log_source,
                const struct tn_finding *const *applied, size_t count, struct tn_error *error)
{
    struct tn_replay_source source = tn_log_source_events(log_source), edited;
    struct tn_what_if_rules rules = {0};
    struct tn_replay_plan *plan = NULL;
    if (count == 0)
        return draw_both(run, &source, NULL, error);
    int r = tn_log_source_tell_roles(log_source, applied, count, error);
    if (r == 0 && tn_what_if_rules_make(applied, count, tn_log_source_roles(log_source), &rules) < 0)
        r = tn_error_set(error, -ENOMEM, "cannot draw the heap: out of memory");
    if (r == 0)
        r = tn_replay_plan_open(&source, rules.items, rules.count, &plan, error);
    if (r == 0) {
        edited = tn_replay_plan_source(plan);
        run->charts->applied = count;
        r = draw_both(run, &source, &edited, error);
    }
    tn_replay_plan_close(plan);
    tn_what_if_rules_finish(&rules);
    return r;
}

int tn_simulate_map(struct tn_log *log, const struct tn_findings *findings, struct tn_charts *charts,
                    struct tn_error *error)
{
    struct tn_log_source *log_source = NULL;
    struct tn_step_sets sets;
    struct map_run run = {
        .charts = charts, .span_ns = charts->bin_ns * charts->bin_count, .map = &charts->before};
    if (charts->bin_count == 0)
        return 0;
    int r = tn_step_sets_make(findings, &sets);
    run.events = calloc(TN_CHART_MOMENTS, sizeof(run.events[0]));
    charts->reaches = calloc(charts->bin_count, sizeof(charts->reaches[0]));
    charts->before.moments = calloc(TN_CHART_MOMENTS, sizeof(charts->before.moments[0]));
    bool has_room = run.events != NULL && charts->reaches != NULL && charts->before.moments != NULL;
    if (r < 0 || !has_room)
        r = tn_error_set(error, -ENOMEM, "cannot draw the heap: out of memory");
    else
        r = tn_log_source_open(log, findings->process_id, &log_source, error);
    if (r == 0)
        r = draw(&run, log_source, sets.parts, sets.part_count, error);
    tn_log_source_close(log_source);
    tn_step_sets_finish(&sets);
    free(run.events);
    return r;
}
