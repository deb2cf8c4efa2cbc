/* SPDX-License-Identifier: MIT */
/* Random traces on every policy: after each event the model is consistent, every byte is accounted for, and
 * the blocks, which the test keeps a list of for itself, overlap nowhere. The plain policies are compared
 * with allocators that walk an array of bytes. */
#include "tenure/heap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS     3000
#define LIVE_MAX   80
#define HEAP       24576
#define HEAP_PLAIN 4096

/* xorshift: the same numbers on every machine. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

struct block {
    uint32_t number;
    uint64_t offset, size;
};

struct world {
    struct tn_heap *heap;
    uint64_t pointer_bytes;
    struct block live[LIVE_MAX];
    size_t count;
    uint64_t seed;
    unsigned placed, failed, resized;
};

static const struct tn_heap_pool pools[] = {{16, 40}, {64, 30}, {256, 20}, {1024, 8}};

static struct tn_heap_options options_for(const struct tn_policy *policy, uint64_t pointer_bytes)
{
    struct tn_heap_options options;
    tn_heap_options_init(&options);
    options.heap_bytes = HEAP;
    options.pointer_bytes = pointer_bytes;
    options.mmap_bytes = 2000;
    options.regions = 3;
    if (tn_policy_needs_pools(policy)) {
        options.pools = pools;
        options.pool_count = sizeof(pools) / sizeof(pools[0]);
    }
    return options;
}

static int sum_extent(void *context, const struct tn_heap_extent *extent)
{
    uint64_t *sums = context;
    sums[extent->kind] += extent->size_bytes;
    sums[3] += extent->asked_bytes;
    return 0;
}

static void check_world(const struct world *world)
{
    struct tn_error error = {0};
    if (tn_heap_check(world->heap, &error) < 0)
        fail_msg("%s", error.text);
    struct tn_heap_state state;
    tn_heap_state(world->heap, &state);
    uint64_t sums[4] = {0}, asked = 0, mapped = 0;
    tn_heap_walk(world->heap, sum_extent, sums);
    assert_int_equal(sums[TN_HEAP_FREE], state.free_bytes);
    assert_int_equal(sums[TN_HEAP_USED], state.used_bytes);
    assert_int_equal(sums[TN_HEAP_FIXED], state.fixed_bytes);
    assert_int_equal(state.free_bytes + state.used_bytes + state.fixed_bytes, state.heap_bytes);
    for (size_t i = 0; i < world->count; i++) {
        asked += world->live[i].size;
        if (world->live[i].offset == UINT64_MAX)
            mapped += world->live[i].size;
    }
    assert_int_equal(state.live_bytes, asked);
    assert_int_equal(state.live_count, world->count);
    assert_int_equal(sums[3], asked - mapped);
    assert_true(state.hole_bytes <= state.free_bytes && state.high_water_bytes <= state.heap_bytes);
}

/* The new block touches no other. */
static void check_block(const struct world *world, const struct block *block, uint64_t alignment)
{
    if (block->offset == UINT64_MAX)
        return;
    assert_true(block->offset + block->size <= HEAP);
    if (alignment > 0)
        assert_int_equal(block->offset % alignment, 0);
    for (size_t i = 0; i < world->count; i++) {
        const struct block *other = &world->live[i];
        if (other->number == block->number || other->offset == UINT64_MAX)
            continue;
        assert_true(other->offset + other->size <= block->offset ||
                    block->offset + block->size <= other->offset);
    }
}

static uint64_t random_size(struct world *world)
{
    uint64_t kind = next_random(&world->seed) % 10, value = next_random(&world->seed);
    return kind < 6 ? value % 65 : kind < 9 ? value % 500 : value % 3000;
}

static void place(struct world *world)
{
    uint64_t size = random_size(world), alignment = 0;
    if (next_random(&world->seed) % 8 == 0)
        alignment = UINT64_C(1) << next_random(&world->seed) % 8;
    struct block block = {.size = size};
    int r = tn_heap_place(world->heap, size, alignment, 1, &block.number);
    assert_true(r == 0 || r == -ENOSPC || (r == -EINVAL && size == 0));
    world->failed += r == -ENOSPC;
    if (r < 0)
        return;
    world->placed++;
    block.offset = tn_heap_offset(world->heap, block.number);
    check_block(world, &block, alignment);
    world->live[world->count++] = block;
}

static void resize(struct world *world, size_t index)
{
    struct block *block = &world->live[index];
    uint64_t size = random_size(world);
    uint32_t moved = 0;
    int r = tn_heap_resize(world->heap, block->number, size, &moved);
    assert_true(r == 0 || r == -ENOSPC || (r == -EINVAL && size == 0));
    if (r < 0)
        return;
    world->resized++;
    *block = (struct block){.number = moved, .size = size, .offset = tn_heap_offset(world->heap, moved)};
    check_block(world, block, 0);
}

