/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finish_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SITE_MAX 32

static void frames_are_named(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "names");
    make_log(path, expected);
    finish_with(path, TN_ROWS_ALL, NULL);
    expect(path, "SELECT function FROM stack_frame WHERE stack_id = 12 ORDER BY position",
           "inner\nmiddle\nouter\nmain\n");
    expect(
        path,
        "SELECT count(*) FROM stack_frame WHERE stack_id = 12 AND (file NOT LIKE '/%places.c' OR line < 1)",
        "0\n");
    expect(path, "SELECT count(*) FROM frame WHERE inlined_into IS NOT NULL", "2\n");
    expect(path, "SELECT key, value FROM meta WHERE key LIKE 'frames_%' OR key LIKE 'modules_%' ORDER BY key",
           "frames_named|3\nframes_unnamed|8\nframes_with_line|3\nmodules_changed|1\n"
           "modules_with_lines|1\nmodules_without_lines|0\nmodules_without_names|1\n");
    expect(path, "SELECT value FROM meta WHERE key = 'finished'", "1\n");
    fixture_remove(path);
}

static void stacks_have_sites(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "sites");
    make_log(path, expected);
    finish_with(path, TN_ROWS_ALL, NULL);
    expect(path,
           "SELECT k.id, s.function, s.offset_bytes, s.via FROM stack AS k JOIN site AS s ON s.id = k.site_id"
           " WHERE k.id >= 10 ORDER BY k.id",
           "10|main|-|calloc\n11|hidden|-|calloc\n12|inner|-|calloc\n");
    /* without names the offset tells sites apart; stack 9 is cut, but its frame is stack 1's */
    expect(path,
           "SELECT k.id, s.function, s.line, s.offset_bytes - 4096, s.via FROM stack AS k"
           " JOIN site AS s ON s.id = k.site_id WHERE k.id IN (1, 2, 9) ORDER BY k.id",
           "1|-|-|16|malloc\n2|-|-|32|malloc\n9|-|-|16|malloc\n");
    expect(path,
           "SELECT count(*) FROM stack AS a, stack AS b WHERE a.id = 1 AND b.id = 9"
           " AND a.site_id = b.site_id",
           "1\n");
    expect(path, "SELECT count(*) FROM site WHERE via = 'unknown'", "1\n");
    fixture_remove(path);
}

static void wrappers_are_passed(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "wrapper");
    make_log(path, expected);
    finish_with(path, TN_ROWS_NONE, "^(inner|middle|hidden)$");
    expect(path,
           "SELECT k.id, s.function, s.via FROM stack AS k JOIN site AS s ON s.id = k.site_id"
           " WHERE k.id >= 10 ORDER BY k.id",
           "10|main|calloc\n11|main|hidden\n12|outer|middle\n");
    fixture_remove(path);
}

static void sums_agree_with_rows(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "sums");
    size_t made = make_log(path, expected);
    finish_with(path, TN_ROWS_ALL, NULL);
    char count[32];
    snprintf(count, sizeof(count), "%zu|%zu\n", made, made);
    expect(path, "SELECT count(*), (SELECT sum(allocations) FROM site_summary) FROM allocation_row", count);
    expect(path,
           "SELECT * FROM (SELECT process_id, coalesce(site_id, (SELECT id FROM site WHERE via = 'unknown')),"
           " count(*), sum(size_bytes), sum(usable_size_bytes), min(size_bytes), max(size_bytes),"
           " count(DISTINCT size_bytes), count(death_ns), count(*) - count(death_ns),"
           " count(CASE WHEN thread_id <> free_thread_id THEN 1 END),"
           " count(CASE WHEN lifetime_bytes < 32768 AND death_ns IS NOT NULL THEN 1 END), min(birth_ns),"
           " max(birth_ns) FROM allocation GROUP BY 1, 2"
           " EXCEPT SELECT process_id, site_id, allocations, total_bytes, usable_bytes, min_size_bytes,"
           " max_size_bytes, distinct_sizes, freed, live_at_end, freed_by_other_thread, short_lived,"
           " first_birth_ns, last_birth_ns FROM site_summary)",
           "");
    expect(path,
           "SELECT count(*) FROM site_summary AS s WHERE freed > 0 AND (lifetime_ns_max <>"
           " (SELECT max(a.lifetime_ns) FROM allocation AS a WHERE a.process_id = s.process_id AND"
           " coalesce(a.site_id, (SELECT id FROM site WHERE via = 'unknown')) = s.site_id)"
           " OR lifetime_ns_p50 > lifetime_ns_p90 OR lifetime_ns_p90 > lifetime_ns_p99"
           " OR lifetime_ns_p99 > lifetime_ns_max OR small_short_lived > short_lived)",
           "0\n");
    fixture_remove(path);
}

