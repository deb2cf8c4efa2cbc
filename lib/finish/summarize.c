/* SPDX-License-Identifier: MIT */
/* The step `summaries`: passes all events of each process once, and writes site_summary, timeline and the
 * mark 'initialisation done'. Called by finish.c. */
#include "site_stats.h"
#include "steps.h"

#include "tenure/log_write.h"
#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>

#define MAIN_MARK        "main entered"
#define EXIT_MARK        "exit begun"
#define INITIALISED_MARK "initialisation done"
#define PROGRESS_EVERY   1048576u

/* Shared by all processes of the log. */
struct summing {
    struct tn_finish_job *job;
    uint32_t *sites; /* owned; stack id -> site id; [0]: the site of allocations without a stack */
    size_t stack_count, site_count;                   /* highest id + 1 */
    struct tn_timeline *timeline;                     /* owned; of the current process */
    sqlite3_stmt *add_summary, *add_point, *add_mark; /* owned */
    uint64_t done, total;                             /* events, for progress */
};

/* Where many blocks are live and die in another order than they were born, each death would miss the cache:
 * prefetch its block some events before. Fewer live blocks stay in the cache anyway. */
#define PREFETCH_PAGE_EVENTS  32u
#define PREFETCH_BLOCK_EVENTS 16u
#define PREFETCH_LIVE_MIN     1000u

/* Where a process stops working and only tears down. */
struct teardown {
    uint64_t births;  /* of the whole process; after the last one only releases follow. UINT64_MAX: recording
                         was paused then, so that says nothing */
    uint64_t exit_ns; /* time of its mark; UINT64_MAX: none */
    bool is_reached;  /* or there is nothing to wait for: recording began after initialisation */
    uint64_t initialised_ns; /* 0: not known */
};

