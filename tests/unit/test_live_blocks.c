/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/finish/live_blocks.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCKS 400000u /* several times what makes a page old */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* All that a block has follows from its number. */
static struct tn_live_birth block_of(uint64_t number)
{
    return (struct tn_live_birth){
        .size_bytes = (number * UINT64_C(0x9e3779b97f4a7c15)) >> 8,
        .birth_ns = number * 1000003,
        .birth_allocations = number,
        .birth_bytes = number * UINT64_C(0x123456789),
        .stats = (uint32_t)(number * 7),
        .thread_id = (uint32_t)number % 5 + 1,
    };
}

static void check_block(const struct tn_live_birth *found, uint64_t number)
{
    struct tn_live_birth wanted = block_of(number);
    assert_memory_equal(found, &wanted, sizeof(wanted));
}

struct world {
    struct tn_live_blocks live;
    uint64_t *ids;   /* by number from 1; 0: dead */
    uint64_t deaths; /* numbers to die, in the order of due */
    uint64_t random;
};

static void die(struct world *world, uint64_t number)
{
    struct tn_live_birth found;
    if (world->ids[number] == 0)
        return;
    tn_live_blocks_prefetch_page(&world->live, world->ids[number]);
    tn_live_blocks_prefetch(&world->live, world->ids[number]);
    assert_true(tn_live_blocks_take(&world->live, world->ids[number], &found));
    check_block(&found, number);
    assert_false(tn_live_blocks_take(&world->live, world->ids[number], &found));
    world->ids[number] = 0;
    world->deaths++;
}

static void mark_seen(void *context, const struct tn_live_birth *block)
{
    struct world *world = context;
    check_block(block, block->birth_allocations);
    assert_int_not_equal(world->ids[block->birth_allocations], 0);
    world->ids[block->birth_allocations] = 0;
    world->deaths++;
}

/* die_of: which earlier block dies with each birth, by its number; 0: none. gap: ids of other processes
 * between two of ours, at most. */
static void live_through(uint64_t (*die_of)(struct world *world, uint64_t number), unsigned gap)
{
    struct world world = {.ids = calloc(BLOCKS + 1, sizeof(uint64_t)), .random = gap + 1};
    uint64_t id = UINT64_C(5000000000);
    for (uint64_t number = 1; number <= BLOCKS; number++) {
        id += 1 + (gap != 0 ? next_random(&world.random) % gap : 0);
        world.ids[number] = id;
        struct tn_live_birth block = block_of(number);
        assert_int_equal(tn_live_blocks_add(&world.live, id, &block), 0);
        die(&world, die_of(&world, number));
        assert_int_equal(world.live.count, number - world.deaths);
        assert_true(world.live.page_count <= 2 + TN_LIVE_OLD_PAGES + world.live.count / TN_LIVE_FEW);
    }
    for (uint64_t i = 0; i < BLOCKS / 8; i++)
        die(&world, 1 + next_random(&world.random) % BLOCKS);
    uint64_t left = world.live.count;
    tn_live_blocks_each(&world.live, mark_seen, &world);
    assert_int_equal(world.deaths, BLOCKS);
    assert_true(left > 0 || gap == 0);
    tn_live_blocks_finish(&world.live);
    assert_int_equal(world.live.count, 0);
    free(world.ids);
}

static uint64_t at_once(struct world *world, uint64_t number)
{
    (void)world;
    return number;
}

static uint64_t at_random(struct world *world, uint64_t number)
{
    return 1 + next_random(&world->random) % number;
}

static uint64_t soon_but_few(struct world *world, uint64_t number)
{
    uint64_t age = next_random(&world->random) % 300;
    return number > age && (number - age) % 97 != 0 ? number - age : 0;
}

static void blocks_come_back_as_they_were(void **state)
{
    (void)state;
    static uint64_t (*const deaths[])(struct world *, uint64_t) = {at_once, at_random, soon_but_few};
    static const unsigned gaps[] = {0, 3, 500};
    for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
        for (size_t j = 0; j < sizeof(gaps) / sizeof(gaps[0]); j++)
            live_through(deaths[i], deaths[i] == at_once ? 0 : gaps[j]);
}

static void ids_must_rise(void **state)
{
    (void)state;
    struct tn_live_blocks live = {0};
    struct tn_live_birth block = block_of(1), found;
    assert_false(tn_live_blocks_take(&live, 1, &found));
    assert_int_equal(tn_live_blocks_add(&live, 700, &block), 0);
    assert_int_equal(tn_live_blocks_add(&live, 700, &block), -EINVAL);
    assert_int_equal(tn_live_blocks_add(&live, 699, &block), -EINVAL);
    assert_int_equal(tn_live_blocks_add(&live, 1, &block), -EINVAL);
    assert_int_equal(live.count, 1);
    assert_false(tn_live_blocks_take(&live, 701, &found));
    assert_false(tn_live_blocks_take(&live, 1, &found));
    assert_false(tn_live_blocks_take(&live, UINT64_MAX, &found));
    /* a damaged log may skip ids; that costs memory, but no time */
    block = block_of(2);
    assert_int_equal(tn_live_blocks_add(&live, UINT64_C(1) << 36, &block), 0);
    assert_true(tn_live_blocks_take(&live, 700, &found));
    check_block(&found, 1);
    assert_true(tn_live_blocks_take(&live, UINT64_C(1) << 36, &found));
    check_block(&found, 2);
    tn_live_blocks_finish(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back_as_they_were),
        cmocka_unit_test(ids_must_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
