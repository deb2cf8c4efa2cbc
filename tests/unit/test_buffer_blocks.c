/* SPDX-License-Identifier: MIT */
/* The lists of live blocks of the kind `stack-buffer`: what is asked of one thread's blocks must not pass
 * those of other threads, however many there are at the same site. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stack_buffer.h"

#include <stdlib.h>

#define SITE        1
#define OTHER_SITE  2
#define SLOTS       4096
#define HELD_COUNT  3000 /* blocks of the other thread: more than any walk would look at */
#define OWNER_SINCE 10

struct lists {
    struct tn_stack_buffers buffers;
    uint32_t slot_count; /* used */
};

static void begin(struct lists *lists)
{
    *lists = (struct lists){0};
    lists->buffers.blocks = calloc(SLOTS, sizeof(lists->buffers.blocks[0]));
    lists->buffers.sites = calloc(3, sizeof(lists->buffers.sites[0]));
    assert_non_null(lists->buffers.blocks);
    assert_non_null(lists->buffers.sites);
}

static void end(struct lists *lists)
{
    tn_map_finish(&lists->buffers.threads);
    free(lists->buffers.lists);
    free(lists->buffers.blocks);
    free(lists->buffers.sites);
}

/* A block of an event of its thread. */
static struct tn_contained_block *make(struct lists *lists, uint32_t site, uint32_t thread, uint64_t event)
{
    uint32_t slot = lists->slot_count++;
    struct tn_contained_block *block = &lists->buffers.blocks[slot];
    *block = (struct tn_contained_block){event, 1, site, thread, .birth_index = slot + 1};
    assert_int_equal(tn_buffer_list_find(&lists->buffers, site, thread, &block->list), 0);
    tn_buffer_block_link(&lists->buffers, slot);
    return block;
}

static uint32_t count_visited(const struct lists *lists, const struct tn_contained_block *block)
{
    uint32_t count = 0;
    for (uint32_t at = block->older; at != 0; at = lists->buffers.blocks[at - 1].older)
        count++;
    return count;
}

static void blocks_of_other_threads_are_not_passed(void **state)
{
    struct lists lists;
    (void)state;
    begin(&lists);
    make(&lists, SITE, 0, OWNER_SINCE - 1);
    make(&lists, SITE, 0, OWNER_SINCE);
    for (uint64_t i = 0; i < HELD_COUNT; i++)
        make(&lists, SITE, 1, i + 1);
    make(&lists, OTHER_SITE, 0, OWNER_SINCE + 1);
    struct tn_contained_block *newest = make(&lists, SITE, 0, OWNER_SINCE + 2);
    assert_int_equal(count_visited(&lists, newest), 2);
    assert_int_equal(tn_buffer_blocks_since(&lists.buffers, newest, OWNER_SINCE, 17), 2);
    assert_int_equal(tn_buffer_blocks_since(&lists.buffers, newest, 0, 17), 3);
    assert_int_equal(tn_buffer_blocks_since(&lists.buffers, newest, 0, 2), 2);
    assert_int_equal(lists.buffers.lists[newest->list].live_count, 3);
    tn_buffer_block_unlink(&lists.buffers, newest);
    assert_int_equal(lists.buffers.lists[newest->list].live_count, 2);
    assert_int_equal(tn_buffer_blocks_since(&lists.buffers, newest, OWNER_SINCE, 17), 1);
    end(&lists);
}

static void a_thread_that_returns_to_a_site_goes_on_with_its_list(void **state)
{
    struct lists lists;
    (void)state;
    begin(&lists);
    struct tn_contained_block *first = make(&lists, SITE, 0, 1), *other = make(&lists, SITE, 1, 1);
    struct tn_contained_block *second = make(&lists, SITE, 0, 2), *elsewhere = make(&lists, OTHER_SITE, 0, 3);
    assert_int_equal(first->list, second->list);
    assert_int_not_equal(first->list, other->list);
    assert_int_not_equal(first->list, elsewhere->list);
    assert_int_equal(lists.buffers.list_count, 3);
    end(&lists);
}

static void a_resized_block_takes_its_old_place(void **state)
{
    struct lists lists;
    (void)state;
    begin(&lists);
    struct tn_contained_block *first = make(&lists, SITE, 0, 1), *resized = make(&lists, SITE, 0, 2),
                              *last = make(&lists, SITE, 0, 3);
    struct tn_contained_block kept = *resized;
    tn_buffer_block_unlink(&lists.buffers, resized);
    uint32_t slot = lists.slot_count++;
    lists.buffers.blocks[slot] = kept;
    tn_buffer_block_link(&lists.buffers, slot);
    assert_int_equal(last->older, slot + 1);
    assert_int_equal(first->newer, slot + 1);
    assert_int_equal(tn_buffer_blocks_since(&lists.buffers, last, 2, 17), 2);
    end(&lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_other_threads_are_not_passed),
        cmocka_unit_test(a_thread_that_returns_to_a_site_goes_on_with_its_list),
        cmocka_unit_test(a_resized_block_takes_its_old_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
