/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include "tenure/summary.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#define EVENTS 8000

static struct tn_allocation expected[EVENTS];

static void load(const char *path, uint64_t process_id, size_t top, struct tn_summary *summary)
{
    struct tn_log *log = NULL;
    struct tn_error error = {0};
    if (tn_log_open(path, &log, &error) < 0 || tn_summary_load(log, process_id, top, summary, &error) < 0)
        fail_msg("%s", error.text);
    tn_log_close(log);
}

static bool is_small_short_lived(const struct tn_allocation *allocation)
{
    return !allocation->is_live && allocation->size_bytes <= 1024 && allocation->lifetime_bytes < 32768;
}

/* Totals of a process, computed from what was written; the peak by brute force over all moments of birth. */
static struct tn_summary_totals compute(size_t count, uint64_t process_id)
{
    struct tn_summary_totals totals = {0};
    for (size_t i = 0; i < count; i++) {
        const struct tn_allocation *a = &expected[i];
        if (a->process_id != process_id)
            continue;
        totals.allocations++;
        totals.frees += !a->is_live;
        totals.total_bytes += a->size_bytes;
        totals.usable_bytes += a->usable_size_bytes;
        totals.live_count += a->is_live;
        totals.live_bytes += a->is_live ? a->size_bytes : 0;
        totals.small_short_lived += is_small_short_lived(a);
        uint64_t live_bytes = 0, live_count = 0;
        for (size_t k = 0; k <= i; k++) {
            const struct tn_allocation *b = &expected[k];
            /* A block that died before this birth has no more births of its process in its lifetime. */
            bool is_there =
                b->process_id == process_id &&
                (b->is_live || b->birth_allocations + b->lifetime_allocations >= a->birth_allocations);
            live_bytes += is_there ? b->size_bytes : 0;
            live_count += is_there;
        }
        if (live_bytes > totals.peak_live_bytes) {
            totals.peak_live_bytes = live_bytes;
            totals.peak_live_count = live_count;
            totals.peak_ns = a->birth_ns;
        }
    }
    return totals;
}

static void assert_totals(const struct tn_summary_totals *seen, const struct tn_summary_totals *wanted)
{
    assert_int_equal(seen->allocations, wanted->allocations);
    assert_int_equal(seen->frees, wanted->frees);
    assert_int_equal(seen->total_bytes, wanted->total_bytes);
    assert_int_equal(seen->usable_bytes, wanted->usable_bytes);
    assert_int_equal(seen->live_count, wanted->live_count);
    assert_int_equal(seen->live_bytes, wanted->live_bytes);
    assert_int_equal(seen->small_short_lived, wanted->small_short_lived);
    assert_int_equal(seen->peak_live_bytes, wanted->peak_live_bytes);
    assert_int_equal(seen->peak_live_count, wanted->peak_live_count);
    assert_int_equal(seen->peak_ns, wanted->peak_ns);
}

static void test_an_unfinished_log_is_summed_up(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "unfinished");
    size_t count = fixture_make(path, 11, EVENTS, expected);
    for (uint64_t process_id = 1; process_id <= 2; process_id++) {
        struct tn_summary summary;
        load(path, process_id, 5, &summary);
        struct tn_summary_totals wanted = compute(count, process_id);
        assert_totals(&summary.totals, &wanted);
        assert_int_equal(summary.totals.threads, 2);
        assert_true(summary.is_closed);
        assert_true(summary.is_complete);
        assert_false(summary.is_finished);
        assert_int_equal(summary.duration_ns, 123456789);
        assert_string_equal(summary.program, "/usr/bin/true");
        assert_string_equal(summary.command_line, "true --really");
        assert_int_equal(summary.process_count, 2);
        assert_int_equal(summary.processes[process_id - 1].allocations, wanted.allocations);
        assert_int_equal(summary.all.allocations, count);
        assert_int_equal(summary.all.threads, 4);
        assert_int_equal(summary.losses.stacks_cut, 1);
        /* Stacks 1 to 8 end in a frame each; 9 ends in frame 1; 0 is none. */
        assert_int_equal(summary.site_count, 9);
        for (int i = 0; i < TN_SUMMARY_LIST_COUNT; i++)
            assert_int_equal(summary.lists[i].count, 5);
        tn_summary_finish(&summary);
    }
    fixture_remove(path);
}

/* The site of frame 3 (stack 3 only), checked number by number. */
static void test_a_site_of_an_unfinished_log(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "site");
    size_t count = fixture_make(path, 12, EVENTS, expected);
    struct tn_summary_site wanted = {.min_size_bytes = UINT64_MAX};
    for (size_t i = 0; i < count; i++) {
        const struct tn_allocation *a = &expected[i];
        if (a->process_id != 1 || a->stack_id != 3)
            continue;
        wanted.allocations++;
        wanted.total_bytes += a->size_bytes;
        wanted.freed += !a->is_live;
        wanted.freed_by_other_thread += !a->is_live && a->free_thread_id != a->thread_id;
        wanted.short_lived += !a->is_live && a->lifetime_bytes < 32768;
        wanted.small_short_lived += is_small_short_lived(a);
        if (a->size_bytes < wanted.min_size_bytes)
            wanted.min_size_bytes = a->size_bytes;
    }
    struct tn_summary summary;
    load(path, 1, 100, &summary);
    const struct tn_summary_sites *list = &summary.lists[TN_SUMMARY_BY_ALLOCATIONS];
    size_t found = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct tn_summary_site *site = &list->sites[i];
        assert_true(i == 0 || list->sites[i - 1].allocations >= site->allocations);
        assert_int_equal(site->allocations, site->freed + site->live_at_end);
        if (site->offset_bytes != 0x1000 + 16 * 3)
            continue;
        found++;
        assert_string_equal(site->module, "/usr/bin/true");
        assert_string_equal(site->via, "malloc");
        assert_int_equal(site->allocations, wanted.allocations);
        assert_int_equal(site->total_bytes, wanted.total_bytes);
        assert_int_equal(site->freed, wanted.freed);
        assert_int_equal(site->freed_by_other_thread, wanted.freed_by_other_thread);
        assert_int_equal(site->short_lived, wanted.short_lived);
        assert_int_equal(site->small_short_lived, wanted.small_short_lived);
        assert_int_equal(site->min_size_bytes, wanted.min_size_bytes);
    }
    assert_int_equal(found, 1);
    tn_summary_finish(&summary);
    fixture_remove(path);
}

