/* SPDX-License-Identifier: MIT */
/* Who holds whose address, as a report gets it: each place once, the strongest first, without what chance
 * explains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include "tenure/summary.h"

#include <sqlite3.h>

static void add_link(struct tn_log_writer *writer, enum tn_link_moment moment, uint64_t holder,
                     uint64_t offset, uint64_t held, uint32_t inner, uint32_t distinct, uint64_t looks)
{
    struct tn_log_link link = {.process_id = 1,
                               .moment = moment,
                               .holder_stack_id = holder,
                               .module_id = holder == 0,
                               .offset_bytes = offset,
                               .held_stack_id = held,
                               .inner_offset_bytes = inner,
                               .distinct_held_blocks = distinct,
                               .looks = looks};
    uint64_t id = 0;
    assert_int_equal(tn_log_set_link(writer, &link, &id), 0);
}

static void add_look(struct tn_log_writer *writer, uint64_t stack, enum tn_link_moment moment, uint64_t looks)
{
    struct tn_log_look look = {1, stack, moment, looks};
    assert_int_equal(tn_log_set_look(writer, &look), 0);
}

/* Stacks 1 and 2 are of site 1, 3 of site 2, 4 of site 3. */
static const char finished_sql[] =
    "INSERT INTO site (id, function, file, line, module, offset_bytes, via) VALUES"
    " (1, 'holder', 'a.c', 10, '/bin/a', NULL, 'malloc'), (2, 'held', NULL, NULL, '/bin/a', 64, 'strdup'),"
    " (3, 'other', 'a.c', 30, '/bin/a', NULL, 'malloc');"
    "INSERT INTO struct_member VALUES (1, 16, 'struct one', 'name'), (1, 24, 'struct one', NULL);"
    "UPDATE stack SET site_id = CASE WHEN id <= 2 THEN 1 WHEN id = 3 THEN 2 ELSE 3 END;"
    "UPDATE meta SET value = 1 WHERE key = 'finished';";

static void run_on(const char *path, const char *sql)
{
    struct sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void make(const char *path)
{
    struct tn_log_writer *writer = fixture_create(path);
    struct tn_error error = {0};
    /* offset 16 in 27 of 30 deaths, over two stacks; in fewer of the looks at births */
    add_link(writer, TN_LINK_HOLDER_DEATH, 1, 16, 3, 0, 8, 20);
    add_link(writer, TN_LINK_HOLDER_DEATH, 2, 16, 3, 0, 8, 7);
    add_look(writer, 1, TN_LINK_HOLDER_DEATH, 20);
    add_look(writer, 2, TN_LINK_HOLDER_DEATH, 10);
    add_link(writer, TN_LINK_EVENT_1, 1, 16, 3, 0, 8, 4);
    add_link(writer, TN_LINK_EVENT_1, 1, 24, 3, 8, 3, 1); /* the least that counts: 1 of 10 */
    add_look(writer, 3, TN_LINK_EVENT_1, 10);
    /* chance: two blocks; two looks; 1 of 11 */
    add_link(writer, TN_LINK_EVENT_2, 4, 0, 3, 0, 2, 8);
    add_look(writer, 3, TN_LINK_EVENT_2, 8);
    add_link(writer, TN_LINK_EVENT_8, 4, 8, 3, 0, 3, 2);
    add_look(writer, 3, TN_LINK_EVENT_8, 2);
    add_link(writer, TN_LINK_EVENT_4, 4, 16, 3, 0, 9, 1);
    add_look(writer, 3, TN_LINK_EVENT_4, 11);
    add_link(writer, TN_LINK_OUTPUT, 0, 0x4010, 4, 0, 4, 4);
    add_look(writer, 4, TN_LINK_OUTPUT, 4);
    assert_int_equal(tn_log_writer_close(writer, 123456789, &error), 0);
}

static void load(const char *path, struct tn_summary *summary)
{
    struct tn_error error = {0};
    struct tn_log *log = fixture_open(path);
    assert_int_equal(tn_summary_load(log, 1, 5, summary, &error), 0);
    assert_int_equal(tn_summary_load_links(log, summary, &error), 0);
    tn_log_close(log);
}

static void assert_link(const struct tn_summary_link *link, uint64_t holder, uint64_t held, uint64_t offset,
                        const char *moment)
{
    assert_int_equal(link->holder.site_id, holder);
    assert_int_equal(link->held.site_id, held);
    assert_int_equal(link->offset_bytes, offset);
    assert_string_equal(link->moment, moment);
}

static void assert_share(const struct tn_summary_link *link, uint64_t looks, uint64_t looks_made)
{
    assert_int_equal(link->looks, looks);
    assert_int_equal(link->looks_made, looks_made);
    assert_true(link->share == (double)looks / (double)looks_made);
}

static void each_place_is_told_once_the_strongest_first(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_summary summary;
    fixture_path(path, "links");
    make(path);
    run_on(path, finished_sql);
    load(path, &summary);
    assert_int_equal(summary.link_count, 3);
    assert_link(&summary.links[0], 0, 3, 0x4010, "output");
    assert_true(summary.links[0].global_module[0] != '\0');
    assert_link(&summary.links[1], 1, 2, 16, "holder death");
    assert_share(&summary.links[1], 27, 30);
    assert_int_equal(summary.links[1].distinct_held_blocks, 16);
    assert_string_equal(summary.links[1].global_module, "");
    assert_string_equal(summary.links[1].holder.file, "a.c");
    assert_string_equal(summary.links[1].held.file, "");
    assert_int_equal(summary.links[1].held.offset_bytes, 64);
    assert_link(&summary.links[2], 1, 2, 24, "event 1");
    assert_share(&summary.links[2], 1, 10);
    assert_int_equal(summary.links[2].inner_offset_bytes, 8);
    assert_string_equal(summary.links[0].holder_type, "");
    assert_string_equal(summary.links[1].holder_type, "struct one");
    assert_string_equal(summary.links[1].holder_member, "name");
    assert_string_equal(summary.links[2].holder_type, "struct one");
    assert_string_equal(summary.links[2].holder_member, "");
    tn_summary_finish(&summary);
    fixture_remove(path);
}

static void a_log_without_sites_or_links_tells_none(void **state)
{
    (void)state;
    char path[FIXTURE_PATH_BYTES];
    struct tn_summary summary;
    fixture_path(path, "unfinished");
    make(path);
    load(path, &summary);
    assert_int_equal(summary.link_count, 0);
    tn_summary_finish(&summary);
    run_on(path, finished_sql);
    run_on(path, "DROP TABLE struct_member");
    load(path, &summary);
    assert_int_equal(summary.link_count, 3);
    assert_string_equal(summary.links[1].holder_type, "");
    tn_summary_finish(&summary);
    run_on(path, "DROP VIEW site_link");
    load(path, &summary);
    assert_int_equal(summary.link_count, 0);
    tn_summary_finish(&summary);
    fixture_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_is_told_once_the_strongest_first),
        cmocka_unit_test(a_log_without_sites_or_links_tells_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
