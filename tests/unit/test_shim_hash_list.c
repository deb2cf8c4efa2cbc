/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hash_list.h"

static uint64_t key_of(uint32_t id)
{
    return (uint64_t)id * UINT64_C(0xd1342543de82ef95) | 1;
}

static void an_empty_list_knows_nothing(void **state)
{
    (void)state;
    struct tn_hash_list list = {NULL};
    assert_false(tn_hash_list_is(&list, 0, 1));
    assert_false(tn_hash_list_is(&list, UINT32_MAX, 1));
    tn_hash_list_forget(&list);
}

static void the_list_grows_and_keeps_all(void **state)
{
    (void)state;
    struct tn_hash_list list = {NULL};
    for (uint32_t id = 1; id <= 20000; id++)
        tn_hash_list_put(&list, id, key_of(id));
    for (uint32_t id = 1; id <= 20000; id++) {
        assert_true(tn_hash_list_is(&list, id, key_of(id)));
        assert_false(tn_hash_list_is(&list, id, key_of(id) + 2));
        assert_false(tn_hash_list_is(&list, id + 1, key_of(id)));
    }
    assert_false(tn_hash_list_is(&list, 20001, key_of(20001)));
}

/* Two ids share a place: what the later one has put there is no answer for the earlier one, nor before it is
 * given out what the earlier one has. */
static void ids_that_share_a_place_are_told_apart(void **state)
{
    (void)state;
    struct tn_hash_list list = {NULL};
    const uint32_t early = 5, late = early + TN_HASH_LIST_MAX;
    tn_hash_list_put(&list, early, 77);
    assert_true(tn_hash_list_is(&list, early, 77));
    assert_false(tn_hash_list_is(&list, late, 77));
    tn_hash_list_put(&list, late, 88);
    assert_true(tn_hash_list_is(&list, late, 88));
    assert_false(tn_hash_list_is(&list, early, 88));
    assert_false(tn_hash_list_is(&list, early, 77));
}

static void the_largest_ids_have_a_place(void **state)
{
    (void)state;
    struct tn_hash_list list = {NULL};
    tn_hash_list_put(&list, UINT32_MAX, 9);
    tn_hash_list_put(&list, TN_HASH_LIST_MAX, 10);
    assert_true(tn_hash_list_is(&list, UINT32_MAX, 9));
    assert_true(tn_hash_list_is(&list, TN_HASH_LIST_MAX, 10));
}

static void forgotten_hashes_can_be_put_again(void **state)
{
    (void)state;
    struct tn_hash_list list = {NULL};
    tn_hash_list_put(&list, 3, 30);
    tn_hash_list_forget(&list);
    assert_false(tn_hash_list_is(&list, 3, 30));
    tn_hash_list_put(&list, 3, 31);
    assert_true(tn_hash_list_is(&list, 3, 31));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_knows_nothing),
        cmocka_unit_test(the_list_grows_and_keeps_all),
        cmocka_unit_test(ids_that_share_a_place_are_told_apart),
        cmocka_unit_test(the_largest_ids_have_a_place),
        cmocka_unit_test(forgotten_hashes_can_be_put_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