static void step(struct world *world)
{
    uint64_t dice = next_random(&world->seed) % 100;
    size_t index = world->count > 0 ? next_random(&world->seed) % world->count : 0;
    if (world->count < LIVE_MAX && (world->count == 0 || dice < 50)) {
        place(world);
    } else if (dice < 60) {
        resize(world, index);
    } else {
        tn_heap_release(world->heap, world->live[index].number);
        world->live[index] = world->live[--world->count];
    }
}

static void run_policy(const struct tn_policy *policy, uint64_t pointer_bytes, uint64_t seed)
{
    struct world world = {.pointer_bytes = pointer_bytes, .seed = seed};
    struct tn_heap_options options = options_for(policy, pointer_bytes);
    struct tn_error error = {0};
    if (tn_heap_open(policy, &options, &world.heap, &error) < 0)
        fail_msg("%s", error.text);
    for (unsigned i = 0; i < EVENTS; i++) {
        step(&world);
        check_world(&world);
    }
    while (world.count > 0) {
        tn_heap_release(world.heap, world.live[--world.count].number);
        check_world(&world);
    }
    print_message("%-16s %d bits: %u placed, %u resized, %u failed\n", tn_policy_name(policy),
                  (int)pointer_bytes * 8, world.placed, world.resized, world.failed);
    assert_true(world.placed > 50 && world.failed > 10);
    tn_heap_close(world.heap);
}

static void every_policy_stays_consistent(void **state)
{
    (void)state;
    size_t count = 0;
    for (; tn_policy_at(count) != NULL; count++) {
        run_policy(tn_policy_at(count), 4, 88172645463325252u + count);
        run_policy(tn_policy_at(count), 8, 362436069362436069u + count);
    }
    assert_int_equal(count, 19);
}

#define PARTS_MAX 1024

static void open_in_parts(const char *name, const struct tn_heap_pool *parts, size_t count)
{
    struct tn_heap_options options;
    struct tn_heap *heap = NULL;
    struct tn_error error = {0};
    uint32_t block = 0;
    tn_heap_options_init(&options);
    options.regions = count;
    options.pools = parts;
    options.pool_count = count;
    if (tn_heap_open(tn_policy_find(name), &options, &heap, &error) < 0)
        fail_msg("%s of %zu parts: %s", name, count, error.text);
    assert_int_equal(tn_heap_place(heap, 8, 0, 0, &block), 0);
    tn_heap_release(heap, block);
    tn_heap_close(heap);
}

/* A policy that cuts its region into many parts when it opens needs room for all of them at once. */
static void many_parts_have_room(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, PARTS_MAX - 1, PARTS_MAX};
    struct tn_heap_pool parts[PARTS_MAX];
    for (size_t i = 0; i < PARTS_MAX; i++)
        parts[i] = (struct tn_heap_pool){.block_bytes = 8 * (i + 1), .count = 2};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        open_in_parts("freertos-heap5", parts, counts[i]);
        open_in_parts("pools", parts, counts[i]);
        open_in_parts("pools-spill", parts, counts[i]);
    }
}

static void assert_refused(const char *name, uint64_t pointer_bytes, uint64_t heap_bytes,
                           const char *expected)
{
    struct tn_heap_options options;
    struct tn_heap *heap = NULL;
    struct tn_error error = {0};
    tn_heap_options_init(&options);
    options.pointer_bytes = pointer_bytes;
    options.heap_bytes = heap_bytes;
    assert_int_equal(tn_heap_open(tn_policy_find(name), &options, &heap, &error), -EINVAL);
    assert_null(heap);
    assert_string_equal(error.text, expected);
}

static void options_that_contradict_are_told(void **state)
{
    (void)state;
    assert_refused("first-fit", 5, 4096, "a pointer of 5 bytes: there are 4 and 8");
    assert_refused("first-fit", 8, TN_HEAP_UNLIMITED + 1,
                   "a heap of 70368744177665 bytes is larger than can be modelled");
    assert_refused("pools", 8, 4096, "pools needs to know its pools");
}

static void pools_have_a_limit(void **state)
{
    (void)state;
    const struct tn_heap_pool most = {.block_bytes = TN_HEAP_UNLIMITED / 2, .count = 3};
    struct tn_heap_options options;
    struct tn_heap *heap = NULL;
    struct tn_error error = {0};
    tn_heap_options_init(&options);
    options.pools = &most;
    options.pool_count = 1;
    assert_int_equal(tn_heap_open(tn_policy_find("pools"), &options, &heap, &error), -EINVAL);
    assert_string_equal(error.text, "the pools are larger than can be modelled");
}