/* Peaks of one process, followed event by event. */
struct peaks {
    uint64_t live_bytes, live_count, peak_bytes, peak_count;
};

static void follow(struct peaks *peaks, const struct tn_log_event *event, uint64_t size_bytes)
{
    peaks->live_bytes = event->is_birth ? peaks->live_bytes + size_bytes : peaks->live_bytes - size_bytes;
    peaks->live_count += event->is_birth ? 1 : UINT64_MAX;
    if (peaks->live_bytes > peaks->peak_bytes)
        peaks->peak_bytes = peaks->live_bytes;
    if (peaks->live_count > peaks->peak_count)
        peaks->peak_count = peaks->live_count;
}

static uint64_t column(sqlite3 *database, const char *sql, uint64_t parameter)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)parameter);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    uint64_t value = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void peaks_are_exact(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    fixture_path(path, "peaks");
    make_log(path, expected);
    finish_with(path, TN_ROWS_NONE, NULL);
    struct tn_log *log = open_log(path);
    sqlite3 *database = tn_log_database(log);
    struct peaks process = {0}, sites[SITE_MAX] = {{0}};
    static uint64_t sizes[EVENT_COUNT + 4], owners[EVENT_COUNT + 4];
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event;
    assert_int_equal(tn_event_cursor_open(database, 1, &cursor), 0);
    while (tn_event_cursor_next(cursor, &event) == 1) {
        if (event->is_birth) {
            sizes[event->allocation_id] = event->size_bytes;
            owners[event->allocation_id] =
                event->stack_id == 0
                    ? column(database, "SELECT id FROM site WHERE via = 'unknown' OR ?1", 0)
                    : column(database, "SELECT site_id FROM stack WHERE id = ?1", event->stack_id);
            assert_true(owners[event->allocation_id] < SITE_MAX);
        }
        follow(&process, event, sizes[event->allocation_id]);
        follow(&sites[owners[event->allocation_id]], event, sizes[event->allocation_id]);
    }
    tn_event_cursor_close(cursor);
    assert_int_equal(column(database, "SELECT max(live_bytes) FROM timeline WHERE process_id = ?1", 1),
                     process.peak_bytes);
    assert_int_equal(column(database, "SELECT max(live_count) FROM timeline WHERE process_id = ?1", 1),
                     process.peak_count);
    for (uint64_t site = 0; site < SITE_MAX; site++) {
        if (sites[site].peak_count == 0)
            continue;
        assert_int_equal(
            column(database, "SELECT peak_live_bytes FROM site_summary WHERE process_id = 1 AND site_id = ?1",
                   site),
            sites[site].peak_bytes);
        assert_int_equal(
            column(database, "SELECT peak_live_count FROM site_summary WHERE process_id = 1 AND site_id = ?1",
                   site),
            sites[site].peak_count);
    }
    tn_log_close(log);
    fixture_remove(path);
}

static void rows_are_limited(void **state)
{
    (void)state;
    static const struct {
        int more; /* than there are allocations */
        const char *rows;
    } cases[] = {{-1, "0\n"}, {0, "1\n"}};
    struct tn_allocation expected[EVENT_COUNT];
    for (size_t i = 0; i < 2; i++) {
        char path[FIXTURE_PATH_BYTES];
        fixture_path(path, "rows");
        size_t made = make_log(path, expected);
        finish_with(path, (uint64_t)((int64_t)made + cases[i].more), NULL);
        expect(path, "SELECT count(*) FROM sqlite_master WHERE name = 'allocation_row'", cases[i].rows);
        fixture_remove(path);
    }
}