static int load_sites(struct summing *summing)
{
    struct tn_finish_job *job = summing->job;
    int64_t last, last_site, unknown;
    int r = tn_finish_number(job, "SELECT max(id) FROM stack", 0, 0, &last);
    if (r == 0)
        r = tn_finish_number(job, "SELECT max(id) FROM site", 0, 0, &last_site);
    if (r == 0)
        r = tn_finish_number(job,
                             "SELECT id FROM site WHERE via = 'unknown' AND function IS NULL"
                             " AND module IS NULL AND offset_bytes IS NULL",
                             0, 0, &unknown);
    if (r < 0)
        return r;
    summing->stack_count = (size_t)last + 1;
    summing->site_count = (size_t)last_site + 1;
    summing->sites = calloc(summing->stack_count, sizeof(summing->sites[0]));
    if (summing->sites == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot sum up");
    summing->sites[0] = (uint32_t)unknown;
    sqlite3_stmt *rows;
    r = tn_finish_prepare(job, "SELECT id, site_id FROM stack WHERE site_id IS NOT NULL", &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1) {
        uint64_t stack_id = tn_sql_count(rows, 0);
        if (stack_id < summing->stack_count)
            summing->sites[stack_id] = (uint32_t)tn_sql_count(rows, 1);
    }
    sqlite3_finalize(rows);
    return r < 0 ? tn_finish_fail(job, r, "cannot sum up") : 0;
}

static void bind_quantiles(sqlite3_stmt *statement, int first, const struct tn_quantile *quantile)
{
    static const unsigned percents[] = {50, 90, 99};
    for (int i = 0; i < 3; i++)
        tn_sql_bind_count(statement, first + i, tn_quantile_at(quantile, percents[i]));
    tn_sql_bind_count(statement, first + 3, quantile->max);
}

static int settle(struct tn_site_stats *stats)
{
    int r = tn_quantile_settle(&stats->lifetime_ns);
    if (r == 0)
        r = tn_quantile_settle(&stats->lifetime_allocations);
    return r < 0 ? r : tn_quantile_settle(&stats->lifetime_bytes);
}

static int write_site(struct summing *summing, int64_t process_id, struct tn_site_stats *stats)
{
    int r = settle(stats);
    if (r < 0)
        return tn_finish_refuse(summing->job, r, "cannot sum up");
    sqlite3_stmt *add = summing->add_summary;
    const uint64_t values[] = {stats->allocations,       stats->total_bytes,           stats->usable_bytes,
                               stats->min_size_bytes,    stats->max_size_bytes,        stats->distinct_sizes,
                               stats->peak_live_count,   stats->peak_live_bytes,       stats->freed,
                               stats->live_count,        stats->freed_by_other_thread, stats->short_lived,
                               stats->small_short_lived, stats->first_birth_ns,        stats->last_birth_ns};
    sqlite3_clear_bindings(add);
    sqlite3_bind_int64(add, 1, process_id);
    sqlite3_bind_int64(add, 2, stats->site_id);
    sqlite3_bind_double(add, 3, (double)stats->total_bytes / (double)stats->allocations);
    for (int i = 0; i < 15; i++)
        tn_sql_bind_count(add, 4 + i, values[i]);
    if (stats->freed != 0) {
        bind_quantiles(add, 19, &stats->lifetime_ns);
        bind_quantiles(add, 23, &stats->lifetime_allocations);
        bind_quantiles(add, 27, &stats->lifetime_bytes);
    }
    return tn_finish_execute(summing->job, add);
}

static int write_timeline(struct summing *summing, int64_t process_id)
{
    struct tn_timeline *timeline = summing->timeline;
    tn_timeline_complete(timeline);
    int r = 0;
    for (size_t i = 0; r == 0 && i < timeline->count; i++) {
        const struct tn_timeline_point *point = &timeline->points[i];
        sqlite3_bind_int64(summing->add_point, 1, process_id);
        tn_sql_bind_count(summing->add_point, 2, point->time_ns);
        tn_sql_bind_count(summing->add_point, 3, point->live_count);
        tn_sql_bind_count(summing->add_point, 4, point->live_bytes);
        tn_sql_bind_count(summing->add_point, 5, point->allocations);
        tn_sql_bind_count(summing->add_point, 6, point->allocated_bytes);
        r = tn_finish_execute(summing->job, summing->add_point);
    }
    return r;
}

static int write_process(struct summing *summing, int64_t process_id, const struct tn_process_stats *process,
                         const struct teardown *teardown)
{
    int r = write_timeline(summing, process_id);
    for (size_t i = 0; r == 0 && i < process->used_count; i++)
        r = write_site(summing, process_id, &process->sites[i]);
    if (r < 0 || teardown->initialised_ns == 0)
        return r;
    sqlite3_bind_int64(summing->add_mark, 1, process_id);
    tn_sql_bind_count(summing->add_mark, 2, teardown->initialised_ns);
    return tn_finish_execute(summing->job, summing->add_mark);
}

static int load_teardown(struct tn_finish_job *job, int64_t process_id, struct teardown *ret_teardown)
{
    int64_t births, exit_ns;
    int r =
        tn_finish_number(job, "SELECT sum(births) FROM chunk WHERE process_id = ?1", process_id, 0, &births);
    if (r == 0)
        r = tn_finish_number(job,
                             "SELECT min(time_ns) FROM mark WHERE process_id = ?1 AND text = '" EXIT_MARK "'",
                             process_id, -1, &exit_ns);
    int64_t lacks_start = 0, ends_paused = 0;
    if (r == 0)
        r = tn_finish_number(job,
                             "SELECT count(*) FROM mark WHERE process_id = ?1 AND text = '" TN_MARK_PAUSED
                             "'"
                             " AND time_ns <= (SELECT min(first_ns) FROM chunk WHERE process_id = ?1)",
                             process_id, 0, &lacks_start);
    if (r == 0)
        r = tn_finish_number(job,
                             "SELECT text = '" TN_MARK_PAUSED
                             "' FROM mark WHERE process_id = ?1 AND text IN"
                             " ('" TN_MARK_PAUSED "', '" TN_MARK_RESUMED "') ORDER BY id DESC LIMIT 1",
                             process_id, 0, &ends_paused);
    if (r == 0)
        *ret_teardown = (struct teardown){
            .births = ends_paused != 0 ? UINT64_MAX : (uint64_t)births,
            .exit_ns = (uint64_t)exit_ns,
            .is_reached = lacks_start != 0,
        };
    return r;
}

/* Called before an event is counted, for the exit mark, and after, for the last birth. */
static void watch_teardown(struct teardown *teardown, const struct tn_process_stats *process,
                           uint64_t time_ns)
{
    if (teardown->is_reached || (time_ns < teardown->exit_ns && process->allocations < teardown->births))
        return;
    teardown->is_reached = true;
    teardown->initialised_ns = tn_process_stats_initialised_ns(process);
}

static int count_event(struct summing *summing, struct tn_process_stats *process,
                       const struct tn_log_event *event)
{
    if (!event->is_birth)
        return tn_process_stats_death(process, event);
    uint64_t stack_id = event->stack_id < summing->stack_count ? event->stack_id : 0;
    uint32_t site_id = summing->sites[stack_id];
    bool is_known = site_id != 0 && site_id < summing->site_count;
    return is_known ? tn_process_stats_birth(process, event, site_id) : -EBADMSG;
}

static void prefetch_deaths(const struct tn_live_blocks *live, const struct tn_log_event *events, int left)
{
    if (left > (int)PREFETCH_PAGE_EVENTS && !events[PREFETCH_PAGE_EVENTS].is_birth)
        tn_live_blocks_prefetch_page(live, events[PREFETCH_PAGE_EVENTS].allocation_id);
    if (left > (int)PREFETCH_BLOCK_EVENTS && !events[PREFETCH_BLOCK_EVENTS].is_birth)
        tn_live_blocks_prefetch(live, events[PREFETCH_BLOCK_EVENTS].allocation_id);
}

static int count_batch(struct summing *summing, struct tn_process_stats *process, struct teardown *teardown,
                       const struct tn_log_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        const struct tn_log_event *event = &events[i];
        if (process->live.count >= PREFETCH_LIVE_MIN)
            prefetch_deaths(&process->live, event, count - i);
        if (event->time_ns >= teardown->exit_ns)
            watch_teardown(teardown, process, event->time_ns);
        int r = count_event(summing, process, event);
        if (r < 0)
            return r;
        if (tn_timeline_wants(summing->timeline, process->events, event->time_ns, process->live_bytes,
                              process->allocations - process->frees))
            tn_timeline_add(summing->timeline, tn_process_stats_point(process, event->time_ns));
        watch_teardown(teardown, process, 0);
    }
    return 0;
}