/* When a heap has grown, it is as consistent as before, and the block fits in the end. */
static void every_policy_grows(void **state)
{
    (void)state;
    for (size_t i = 0; tn_policy_at(i) != NULL; i++) {
        struct tn_heap_options options = options_for(tn_policy_at(i), 8);
        options.heap_bytes = 20000;
        options.mmap_bytes = 0;
        struct tn_heap *heap = NULL;
        struct tn_error error = {0};
        assert_int_equal(tn_heap_open(tn_policy_at(i), &options, &heap, &error), 0);
        uint64_t more = 0;
        for (unsigned placed = 0, tries = 0; placed < 100; tries++) {
            assert_true(tries < 1000);
            uint32_t block = 0;
            int r = tn_heap_place(heap, 1000, 0, 1, &block);
            assert_true(r == 0 || r == -ENOSPC);
            more = r == 0 ? 0 : more == 0 ? tn_heap_need(heap, 1000) : more * 2;
            if (r < 0)
                assert_int_equal(tn_heap_grow(heap, more), 0);
            placed += r == 0;
            if (tn_heap_check(heap, &error) < 0)
                fail_msg("%s", error.text);
            if (placed % 3 == 0 && r == 0)
                tn_heap_release(heap, block);
        }
        tn_heap_close(heap);
    }
}

/* The plain policies once more: a byte of the heap is a byte of an array. */
struct naive {
    unsigned char used[HEAP_PLAIN];
    size_t rover;
};

static size_t hole_at(const struct naive *naive, size_t offset)
{
    size_t end = offset;
    while (end < HEAP_PLAIN && naive->used[end] == 0)
        end++;
    return end - offset;
}

/* The hole that a policy takes: its offset, or HEAP_PLAIN. */
static size_t naive_find(const struct naive *naive, const char *policy, size_t size)
{
    size_t best = HEAP_PLAIN, best_hole = 0, wrapped = HEAP_PLAIN;
    for (size_t offset = 0; offset < HEAP_PLAIN;) {
        size_t hole = hole_at(naive, offset);
        bool is_better = best == HEAP_PLAIN || (strcmp(policy, "best-fit") == 0 && hole < best_hole) ||
                         (strcmp(policy, "worst-fit") == 0 && hole > best_hole);
        if (hole >= size && strcmp(policy, "next-fit") == 0 && offset < naive->rover) {
            if (wrapped == HEAP_PLAIN)
                wrapped = offset;
        } else if (hole >= size && is_better) {
            best = offset;
            best_hole = hole;
        }
        offset += hole > 0 ? hole : 1;
    }
    return best != HEAP_PLAIN ? best : wrapped;
}

static void compare_with_naive(const char *name)
{
    struct tn_heap_options options;
    tn_heap_options_init(&options);
    options.heap_bytes = HEAP_PLAIN;
    struct world world = {.seed = 1234567891011};
    struct naive naive = {0};
    struct tn_error error;
    assert_int_equal(tn_heap_open(tn_policy_find(name), &options, &world.heap, &error), 0);
    for (unsigned i = 0; i < EVENTS; i++) {
        if (world.count < LIVE_MAX && next_random(&world.seed) % 100 < 55) {
            struct block block = {.size = 1 + random_size(&world) % 200};
            size_t expected = naive_find(&naive, name, block.size);
            int r = tn_heap_place(world.heap, block.size, 0, 0, &block.number);
            assert_int_equal(r, expected == HEAP_PLAIN ? -ENOSPC : 0);
            world.failed += r < 0;
            if (r < 0)
                continue;
            block.offset = tn_heap_offset(world.heap, block.number);
            assert_int_equal(block.offset, expected);
            memset(naive.used + expected, 1, block.size);
            naive.rover = expected + block.size;
            world.live[world.count++] = block;
        } else if (world.count > 0) {
            struct block *block = &world.live[next_random(&world.seed) % world.count];
            memset(naive.used + block->offset, 0, block->size);
            tn_heap_release(world.heap, block->number);
            *block = world.live[--world.count];
        }
    }
    assert_true(world.failed > 10);
    tn_heap_close(world.heap);
}

static void plain_policies_choose_as_defined(void **state)
{
    (void)state;
    compare_with_naive("first-fit");
    compare_with_naive("best-fit");
    compare_with_naive("next-fit");
    compare_with_naive("worst-fit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_stays_consistent),
        cmocka_unit_test(every_policy_grows),
        cmocka_unit_test(many_parts_have_room),
        cmocka_unit_test(options_that_contradict_are_told),
        cmocka_unit_test(pools_have_a_limit),
        cmocka_unit_test(plain_policies_choose_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
