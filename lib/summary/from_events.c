/* SPDX-License-Identifier: MIT */

/* Sites and peaks of an unfinished log, counted in one pass over its events. There are no sites yet: the
 * frame that called the allocation function stands for one, and there are no quantiles. For summary.c, when
 * the tables of the finishing step are missing or do not reach the end. */

#include "summary_parts.h"

#include "tenure/limits.h"
#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* What is counted of one frame that called an allocation function. */
struct caller {
    struct tn_summary_site site; /* without its strings */
    uint64_t frame_id;           /* 0: blocks without a stack */
    uint64_t live_bytes;         /* asked for by its blocks that live now */
    enum tn_function function;   /* of its first allocation */
};

/* What is counted of one process. */
struct process_state {
    uint64_t process_id;
    uint64_t live_count, live_bytes;
    struct tn_summary_totals totals; /* live bytes, peak and small_short_lived only */
};

struct scan {
    struct sqlite3 *database;   /* borrowed */
    struct tn_summary *summary; /* borrowed */
    uint64_t *frame_of_stack;   /* owned; by stack id */
    uint64_t stack_count;
    struct caller *callers; /* owned; by frame id */
    uint64_t frame_count;
    struct process_state now;
};

/* ---------------------------------------------------------------------------------------- counting */

static struct caller *caller_of(struct scan *scan, uint64_t stack_id)
{
    uint64_t frame_id = stack_id < scan->stack_count ? scan->frame_of_stack[stack_id] : 0;
    return &scan->callers[frame_id < scan->frame_count ? frame_id : 0];
}

static void raise_to(uint64_t *peak, uint64_t value)
{
    if (value > *peak)
        *peak = value;
}

static void count_birth(struct caller *caller, const struct tn_allocation *allocation)
{
    struct tn_summary_site *site = &caller->site;
    if (site->allocations == 0) {
        caller->function = allocation->function;
        site->min_size_bytes = allocation->size_bytes;
    }
    site->allocations++;
    site->total_bytes += allocation->size_bytes;
    site->usable_bytes += allocation->usable_size_bytes;
    if (allocation->size_bytes < site->min_size_bytes)
        site->min_size_bytes = allocation->size_bytes;
    raise_to(&site->max_size_bytes, allocation->size_bytes);
    caller->live_bytes += allocation->size_bytes;
    raise_to(&site->peak_live_bytes, caller->live_bytes);
    raise_to(&site->peak_live_count, site->allocations - site->freed);
}

static bool is_small_short_lived(const struct tn_allocation *allocation)
{
    return allocation->lifetime_bytes < TN_SHORT_LIFETIME_BYTES &&
           allocation->size_bytes <= TN_SMALL_SIZE_BYTES;
}

static void count_death(struct caller *caller, const struct tn_allocation *allocation)
{
    caller->site.freed++;
    caller->site.freed_by_other_thread += allocation->free_thread_id != allocation->thread_id;
    caller->site.short_lived += allocation->lifetime_bytes < TN_SHORT_LIFETIME_BYTES;
    caller->site.small_short_lived += is_small_short_lived(allocation);
    caller->live_bytes -= allocation->size_bytes;
}

/* Fold the counts of the process that has been read into the summary. */
static void end_process(struct scan *scan)
{
    const struct process_state *now = &scan->now;
    struct tn_summary_totals *all = &scan->summary->all;
    all->live_bytes += now->live_bytes;
    all->small_short_lived += now->totals.small_short_lived;
    if (now->totals.peak_live_bytes > all->peak_live_bytes) {
        all->peak_live_bytes = now->totals.peak_live_bytes;
        all->peak_live_count = now->totals.peak_live_count;
        all->peak_ns = now->totals.peak_ns;
    }
    if (now->process_id != scan->summary->process_id)
        return;
    struct tn_summary_totals *own = &scan->summary->totals;
    own->live_bytes = now->live_bytes;
    own->small_short_lived = now->totals.small_short_lived;
    own->peak_live_bytes = now->totals.peak_live_bytes;
    own->peak_live_count = now->totals.peak_live_count;
    own->peak_ns = now->totals.peak_ns;
}

static void count(struct scan *scan, enum tn_cursor_step step, const struct tn_allocation *allocation)
{
    struct process_state *now = &scan->now;
    if (allocation->process_id != now->process_id) {
        end_process(scan);
        *now = (struct process_state){.process_id = allocation->process_id};
    }
    bool is_chosen = allocation->process_id == scan->summary->process_id;
    if (step == TN_CURSOR_BIRTH) {
        now->live_count++;
        now->live_bytes += allocation->size_bytes;
        if (now->live_bytes > now->totals.peak_live_bytes) {
            now->totals.peak_live_bytes = now->live_bytes;
            now->totals.peak_live_count = now->live_count;
            now->totals.peak_ns = allocation->birth_ns;
        }
        if (is_chosen)
            count_birth(caller_of(scan, allocation->stack_id), allocation);
    }
    if (step == TN_CURSOR_DEATH) {
        now->live_count--;
        now->live_bytes -= allocation->size_bytes;
        now->totals.small_short_lived += is_small_short_lived(allocation);
        if (is_chosen)
            count_death(caller_of(scan, allocation->stack_id), allocation);
    }
}

static int read_events(struct scan *scan)
{
    struct tn_allocation_cursor *cursor;
    const struct tn_allocation *allocation = NULL;
    enum tn_cursor_step step = TN_CURSOR_SURVIVOR;
    int r = tn_allocation_cursor_open(scan->database, 0, &cursor);
    if (r < 0)
        return r;
    while ((r = tn_allocation_cursor_step(cursor, &step, &allocation)) == 1)
        count(scan, step, allocation);
    end_process(scan);
    tn_allocation_cursor_close(cursor);
    return r;
}

