/* SPDX-License-Identifier: MIT */

/* Counts, birth by birth and death by death, all that the page shows of a process. Intervals are equally long
 * and begin at whole multiples, so that a sum over some of them is what SQL gives for the same times. Called
 * by charts.c. */

#include "chart_pass.h"

#include "tenure/limits.h"
#include "tenure/log.h"
#include "tenure/sql.h"
#include "tenure/summary.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

/* Stacks with figures by interval at most: 2 KB each. Those that come later count as one with the small ones,
 * which programs of more stacks have anyway. */
#define CELLED_STACKS_MAX 65536u

/* Intervals are joined while they have fewer allocations each, on average: then there is more to see in
 * fewer. */
#define ALLOCATIONS_MIN 4u

static const struct tn_summary_process *process_of(const struct tn_summary *summary)
{
    for (size_t i = 0; i < summary->process_count; i++)
        if (summary->processes[i].id == summary->process_id)
            return &summary->processes[i];
    return NULL;
}

/* From the process's start or first event to behind its last one. */
static int find_times(struct tn_log *log, const struct tn_summary *summary, uint64_t *ret_from_ns,
                      uint64_t *ret_to_ns)
{
    const struct tn_summary_process *process = process_of(summary);
    uint64_t start_ns = process != NULL ? process->start_ns : 0;
    uint64_t end_ns = process != NULL ? process->end_ns : 0;
    struct sqlite3_stmt *row;
    int r =
        tn_sql_prepare(tn_log_database(log),
                       "SELECT min(first_ns), max(last_ns), count(*) FROM chunk WHERE process_id = ?1", &row);
    if (r < 0)
        return r;
    tn_sql_bind_count(row, 1, summary->process_id);
    r = tn_sql_next(row);
    if (r == 1 && tn_sql_count(row, 2) != 0) {
        if (tn_sql_count(row, 0) < start_ns)
            start_ns = tn_sql_count(row, 0);
        if (tn_sql_count(row, 1) > end_ns)
            end_ns = tn_sql_count(row, 1);
    }
    sqlite3_finalize(row);
    *ret_from_ns = start_ns;
    *ret_to_ns = end_ns >= start_ns ? end_ns + 1 : start_ns + 1;
    return r < 0 ? r : 0;
}

int tn_chart_pass_open(struct tn_chart_pass *pass, struct tn_log *log, const struct tn_summary *summary)
{
    uint64_t to_ns;
    struct tn_charts *charts = pass->charts;
    pass->log = log;
    pass->summary = summary;
    pass->peak_live_bytes = summary->totals.peak_live_bytes;
    int r = find_times(log, summary, &charts->from_ns, &to_ns);
    if (r == 0)
        r = tn_sql_id_count(tn_log_database(log), "stack", &pass->stack_count);
    if (r < 0)
        return r;
    charts->bin_ns = (to_ns - charts->from_ns + TN_CHART_BINS_MAX - 1) / TN_CHART_BINS_MAX;
    charts->stack_bin_ns = charts->bin_ns * (TN_CHART_BINS_MAX / TN_CHART_STACK_BINS_MAX);
    charts->bin_count = TN_CHART_BINS_MAX;
    charts->bins = calloc(charts->bin_count, sizeof(charts->bins[0]));
    pass->stacks = calloc(pass->stack_count + 1, sizeof(pass->stacks[0]));
    pass->others = calloc(TN_CHART_STACK_BINS_MAX, sizeof(pass->others[0]));
    return charts->bins != NULL && pass->stacks != NULL && pass->others != NULL ? 0 : -ENOMEM;
}

static void count(struct tn_chart_pass *pass, struct tn_map *map, uint64_t key)
{
    uint64_t *value = tn_map_find(map, key);
    if (value != NULL)
        ++*value;
    else if (tn_map_put(map, key, 1) < 0)
        pass->error = -ENOMEM;
}