static const char finished_sql[] =
    "INSERT INTO site (id, function, file, line, module, offset_bytes, via) VALUES (1, 'f', 'a.c', 10, "
    "'/bin/a', NULL, 'malloc'), (2, 'g', NULL, NULL, '/bin/a', "
    "64,"
    " 'strdup');"
    "INSERT INTO site_summary (process_id, site_id, allocations, total_bytes, small_short_lived, "
    "peak_live_bytes,"
    " lifetime_ns_p50) VALUES (1, 1, 10, 100, 0, 90, 5), (1, 2, 20, 200, 7, 80, 6), (2, 2, 1, 1, 1, 1, 1);"
    "UPDATE meta SET value = 1 WHERE key = 'finished';";

/* The last point of the timeline is made to fit the chunks; the peak is one that only the table knows. */
static const char timeline_sql[] =
    "INSERT INTO timeline SELECT id, 500, 3, 999999, 5, 5 FROM process;"
    "INSERT INTO timeline SELECT process_id, 900, sum(births) - sum(deaths), 42, sum(births), 7 FROM chunk"
    " GROUP BY process_id;";

static void run_on(const char *path, const char *sql)
{
    struct sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void test_a_finished_log_answers_from_its_tables(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "finished");
    fixture_make(path, 13, EVENTS, expected);
    run_on(path, finished_sql);
    run_on(path, timeline_sql);
    struct tn_summary summary;
    load(path, 1, 10, &summary);
    assert_true(summary.is_finished);
    assert_int_equal(summary.totals.peak_live_bytes, 999999);
    assert_int_equal(summary.totals.peak_live_count, 3);
    assert_int_equal(summary.totals.peak_ns, 500);
    assert_int_equal(summary.totals.live_bytes, 42);
    assert_int_equal(summary.totals.small_short_lived, 7);
    assert_int_equal(summary.all.small_short_lived, 8);
    assert_int_equal(summary.site_count, 2);
    assert_int_equal(summary.lists[TN_SUMMARY_BY_ALLOCATIONS].sites[0].site_id, 2);
    assert_int_equal(summary.lists[TN_SUMMARY_BY_PEAK_LIVE_BYTES].sites[0].site_id, 1);
    assert_int_equal(summary.lists[TN_SUMMARY_BY_SMALL_SHORT_LIVED].count, 1);
    const struct tn_summary_site *site = &summary.lists[TN_SUMMARY_BY_SMALL_SHORT_LIVED].sites[0];
    assert_string_equal(site->function, "g");
    assert_string_equal(site->file, "");
    assert_string_equal(site->via, "strdup");
    assert_int_equal(site->offset_bytes, 64);
    assert_int_equal(site->lifetime_ns.p50, 6);
    assert_true(site->has_quantiles);
    tn_summary_finish(&summary);
    fixture_remove(path);
}

/* A timeline that stops early is not believed: the events are read. */
static void test_a_short_timeline_is_not_believed(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "short");
    size_t count = fixture_make(path, 14, EVENTS, expected);
    run_on(path, finished_sql);
    struct tn_summary summary;
    load(path, 2, 10, &summary);
    struct tn_summary_totals wanted = compute(count, 2);
    assert_totals(&summary.totals, &wanted);
    tn_summary_finish(&summary);
    fixture_remove(path);
}

static void test_an_unknown_process_and_an_empty_log(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "none");
    fixture_make(path, 15, 10, expected);
    struct tn_log *log = NULL;
    struct tn_error error = {0};
    struct tn_summary summary;
    assert_int_equal(tn_log_open(path, &log, &error), 0);
    assert_int_equal(tn_summary_load(log, 77, 10, &summary, &error), -ENOENT);
    assert_non_null(strstr(error.text, "77"));
    tn_log_close(log);
    fixture_remove(path);

    struct tn_log_options options = {path, "", "tsc", false};
    struct tn_log_writer *writer = NULL;
    assert_int_equal(tn_log_create(&options, &writer, &error), 0);
    assert_int_equal(tn_log_writer_close(writer, 0, &error), 0);
    load(path, 0, 10, &summary);
    assert_int_equal(summary.process_id, 0);
    assert_int_equal(summary.process_count, 0);
    assert_int_equal(summary.all.allocations, 0);
    assert_string_equal(summary.program, "");
    assert_null(summary.lists[TN_SUMMARY_BY_ALLOCATIONS].sites);
    tn_summary_finish(&summary);
    tn_summary_finish(NULL);
    fixture_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unfinished_log_is_summed_up),
        cmocka_unit_test(test_a_site_of_an_unfinished_log),
        cmocka_unit_test(test_a_finished_log_answers_from_its_tables),
        cmocka_unit_test(test_a_short_timeline_is_not_believed),
        cmocka_unit_test(test_an_unknown_process_and_an_empty_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
