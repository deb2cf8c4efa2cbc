/* SPDX-License-Identifier: MIT */
/* The index of free extents by address against a walk over the whole chain: heaps that grow from bytes to
 * terabytes, and heaps whose holes lie in one small part of them. After each step it is consistent. */
#include "extent_tree.h"
#include "hole_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define STEPS 6000

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* The lowest hole that fits, by walking. */
static uint32_t walk(const struct tn_space *space, uint64_t offset, uint64_t size)
{
    for (uint32_t number = space->first; number != 0; number = tn_extent(space, number)->after) {
        const struct tn_extent *extent = tn_extent(space, number);
        if (extent->kind == TN_EXTENT_FREE && extent->offset >= offset && extent->size >= size)
            return number;
    }
    return 0;
}

static void place(struct tn_tree *tree, struct tn_space *space, uint32_t hole, uint64_t size)
{
    assert_int_equal(tn_space_reserve(space, 4), 0);
    uint32_t block = hole;
    if (tn_extent(space, hole)->size > size) {
        block = tn_space_cut_low(space, hole, size);
        tn_hole_index_update(space, hole);
    } else {
        tn_tree_remove(tree, space, hole);
    }
    tn_space_use(space, block, size, 0);
}

/* Release a block, and join it with a hole behind it. */
static void release(struct tn_tree *tree, struct tn_space *space, uint32_t block)
{
    tn_space_free(space, block);
    uint32_t after = tn_extent(space, block)->after;
    if (tn_extent_is_free(space, after)) {
        tn_space_join(space, after, block);
        tn_hole_index_update(space, after);
    } else {
        tn_tree_insert(tree, space, block);
    }
}

static uint32_t random_block(const struct tn_space *space, uint64_t *seed)
{
    uint32_t number = 1 + (uint32_t)(next_random(seed) % (space->count - 1));
    return tn_extent(space, number)->kind == TN_EXTENT_USED ? number : 0;
}

static void compare(struct tn_space *space, uint64_t *seed, uint64_t size)
{
    uint64_t offset = next_random(seed) % (space->high_water + 2);
    assert_int_equal(tn_hole_index_fit(space, 0, size), walk(space, 0, size));
    assert_int_equal(tn_hole_index_fit(space, offset, size), walk(space, offset, size));
    assert_int_equal(tn_hole_index_fit(space, space->size, 1), 0);
}

/* Sizes of up to 2^bits bytes in the first steps, and of up to 2^later_bits in the others. */
static void run(unsigned bits, unsigned later_bits)
{
    struct tn_space space;
    struct tn_tree tree = {.order = TN_TREE_BY_ADDRESS};
    uint64_t seed = 88172645463325252u + bits * 64 + later_bits;
    assert_int_equal(tn_space_open(&space, UINT64_C(1) << 62), 0);
    assert_int_equal(tn_hole_index_open(&space), 0);
    tn_tree_insert(&tree, &space, space.first);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned wide = step < STEPS / 4 ? bits : later_bits;
        uint64_t size = 1 + next_random(&seed) % (UINT64_C(1) << (next_random(&seed) % wide + 1));
        uint32_t block = next_random(&seed) % 5 < 2 ? random_block(&space, &seed) : 0;
        compare(&space, &seed, size);
        if (block != 0)
            release(&tree, &space, block);
        else
            place(&tree, &space, tn_hole_index_fit(&space, 0, size), size);
        if (step % 16 == 0)
            assert_null(tn_tree_check(&tree, &space));
    }
    assert_null(tn_tree_check(&tree, &space));
    assert_null(tn_space_check(&space));
    assert_true(tree.count > 8);
    tn_hole_index_close(&space);
    tn_space_close(&space);
}

static void finds_what_a_walk_finds(void **state)
{
    (void)state;
    run(3, 3);
    run(8, 8);
    run(8, 40);
    run(40, 8);
    run(40, 3);
}

/* Holes that lie close together in a heap of large blocks get slices of their own. */
static void slices_become_smaller(void **state)
{
    (void)state;
    struct tn_space space;
    struct tn_tree tree = {.order = TN_TREE_BY_ADDRESS};
    assert_int_equal(tn_space_open(&space, UINT64_C(1) << 62), 0);
    assert_int_equal(tn_hole_index_open(&space), 0);
    tn_tree_insert(&tree, &space, space.first);
    place(&tree, &space, space.first, UINT64_C(1) << 30);
    for (unsigned i = 0; i < STEPS; i++)
        place(&tree, &space, tn_hole_index_fit(&space, 0, 8), 8);
    unsigned shift = space.holes.shift;
    for (uint32_t number = 1; number < space.count; number += 2)
        if (tn_extent(&space, number)->kind == TN_EXTENT_USED && tn_extent(&space, number)->size == 8)
            release(&tree, &space, number);
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t hole = tn_hole_index_fit(&space, 0, 8);
        assert_int_equal(hole, walk(&space, 0, 8));
        place(&tree, &space, hole, 8);
        release(&tree, &space, hole);
    }
    assert_true(shift > 10);
    assert_true(space.holes.shift < shift);
    assert_null(tn_tree_check(&tree, &space));
    tn_hole_index_close(&space);
    tn_space_close(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_walk_finds),
        cmocka_unit_test(slices_become_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