/* The interval of a moment. Those between the latest and this one keep the state before it. */
static struct tn_chart_bin *enter_bin(struct tn_chart_pass *pass, uint64_t time_ns)
{
    struct tn_charts *charts = pass->charts;
    uint64_t bin = time_ns > charts->from_ns ? (time_ns - charts->from_ns) / charts->bin_ns : 0;
    if (bin >= charts->bin_count)
        bin = charts->bin_count - 1;
    while (pass->bin < bin) {
        struct tn_chart_bin *next = &charts->bins[++pass->bin];
        next->live_min_bytes = next->live_max_bytes = pass->live_bytes;
        next->live_max_count = pass->live_count;
    }
    return &charts->bins[pass->bin];
}

static void see_state(const struct tn_chart_pass *pass, struct tn_chart_bin *bin)
{
    if (pass->live_bytes < bin->live_min_bytes)
        bin->live_min_bytes = pass->live_bytes;
    if (pass->live_bytes > bin->live_max_bytes)
        bin->live_max_bytes = pass->live_bytes;
    if (pass->live_count > bin->live_max_count)
        bin->live_max_count = pass->live_count;
}

static struct tn_chart_stack *stack_of(struct tn_chart_pass *pass, uint64_t stack_id)
{
    return &pass->stacks[stack_id < pass->stack_count ? stack_id : 0];
}

/* Where a stack counts what was born at a moment. */
static struct tn_chart_cell *cell_of(struct tn_chart_pass *pass, struct tn_chart_stack *stack,
                                     uint64_t birth_ns)
{
    const struct tn_charts *charts = pass->charts;
    struct tn_chart_cell *cells = pass->others;
    if (stack->cells == NULL && pass->celled < CELLED_STACKS_MAX) {
        stack->cells = calloc(TN_CHART_STACK_BINS_MAX, sizeof(stack->cells[0]));
        if (stack->cells == NULL)
            pass->error = -ENOMEM; /* the others' cells take it until the pass ends */
        pass->celled++;
    }
    uint64_t bin = birth_ns > charts->from_ns ? (birth_ns - charts->from_ns) / charts->stack_bin_ns : 0;
    if (stack->cells != NULL)
        cells = stack->cells;
    return &cells[bin < TN_CHART_STACK_BINS_MAX ? bin : TN_CHART_STACK_BINS_MAX - 1];
}

static void keep_peak(struct tn_chart_pass *pass)
{
    pass->has_peak = true;
    for (uint64_t i = 0; i < pass->stack_count; i++)
        pass->stacks[i].peak_bytes = pass->stacks[i].live_bytes;
}

int tn_charts_birth(void *own, const struct tn_allocation *allocation)
{
    struct tn_chart_pass *pass = own;
    struct tn_chart_bin *bin = enter_bin(pass, allocation->birth_ns);
    struct tn_chart_stack *stack = stack_of(pass, allocation->stack_id);
    struct tn_chart_cell *cell = cell_of(pass, stack, allocation->birth_ns);
    pass->live_bytes += allocation->size_bytes;
    pass->live_count++;
    bin->allocations++;
    bin->allocated_bytes += allocation->size_bytes;
    see_state(pass, bin);
    stack->allocations++;
    stack->allocated_bytes += allocation->size_bytes;
    stack->live_bytes += allocation->size_bytes;
    cell->allocations += cell->allocations < UINT32_MAX;
    cell->allocated_bytes += allocation->size_bytes;
    if (!pass->has_peak && pass->live_bytes == pass->peak_live_bytes)
        keep_peak(pass);
    count(pass, &pass->sizes, allocation->size_bytes + 1);
    if (allocation->thread_id != 0)
        count(pass, &pass->threads, allocation->thread_id);
    return pass->error;
}