/* The recorder holds a module's file; the path may lead nowhere by then. */
static void held_files_are_used(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "held");
    struct tn_log_writer *writer = fixture_create(path);
    uint64_t module_id;
    assert_int_equal(tn_log_add_module(writer, "/gone/since", "", &module_id), 0);
    stack_of(writer, module_id, place_of("hidden@"), 0);
    assert_int_equal(tn_log_writer_close(writer, 1000, NULL), 0);
    int fd = open(places_program, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct tn_module_file file = {module_id, fd};
    struct tn_finish_options options = {.files = &file, .file_count = 1};
    assert_int_equal(tn_finish(path, &options, NULL), 0);
    expect(path,
           "SELECT function FROM frame WHERE module_id = (SELECT id FROM module WHERE path LIKE '/gone%')",
           "hidden\n");
    close(fd);
    fixture_remove(path);
}

static uint64_t give_birth(struct tn_log_writer *writer, uint64_t stack_id, uint64_t time_ns)
{
    struct tn_birth birth = {.process_id = 1,
                             .thread_id = 1,
                             .stack_id = stack_id,
                             .time_ns = time_ns,
                             .size_bytes = 8,
                             .usable_size_bytes = 24,
                             .address = 16 * time_ns,
                             .function = TN_FUNCTION_MALLOC};
    uint64_t id;
    assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
    return id;
}

/* Stack 1 allocates early only, stack 2 all the time; the exit frees what stack 1 made. */
static void make_run(const char *path, uint64_t main_ns, const char *own_mark)
{
    struct tn_log_writer *writer = fixture_create(path);
    assert_int_equal(tn_log_add_mark(writer, 1, main_ns, "main entered"), 0);
    if (own_mark != NULL)
        assert_int_equal(tn_log_add_mark(writer, 1, 77, own_mark), 0);
    uint64_t early = give_birth(writer, 1, 1000);
    for (uint64_t i = 1; i <= 50; i++)
        give_birth(writer, 2, 1000 + 100 * i);
    assert_int_equal(tn_log_add_mark(writer, 1, 9000, "exit begun"), 0);
    struct tn_death death = {.process_id = 1,
                             .allocation_id = early,
                             .thread_id = 1,
                             .stack_id = 3,
                             .time_ns = 9100,
                             .function = TN_FUNCTION_FREE,
                             .address = UINT64_C(16) * 1000,
                             .size_class = tn_log_size_class(24)};
    assert_int_equal(tn_log_add_death(writer, &death), 0);
    give_birth(writer, 2, 9200);
    assert_int_equal(tn_log_writer_close(writer, 10000, NULL), 0);
    change(path, "DELETE FROM mark WHERE time_ns IN (60, 400000)"); /* the fixture's own */
}

static void end_of_initialisation_is_marked(void **state)
{
    (void)state;
    static const struct {
        uint64_t main_ns;
        const char *own_mark, *marks;
    } cases[] = {
        {500, NULL, "1|1000\n"},
        {1500, NULL, "1|1500\n"}, /* a block from before main */
        {500, "initialisation done", "1|77\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[FIXTURE_PATH_BYTES];
        fixture_path(path, "marks");
        make_run(path, cases[i].main_ns, cases[i].own_mark);
        finish_with(path, TN_ROWS_NONE, NULL);
        expect(path, "SELECT process_id, time_ns FROM mark WHERE text = 'initialisation done'",
               cases[i].marks);
        fixture_remove(path);
    }
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 2)
        return 2;
    places_program = realpath(arguments[1], NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_named),    cmocka_unit_test(stacks_have_sites),
        cmocka_unit_test(wrappers_are_passed), cmocka_unit_test(sums_agree_with_rows),
        cmocka_unit_test(peaks_are_exact),     cmocka_unit_test(rows_are_limited),
        cmocka_unit_test(held_files_are_used), cmocka_unit_test(end_of_initialisation_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
