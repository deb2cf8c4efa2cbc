/* SPDX-License-Identifier: MIT */
/* Links as analyses see them: summed up by sites, as shares of the looks, without what chance explains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_fixture.h"

#include "tenure/analysis.h"
#include "tenure/event.h"
#include "tenure/log_write.h"
#include "tenure/site_links.h"

#include <sqlite3.h>

/* Stacks 1 to 6; 1 and 2 are of site 1, 3 and 4 of site 2, 5 of site 3, 6 of site 4. */
#define NODE_COUNT 7u

enum { HOLDER = 1, HELD = 2, OTHER = 3, ALONE = 4 };

static const uint32_t sites[NODE_COUNT] = {0, HOLDER, HOLDER, HELD, HELD, OTHER, ALONE};

struct linked_log {
    char path[FIXTURE_PATH_BYTES];
    struct tn_log *log;
    struct tn_stack_node nodes[NODE_COUNT];
    struct tn_error error;
    struct tn_pass_site sites[ALONE + 1];
    struct tn_pass pass;
    struct tn_site_links links;
};

static void add_link(struct tn_log_writer *writer, enum tn_link_moment moment, uint64_t holder,
                     uint64_t offset, uint64_t held, uint32_t distinct, uint64_t looks)
{
    struct tn_log_link link = {.process_id = 1,
                               .moment = moment,
                               .holder_stack_id = holder,
                               .module_id = holder == 0,
                               .offset_bytes = offset,
                               .held_stack_id = held,
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

static void make(const char *path)
{
    struct tn_log_writer *writer = fixture_create(path);
    struct tn_error error = {0};
    /* offset 16 in 45 of 50 deaths, over two stacks of the holder and two of the held */
    add_link(writer, TN_LINK_HOLDER_DEATH, 1, 16, 3, 8, 25);
    add_link(writer, TN_LINK_HOLDER_DEATH, 2, 16, 4, 8, 20);
    add_link(writer, TN_LINK_HOLDER_DEATH, 1, 24, 3, 8, 10); /* a rarer offset */
    add_look(writer, 1, TN_LINK_HOLDER_DEATH, 30);
    add_look(writer, 2, TN_LINK_HOLDER_DEATH, 20);
    /* seen in all looks, but always the same two blocks */
    add_link(writer, TN_LINK_EVENT_1, 5, 0, 3, 2, 8);
    add_look(writer, 3, TN_LINK_EVENT_1, 8);
    /* many blocks, but in one look of twenty */
    add_link(writer, TN_LINK_HELD_DEATH, 5, 8, 4, 9, 10);
    add_look(writer, 4, TN_LINK_HELD_DEATH, 200);
    add_link(writer, TN_LINK_EVENT_1, 0, 0x4010, 5, 4, 4);
    add_look(writer, 5, TN_LINK_EVENT_1, 5);
    assert_int_equal(tn_log_writer_close(writer, 123456789, &error), 0);
}

/* The rows of `site` are not in the order of the pass's sites. */
static void name_members(const char *path)
{
    struct sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "INSERT INTO struct_member VALUES (7, 16, 'struct txn', 'token'),"
                                  " (7, 24, 'struct txn', NULL), (99, 16, 'struct other', 'token')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
}

static int open_linked(void **state)
{
    static struct linked_log linked;
    fixture_path(linked.path, "links.db");
    make(linked.path);
    name_members(linked.path);
    linked.log = fixture_open(linked.path);
    linked.sites[HOLDER].site_id = 7;
    linked.sites[HELD].site_id = 3;
    for (size_t i = 0; i < NODE_COUNT; i++)
        linked.nodes[i].site = sites[i];
    linked.pass = (struct tn_pass){.log = linked.log,
                                   .process_id = 1,
                                   .nodes = linked.nodes,
                                   .node_count = NODE_COUNT,
                                   .sites = linked.sites,
                                   .site_count = ALONE + 1,
                                   .error = &linked.error};
    *state = &linked;
    return tn_site_links_load(&linked.pass, &linked.links);
}

static int close_linked(void **state)
{
    struct linked_log *linked = *state;
    tn_site_links_finish(&linked->links);
    tn_log_close(linked->log);
    fixture_remove(linked->path);
    return 0;
}

static void stacks_of_a_site_count_together(void **state)
{
    const struct linked_log *linked = *state;
    struct tn_link_share share;
    assert_true(tn_site_links_between(&linked->links, HOLDER, HELD, &share));
    assert_int_equal(share.offset_bytes, 16);
    assert_int_equal(share.looks, 45);
    assert_int_equal(share.looks_made, 50);
}

static void members_are_named_by_site_and_offset(void **state)
{
    const struct linked_log *linked = *state;
    assert_string_equal(tn_site_links_member(&linked->links, HOLDER, 16), "struct txn.token");
    assert_string_equal(tn_site_links_member(&linked->links, HOLDER, 24), "struct txn");
    assert_null(tn_site_links_member(&linked->links, HOLDER, 8));
    assert_null(tn_site_links_member(&linked->links, HELD, 16));
}

static void holders_come_in_order(void **state)
{
    const struct linked_log *linked = *state;
    assert_int_equal(tn_site_links_next_holder(&linked->links, HELD, 0), HOLDER);
    assert_int_equal(tn_site_links_next_holder(&linked->links, HELD, HOLDER), OTHER);
    assert_int_equal(tn_site_links_next_holder(&linked->links, HELD, OTHER), 0);
    assert_int_equal(tn_site_links_next_holder(&linked->links, ALONE, 0), 0);
}

static void chance_is_no_link(void **state)
{
    const struct linked_log *linked = *state;
    struct tn_link_share share;
    assert_false(tn_site_links_between(&linked->links, OTHER, HELD, &share));
    assert_false(tn_site_links_between(&linked->links, HELD, HOLDER, &share));
    assert_false(tn_site_links_between(&linked->links, HOLDER, ALONE, &share));
}

static void a_global_is_a_holder_without_a_site(void **state)
{
    const struct linked_log *linked = *state;
    struct tn_link_share share;
    assert_true(tn_site_links_between(&linked->links, 0, OTHER, &share));
    assert_int_equal(share.offset_bytes, 0x4010);
}

static void looks_are_told_where_nothing_was_found(void **state)
{
    const struct linked_log *linked = *state;
    assert_int_equal(tn_site_links_looks_between(&linked->links, HOLDER, ALONE), 50);
    assert_int_equal(tn_site_links_looks_between(&linked->links, ALONE, HELD), 200);
    assert_int_equal(tn_site_links_looks_between(&linked->links, ALONE, HOLDER), 0);
    assert_int_equal(tn_site_links_looks(&linked->links, 4, TN_LINK_HELD_DEATH), 200);
    assert_int_equal(tn_site_links_looks(&linked->links, 3, TN_LINK_HELD_DEATH), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_of_a_site_count_together),
        cmocka_unit_test(members_are_named_by_site_and_offset),
        cmocka_unit_test(holders_come_in_order),
        cmocka_unit_test(chance_is_no_link),
        cmocka_unit_test(a_global_is_a_holder_without_a_site),
        cmocka_unit_test(looks_are_told_where_nothing_was_found),
    };
    return cmocka_run_group_tests(tests, open_linked, close_linked);
}
