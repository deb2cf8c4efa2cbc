/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include "tenure/log.h"
#include "tenure/log_write.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

/* Links in a log: what is written comes back by the reader and by the view, counts are renewed in place, and
 * a log of before there were links shows none. */

struct seen {
    struct tn_log_link links[8];
    struct tn_log_look looks[8];
    size_t link_count;
    size_t look_count;
    int answer; /* that ends the walk, once it is not 0 */
};

static int see_link(void *context, const struct tn_log_link *link)
{
    struct seen *seen = context;
    assert_true(seen->link_count < 8);
    seen->links[seen->link_count++] = *link;
    return seen->answer;
}

static int see_look(void *context, const struct tn_log_look *look)
{
    struct seen *seen = context;
    assert_true(seen->look_count < 8);
    seen->looks[seen->look_count++] = *look;
    return seen->answer;
}

static const struct tn_log_link member = {1, TN_LINK_HOLDER_DEATH, 8, 0, 16, 9, 0, 3, 30, 7, 5};
static const struct tn_log_link global = {1, TN_LINK_EVENT_4, 0, 1, 0x4010, 6, 64, 16, 40, 0, 6};
static const struct tn_log_link others = {2, TN_LINK_OUTPUT, 8, 0, 0, 8, 8, 1, 1, 9, 8};

