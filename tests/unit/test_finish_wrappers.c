/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finish_fixture.h"

#include <stdio.h>

#define CALLERS 3
#define CALLS   30

/* Three functions each ask `grab` for a size of their own; who releases the blocks is the question. Frames:
 * main, grab, and for each caller its call of grab and its release; the finishing pass finds the names there.
 */
static void make(const char *path, bool releases_itself)
{
    struct tn_log_writer *writer = fixture_create(path);
    uint64_t module_id, births[CALLERS], releases[CALLERS], id;
    assert_int_equal(tn_log_add_module(writer, "/home/me/app", "", &module_id), 0);
    for (uint64_t i = 0; i < CALLERS; i++) {
        uint64_t main_id = stack_of(writer, module_id, 0x100 + 16 * i, 0);
        uint64_t caller_id = stack_of(writer, module_id, 0x200 + 256 * i, main_id);
        births[i] = stack_of(writer, module_id, 0x1000, caller_id);
        releases[i] = releases_itself ? stack_of(writer, module_id, 0x1010, caller_id)
                                      : stack_of(writer, module_id, 0x210 + 256 * i, main_id);
    }
    for (uint64_t i = 0; i < (uint64_t)CALLERS * CALLS; i++) {
        struct tn_birth birth = {.process_id = 1,
                                 .thread_id = 1,
                                 .stack_id = births[i % CALLERS],
                                 .time_ns = 1000 + 20 * i,
                                 .size_bytes = 16 * (1 + i % CALLERS),
                                 .usable_size_bytes = 16 * (1 + i % CALLERS) + 8,
                                 .address = 0x1000 * (i + 1),
                                 .function = TN_FUNCTION_MALLOC};
        assert_int_equal(tn_log_add_birth(writer, &birth, &id), 0);
        struct tn_death death = {.process_id = 1,
                                 .allocation_id = id,
                                 .thread_id = 1,
                                 .stack_id = releases[i % CALLERS],
                                 .time_ns = 1010 + 20 * i,
                                 .function = TN_FUNCTION_FREE,
                                 .address = birth.address,
                                 .size_class = tn_log_size_class(birth.usable_size_bytes)};
        assert_int_equal(tn_log_add_death(writer, &death), 0);
    }
    assert_int_equal(tn_log_writer_close(writer, 100000, NULL), 0);
    change(path,
           "UPDATE frame SET function = CASE WHEN offset_bytes >= 0x1000 THEN 'grab'"
           " WHEN offset_bytes >= 0x200 THEN 'caller' || (offset_bytes / 256 - 1) ELSE 'main' END"
           " WHERE module_id = (SELECT id FROM module WHERE path = '/home/me/app');"
           "INSERT INTO meta (key, value) VALUES ('finish_step', '1')");
}

static void finish(const char *path, bool keeps_wrappers)
{
    struct tn_finish_options options = {.rows_max = TN_ROWS_NONE, .keeps_wrappers = keeps_wrappers};
    struct tn_error error = {0};
    if (tn_finish(path, &options, &error) < 0)
        fail_msg("%s", error.text);
}

#define SITES                                                                                                \
    "SELECT s.function, s.via, u.allocations FROM site AS s JOIN site_summary AS u ON u.site_id = s.id"      \
    " WHERE s.module = '/home/me/app' ORDER BY 1, s.id"

static void sites_lie_beyond_a_wrapper(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "wrappers");
    make(path, false);
    finish(path, false);
    expect(path, SITES, "caller1|grab|30\ncaller2|grab|30\ncaller3|grab|30\n");
    expect(path, "SELECT value FROM meta WHERE key = 'wrappers_found'",
           "[{\"function\":\"grab\",\"allocations\":90,\"callers\":3,\"fixed_callers\":3,\"sizes\":3,"
           "\"evidence\":\"by use\"}]\n");
    fixture_remove(path);
}

static void wrappers_are_left_alone_when_told_so(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "kept");
    make(path, false);
    finish(path, true);
    expect(path, SITES, "grab|malloc|90\n");
    expect(path, "SELECT count(*) FROM meta WHERE key = 'wrappers_found'", "0\n");
    fixture_remove(path);
}

static void a_function_that_releases_its_blocks_stays_a_site(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "own");
    make(path, true);
    finish(path, false);
    expect(path, SITES, "grab|malloc|90\n");
    expect(path, "SELECT count(*) FROM meta WHERE key = 'wrappers_found'", "0\n");
    fixture_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_lie_beyond_a_wrapper),
        cmocka_unit_test(wrappers_are_left_alone_when_told_so),
        cmocka_unit_test(a_function_that_releases_its_blocks_stays_a_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