/* ---------------------------------------------------------------------------------------- frames */

static int load_stacks(struct scan *scan)
{
    int r = tn_sql_id_count(scan->database, "stack", &scan->stack_count);
    if (r == 0)
        r = tn_sql_id_count(scan->database, "frame", &scan->frame_count);
    if (r < 0)
        return r;
    scan->frame_of_stack = calloc(scan->stack_count, sizeof(scan->frame_of_stack[0]));
    scan->callers = calloc(scan->frame_count, sizeof(scan->callers[0]));
    if (scan->frame_of_stack == NULL || scan->callers == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; i < scan->frame_count; i++)
        scan->callers[i].frame_id = i;
    struct sqlite3_stmt *statement;
    r = tn_sql_prepare(scan->database, "SELECT id, frame_id FROM stack", &statement);
    if (r < 0)
        return r;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        uint64_t id = tn_sql_count(statement, 0);
        if (id < scan->stack_count)
            scan->frame_of_stack[id] = tn_sql_count(statement, 1);
    }
    return tn_sql_errno(scan->database, sqlite3_finalize(statement));
}

/* Drop the frames without allocations; the rest stands in front. */
static void keep_used(struct scan *scan)
{
    size_t used = 0;
    for (uint64_t i = 0; i < scan->frame_count; i++) {
        if (scan->callers[i].site.allocations == 0)
            continue;
        struct tn_summary_site *site = &scan->callers[i].site;
        site->live_at_end = site->allocations - site->freed;
        site->mean_size_bytes = (double)site->total_bytes / (double)site->allocations;
        scan->callers[used++] = scan->callers[i];
    }
    scan->summary->site_count = used;
}

/* ---------------------------------------------------------------------------------------- lists */

static uint64_t key_of(enum tn_summary_list list, const struct tn_summary_site *site)
{
    switch (list) {
    case TN_SUMMARY_BY_SMALL_SHORT_LIVED:
        return site->small_short_lived;
    case TN_SUMMARY_BY_PEAK_LIVE_BYTES:
        return site->peak_live_bytes;
    default:
        return site->allocations;
    }
}

static int compare(enum tn_summary_list list, const struct caller *a, const struct caller *b)
{
    uint64_t left = key_of(list, &a->site), right = key_of(list, &b->site);
    if (left != right)
        return left < right ? 1 : -1;
    return (a->frame_id > b->frame_id) - (a->frame_id < b->frame_id);
}

static int by_allocations(const void *a, const void *b)
{
    return compare(TN_SUMMARY_BY_ALLOCATIONS, a, b);
}

static int by_small_short_lived(const void *a, const void *b)
{
    return compare(TN_SUMMARY_BY_SMALL_SHORT_LIVED, a, b);
}

static int by_peak_live_bytes(const void *a, const void *b)
{
    return compare(TN_SUMMARY_BY_PEAK_LIVE_BYTES, a, b);
}

/* The strings of a site: what its frame says. */
static int name_site(struct scan *scan, const struct caller *caller, struct tn_summary_site *site)
{
    struct sqlite3_stmt *row;
    int r =
        tn_sql_prepare(scan->database,
                       "SELECT f.function, f.file, f.line, m.path, f.offset_bytes FROM (SELECT ?1 AS id) AS w"
                       " LEFT JOIN frame AS f ON f.id = w.id LEFT JOIN module AS m ON m.id = f.module_id",
                       &row);
    if (r < 0)
        return r;
    tn_sql_bind_count(row, 1, caller->frame_id);
    r = tn_sql_next(row);
    *site = caller->site;
    site->function = tn_sql_copy_text(row, 0);
    site->file = tn_sql_copy_text(row, 1);
    site->line = (uint32_t)tn_sql_count(row, 2);
    site->module = tn_sql_copy_text(row, 3);
    site->offset_bytes = site->line == 0 ? tn_sql_count(row, 4) : 0;
    site->via = strdup(tn_function_name(caller->function));
    sqlite3_finalize(row);
    bool has_all = site->function != NULL && site->file != NULL && site->module != NULL && site->via != NULL;
    if (has_all && r == 1)
        return 0;
    tn_summary_finish_site(site);
    return has_all ? r : -ENOMEM;
}

static int fill_list(struct scan *scan, enum tn_summary_list which, size_t top)
{
    static int (*const orders[TN_SUMMARY_LIST_COUNT])(const void *, const void *) = {
        by_allocations, by_small_short_lived, by_peak_live_bytes};
    struct tn_summary_sites *list = &scan->summary->lists[which];
    size_t count = scan->summary->site_count;
    qsort(scan->callers, count, sizeof(scan->callers[0]), orders[which]);
    if (count > top)
        count = top;
    while (which == TN_SUMMARY_BY_SMALL_SHORT_LIVED && count > 0 &&
           scan->callers[count - 1].site.small_short_lived == 0)
        count--;
    if (count == 0)
        return 0;
    list->sites = calloc(count, sizeof(list->sites[0]));
    if (list->sites == NULL)
        return -ENOMEM;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = name_site(scan, &scan->callers[i], &list->sites[i]);
        list->count += r == 0;
    }
    return r;
}

int tn_summary_from_events(struct sqlite3 *database, struct tn_summary *summary, size_t top)
{
    struct scan scan = {.database = database, .summary = summary};
    int r = load_stacks(&scan);
    if (r == 0)
        r = read_events(&scan);
    if (r == 0)
        keep_used(&scan);
    for (int i = 0; r == 0 && i < TN_SUMMARY_LIST_COUNT; i++)
        r = fill_list(&scan, (enum tn_summary_list)i, top);
    free(scan.frame_of_stack);
    free(scan.callers);
    return r;
}
