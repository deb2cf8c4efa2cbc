/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/worker.h"

#include <errno.h>

#define ITEMS UINT64_C(50000)

struct seen {
    uint64_t count, fail_at; /* fail_at: 0: never */
    int is_disordered;
};

static int see(void *context, const void *items, size_t count)
{
    struct seen *seen = context;
    const uint64_t *numbers = items;
    for (size_t i = 0; i < count; i++) {
        seen->is_disordered |= numbers[i] != seen->count + 1;
        seen->count++;
        if (seen->count == seen->fail_at)
            return -ENOMEM;
    }
    return 0;
}

static void add(struct tn_worker *worker, uint64_t from, uint64_t to)
{
    for (uint64_t number = from; number <= to; number++)
        *(uint64_t *)tn_worker_add(worker) = number;
}

static void all_items_come_in_order(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct tn_worker *worker;
    assert_int_equal(tn_worker_open(sizeof(uint64_t), see, &seen, &worker), 0);
    assert_int_equal(tn_worker_wait(worker), 0);
    assert_int_equal(seen.count, 0);
    add(worker, 1, ITEMS);
    assert_int_equal(tn_worker_wait(worker), 0);
    assert_int_equal(seen.count, ITEMS);
    add(worker, ITEMS + 1, ITEMS + 3);
    assert_int_equal(tn_worker_wait(worker), 0);
    assert_int_equal(seen.count, ITEMS + 3);
    assert_false(seen.is_disordered);
    tn_worker_close(worker);
}

static void nothing_is_done_after_a_failure(void **state)
{
    (void)state;
    struct seen seen = {.fail_at = 10000};
    struct tn_worker *worker;
    assert_int_equal(tn_worker_open(sizeof(uint64_t), see, &seen, &worker), 0);
    add(worker, 1, ITEMS);
    assert_int_equal(tn_worker_wait(worker), -ENOMEM);
    assert_int_equal(seen.count, 10000);
    add(worker, 1, ITEMS);
    assert_int_equal(tn_worker_wait(worker), -ENOMEM);
    assert_int_equal(seen.count, 10000);
    tn_worker_close(worker);
}

static void it_can_be_closed_at_any_time(void **state)
{
    (void)state;
    for (uint64_t count = 0; count < ITEMS; count += 4095) {
        struct seen seen = {0};
        struct tn_worker *worker;
        assert_int_equal(tn_worker_open(sizeof(uint64_t), see, &seen, &worker), 0);
        add(worker, 1, count);
        tn_worker_close(worker);
        assert_true(seen.count <= count);
        assert_false(seen.is_disordered);
    }
    tn_worker_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_items_come_in_order),
        cmocka_unit_test(nothing_is_done_after_a_failure),
        cmocka_unit_test(it_can_be_closed_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