static int count_process(struct summing *summing, int64_t process_id, struct tn_process_stats *process,
                         struct teardown *teardown)
{
    struct tn_event_feed *feed;
    const struct tn_log_event *events;
    uint64_t last_ns = 0;
    int r = tn_event_feed_open(summing->job->database, (uint64_t)process_id, &feed);
    if (r < 0)
        return tn_finish_refuse(summing->job, r, "cannot read events");
    while ((r = tn_event_feed_next(feed, &events)) > 0) {
        uint64_t told = summing->done / PROGRESS_EVERY;
        last_ns = events[r - 1].time_ns;
        summing->done += (uint64_t)r;
        r = count_batch(summing, process, teardown, events, r);
        if (r < 0)
            break;
        if (summing->done / PROGRESS_EVERY != told)
            tn_finish_progress(summing->job, "summaries", summing->done, summing->total);
    }
    tn_event_feed_close(feed);
    if (process->events != 0)
        tn_timeline_add(summing->timeline, tn_process_stats_point(process, last_ns));
    return r < 0 ? tn_finish_refuse(summing->job, r, "cannot sum up events") : 0;
}

static int sum_process(struct summing *summing, int64_t process_id)
{
    struct tn_process_stats process;
    struct teardown teardown;
    *summing->timeline = (struct tn_timeline){0};
    int r = tn_process_stats_begin(&process, summing->site_count);
    if (r < 0)
        return tn_finish_refuse(summing->job, r, "cannot sum up");
    r = load_teardown(summing->job, process_id, &teardown);
    if (r == 0)
        r = count_process(summing, process_id, &process, &teardown);
    if (r == 0)
        r = write_process(summing, process_id, &process, &teardown);
    tn_process_stats_finish(&process);
    return r;
}

static int sum_processes(struct summing *summing)
{
    sqlite3_stmt *rows;
    int r = tn_finish_prepare(summing->job, "SELECT id FROM process ORDER BY id", &rows);
    if (r < 0)
        return r;
    int next = 0;
    while (r == 0 && (next = tn_sql_next(rows)) == 1)
        r = sum_process(summing, sqlite3_column_int64(rows, 0));
    sqlite3_finalize(rows);
    if (r == 0 && next < 0)
        return tn_finish_fail(summing->job, next, "cannot read the log");
    return r;
}

static int prepare(struct summing *summing)
{
    int r = tn_finish_prepare(
        summing->job,
        "INSERT INTO site_summary (process_id, site_id, mean_size_bytes, allocations, total_bytes,"
        " usable_bytes, min_size_bytes, max_size_bytes, distinct_sizes, peak_live_count, peak_live_bytes,"
        " freed, live_at_end, freed_by_other_thread, short_lived, small_short_lived, first_birth_ns,"
        " last_birth_ns, lifetime_ns_p50, lifetime_ns_p90, lifetime_ns_p99, lifetime_ns_max,"
        " lifetime_allocations_p50, lifetime_allocations_p90, lifetime_allocations_p99,"
        " lifetime_allocations_max, lifetime_bytes_p50, lifetime_bytes_p90, lifetime_bytes_p99,"
        " lifetime_bytes_max) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
        " ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)",
        &summing->add_summary);
    if (r == 0)
        r = tn_finish_prepare(
            summing->job,
            "INSERT INTO timeline (process_id, time_ns, live_count, live_bytes, allocations,"
            " allocated_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &summing->add_point);
    if (r == 0)
        r = tn_finish_prepare(summing->job,
                              "INSERT INTO mark (process_id, time_ns, text)"
                              " SELECT ?1, max(?2, coalesce((SELECT min(time_ns) FROM mark"
                              " WHERE process_id = ?1 AND text = '" MAIN_MARK "'), 0)), '" INITIALISED_MARK
                              "' WHERE NOT EXISTS"
                              " (SELECT 1 FROM mark WHERE process_id = ?1 AND text = '" INITIALISED_MARK "')",
                              &summing->add_mark);
    return r;
}

int tn_finish_summaries(struct tn_finish_job *job)
{
    struct summing summing = {.job = job};
    int64_t total = 0;
    summing.timeline = malloc(sizeof(*summing.timeline));
    if (summing.timeline == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot sum up");
    int r = tn_finish_number(job, "SELECT sum(births + deaths) FROM chunk", 0, 0, &total);
    summing.total = (uint64_t)total;
    if (r == 0)
        r = load_sites(&summing);
    if (r == 0)
        r = prepare(&summing);
    if (r == 0)
        r = sum_processes(&summing);
    sqlite3_finalize(summing.add_summary);
    sqlite3_finalize(summing.add_point);
    sqlite3_finalize(summing.add_mark);
    free(summing.sites);
    free(summing.timeline);
    return r;
}