static void make(const char *path)
{
    struct tn_log_writer *writer = fixture_create(path);
    struct tn_log_link first = member;
    first.looks = 1;
    first.distinct_held_blocks = 1;
    uint64_t id = 0, global_id = 0, other_id = 0;
    assert_int_equal(tn_log_set_link(writer, &first, &id), 0);
    assert_int_equal(tn_log_set_link(writer, &global, &global_id), 0);
    assert_int_equal(tn_log_set_link(writer, &others, &other_id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(other_id, 3);
    assert_int_equal(tn_log_commit(writer), 0);
    assert_int_equal(tn_log_set_link(writer, &member, &id), 0);
    assert_int_equal(id, 1);
    struct tn_log_look look = {1, 8, TN_LINK_HOLDER_DEATH, 10};
    assert_int_equal(tn_log_set_look(writer, &look), 0);
    look.looks = 32;
    assert_int_equal(tn_log_set_look(writer, &look), 0);
    look = (struct tn_log_look){1, 6, TN_LINK_EVENT_4, 50};
    assert_int_equal(tn_log_set_look(writer, &look), 0);
    struct tn_error error;
    assert_int_equal(tn_log_writer_close(writer, 1, &error), 0);
}

static void expect_link(const struct tn_log_link *found, const struct tn_log_link *expected)
{
    assert_int_equal(found->process_id, expected->process_id);
    assert_int_equal(found->moment, expected->moment);
    assert_int_equal(found->holder_stack_id, expected->holder_stack_id);
    assert_int_equal(found->module_id, expected->module_id);
    assert_int_equal(found->offset_bytes, expected->offset_bytes);
    assert_int_equal(found->held_stack_id, expected->held_stack_id);
    assert_int_equal(found->inner_offset_bytes, expected->inner_offset_bytes);
    assert_int_equal(found->distinct_held_blocks, expected->distinct_held_blocks);
    assert_int_equal(found->looks, expected->looks);
    assert_int_equal(found->holder_id, expected->holder_id);
    assert_int_equal(found->held_id, expected->held_id);
}

static void test_links_come_back(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "links");
    make(path);
    struct tn_log *log = fixture_open(path);
    struct seen seen = {.link_count = 0};
    assert_int_equal(tn_log_each_link(tn_log_database(log), 1, see_link, &seen), 0);
    assert_int_equal(seen.link_count, 2);
    expect_link(&seen.links[0], &member);
    expect_link(&seen.links[1], &global);
    assert_int_equal(tn_log_each_look(tn_log_database(log), 1, see_look, &seen), 0);
    assert_int_equal(seen.look_count, 2);
    assert_int_equal(seen.looks[1].stack_id, 8);
    assert_int_equal(seen.looks[1].moment, TN_LINK_HOLDER_DEATH);
    assert_int_equal(seen.looks[1].looks, 32);
    struct seen second = {.answer = -ECANCELED};
    assert_int_equal(tn_log_each_link(tn_log_database(log), 2, see_link, &second), -ECANCELED);
    assert_int_equal(second.link_count, 1);
    expect_link(&second.links[0], &others);
    tn_log_close(log);
    fixture_remove(path);
}

/* Stacks of one site are added up, and the looks made are those of the side that was looked at. */
static void test_links_by_site(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "sites");
    make(path);
    struct sqlite3 *database;
    struct tn_error error;
    assert_int_equal(tn_log_update_open(path, &database, &error), 0);
    const char *steps =
        "INSERT INTO site (id) VALUES (1), (2); UPDATE stack SET site_id = 1 + (id IN (5, 6));"
        "INSERT INTO link SELECT 4, process_id, moment, 7, module_id, offset_bytes, held_stack_id,"
        " inner_offset_bytes, 6, 2, 3, 4 FROM link WHERE id = 1;"
        "INSERT INTO link_look VALUES (1, 7, 'holder death', 8), (1, 9, 'event 4', 1000)";
    assert_int_equal(sqlite3_exec(database, steps, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(fixture_query(database, "SELECT count(*) FROM site_link"), 3);
    const char *deaths =
        "SELECT looks * 10000 + looks_made * 100 + distinct_held_blocks * 10 + holder_id"
        " FROM site_link WHERE moment = 'holder death' AND holder_site_id = 1"
        " AND held_site_id = 1 AND offset_bytes = 16";
    assert_int_equal(fixture_query(database, deaths), 36 * 10000 + 40 * 100 + 5 * 10 + 3);
    const char *globals =
        "SELECT looks * 1000 + looks_made FROM site_link WHERE moment = 'event 4'"
        " AND holder_site_id IS NULL AND module_id = 1 AND inner_offset_bytes = 64";
    assert_int_equal(fixture_query(database, globals), 40 * 1000 + 50);
    assert_int_equal(fixture_query(database, "SELECT looks_made FROM site_link WHERE moment = 'output'"), 0);
    tn_log_update_close(database);
    fixture_remove(path);
}

/* A log of before version 5 has no tables of links; a moment of another name is damage. */
static void test_odd_logs(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    fixture_path(path, "odd");
    make(path);
    struct sqlite3 *database;
    struct tn_error error;
    struct seen seen = {.link_count = 0};
    assert_int_equal(tn_log_update_open(path, &database, &error), 0);
    const char *spoil = "UPDATE link SET moment = 'noon'; UPDATE link_look SET moment = 'noon'";
    assert_int_equal(sqlite3_exec(database, spoil, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(tn_log_each_link(database, 1, see_link, &seen), -EBADMSG);
    assert_int_equal(tn_log_each_look(database, 1, see_look, &seen), -EBADMSG);
    const char *drop = "DROP VIEW site_link; DROP TABLE link; DROP TABLE link_look; PRAGMA user_version = 4";
    assert_int_equal(sqlite3_exec(database, drop, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(tn_log_each_link(database, 1, see_link, &seen), 0);
    assert_int_equal(tn_log_each_look(database, 1, see_look, &seen), 0);
    assert_int_equal(seen.link_count + seen.look_count, 0);
    tn_log_update_close(database);
    tn_log_close(fixture_open(path));
    fixture_remove(path);
}

static void test_moments_have_names(void **state)
{
    (void)state;
    for (int i = TN_LINK_NEVER + 1; i < TN_LINK_MOMENT_COUNT; i++) {
        const char *name = tn_link_moment_name((enum tn_link_moment)i);
        assert_true(name[0] != '\0');
        assert_int_equal(tn_link_moment_of(name), i);
    }
    assert_int_equal(tn_link_moment_of("noon"), TN_LINK_NEVER);
    assert_int_equal(tn_link_moment_of(""), TN_LINK_NEVER);
    assert_int_equal(tn_link_moment_of(NULL), TN_LINK_NEVER);
    assert_string_equal(tn_link_moment_name(TN_LINK_MOMENT_COUNT), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_come_back),
        cmocka_unit_test(test_links_by_site),
        cmocka_unit_test(test_odd_logs),
        cmocka_unit_test(test_moments_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