int tn_charts_death(void *own, const struct tn_allocation *allocation)
{
    struct tn_chart_pass *pass = own;
    struct tn_chart_bin *bin = enter_bin(pass, allocation->death_ns);
    struct tn_chart_stack *stack = stack_of(pass, allocation->stack_id);
    struct tn_chart_stack *releaser = stack_of(pass, allocation->free_stack_id);
    pass->live_bytes -= allocation->size_bytes;
    pass->live_count--;
    see_state(pass, bin);
    stack->live_bytes -= allocation->size_bytes;
    releaser->released++;
    releaser->released_bytes += allocation->size_bytes;
    if (allocation->lifetime_bytes < TN_SHORT_LIFETIME_BYTES) {
        struct tn_chart_cell *cell = cell_of(pass, stack, allocation->birth_ns);
        stack->short_lived++;
        cell->short_lived += cell->short_lived < UINT32_MAX;
    }
    if (allocation->free_thread_id != 0 && allocation->free_thread_id != allocation->thread_id) {
        pass->charts->handed_over++;
        count(pass, &pass->handovers, allocation->thread_id << 32 | allocation->free_thread_id);
    }
    return pass->error;
}

/* ---------------------------------------------------------------------------------------- joining */

static bool is_filled(const struct tn_charts *charts)
{
    uint64_t allocations = 0;
    for (size_t i = 0; i < charts->bin_count; i++)
        allocations += charts->bins[i].allocations;
    return allocations >= charts->bin_count * ALLOCATIONS_MIN;
}

static void join_bins(struct tn_charts *charts)
{
    charts->bin_count /= 2;
    charts->bin_ns *= 2;
    for (size_t i = 0; i < charts->bin_count; i++) {
        struct tn_chart_bin joined = charts->bins[2 * i];
        const struct tn_chart_bin *more = &charts->bins[2 * i + 1];
        if (more->live_min_bytes < joined.live_min_bytes)
            joined.live_min_bytes = more->live_min_bytes;
        if (more->live_max_bytes > joined.live_max_bytes)
            joined.live_max_bytes = more->live_max_bytes;
        if (more->live_max_count > joined.live_max_count)
            joined.live_max_count = more->live_max_count;
        joined.allocations += more->allocations;
        joined.allocated_bytes += more->allocated_bytes;
        charts->bins[i] = joined;
    }
}

static void join_cells(struct tn_chart_cell *cells, size_t joined_count)
{
    for (size_t k = 0; cells != NULL && k < joined_count; k++) {
        struct tn_chart_cell joined = cells[2 * k];
        const struct tn_chart_cell *more = &cells[2 * k + 1];
        joined.allocated_bytes += more->allocated_bytes;
        joined.allocations += more->allocations;
        joined.short_lived += more->short_lived;
        cells[k] = joined;
    }
}

void tn_chart_pass_join(struct tn_chart_pass *pass)
{
    struct tn_charts *charts = pass->charts;
    enter_bin(pass, charts->from_ns + charts->bin_ns * charts->bin_count - 1);
    charts->stack_bin_count = TN_CHART_STACK_BINS_MAX;
    while (charts->bin_count > TN_CHART_BINS_MIN && !is_filled(charts)) {
        join_bins(charts);
        if (charts->bin_ns <= charts->stack_bin_ns)
            continue;
        charts->stack_bin_ns = charts->bin_ns;
        charts->stack_bin_count /= 2;
        join_cells(pass->others, charts->stack_bin_count);
        for (uint64_t i = 0; i < pass->stack_count; i++)
            join_cells(pass->stacks[i].cells, charts->stack_bin_count);
    }
}

void tn_chart_pass_close(struct tn_chart_pass *pass)
{
    for (uint64_t i = 0; pass->stacks != NULL && i < pass->stack_count; i++)
        free(pass->stacks[i].cells);
    free(pass->stacks);
    free(pass->others);
    tn_map_finish(&pass->sizes);
    tn_map_finish(&pass->threads);
    tn_map_finish(&pass->handovers);
}
