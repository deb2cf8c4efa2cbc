/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule_table.h"

#include <pthread.h>

#define ADDRESS_LIMIT (UINT64_C(1) << TN_ARCH_CODE_ADDRESS_BITS)

/* Return addresses lie close together and are never 0. */
static uintptr_t pc_of(uint64_t i)
{
    return (uintptr_t)(UINT64_C(0x555555554000) + i * 5 * TN_CODE_UNIT_BYTES);
}

/* One that fits into a word beside its address. */
static uint64_t rule_of(uint64_t i)
{
    uint64_t cfa_units = i % 1024, fp_units = i % 16;
    if (TN_ARCH_RECORD_IS_LOW)
        fp_units = cfa_units - (fp_units < cfa_units ? fp_units : cfa_units);
    return tn_rule_pack(i % 2 == 0 ? TN_RULE_SP : TN_RULE_FP, (int32_t)(cfa_units * TN_ARCH_FRAME_UNIT_BYTES),
                        (uint32_t)(fp_units * TN_RULE_UNITS_OF_8));
}

static void unknown_addresses_have_no_rule(void **state)
{
    (void)state;
    struct tn_rule_table table = {NULL, {NULL}};
    assert_int_equal(tn_rules_open(&table), 0);
    assert_int_equal(tn_rules_find(&table, pc_of(0)), TN_RULE_UNKNOWN);
    assert_int_equal(tn_rules_find_any(&table, pc_of(0)), TN_RULE_UNKNOWN);
    assert_int_equal(tn_rules_find_any(&table, ADDRESS_LIMIT + 1), TN_RULE_UNKNOWN);
    assert_int_equal(tn_rules_count(&table), 0);
}

static void table_grows_and_keeps_all(void **state)
{
    (void)state;
    struct tn_rule_table table = {NULL, {NULL}};
    assert_int_equal(tn_rules_open(&table), 0);
    for (uint64_t i = 0; i < 30000; i++)
        assert_int_equal(tn_rules_put(&table, pc_of(i), rule_of(i)), 0);
    assert_int_equal(tn_rules_count(&table), 30000);
    for (uint64_t i = 0; i < 30000; i++)
        assert_int_equal(tn_rules_find(&table, pc_of(i)), rule_of(i));
    assert_int_equal(tn_rules_find(&table, pc_of(30000)), TN_RULE_UNKNOWN);
}

/* Whatever a rule says, the same comes back. */
static void each_rule_comes_back(void **state)
{
    (void)state;
    static const int64_t offsets[] = {0,     8,     16, 496, 512,       8184,     8192,
                                      16368, 16384, 7,  -8,  INT32_MAX, INT32_MIN};
    static const uint32_t fp_units[] = {0, 1, 2, 15, 16, 62, 64, 1023, 1024, 2046, TN_RULE_FP_UNITS_MAX};
    static const enum tn_rule_kind kinds[] = {TN_RULE_SP,     TN_RULE_FP,  TN_RULE_CHAIN,
                                              TN_RULE_SIGNAL, TN_RULE_END, TN_RULE_COMPLEX};
    struct tn_rule_table table = {NULL, {NULL}};
    assert_int_equal(tn_rules_open(&table), 0);
    uintptr_t pc = pc_of(0);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++)
            for (size_t f = 0; f < sizeof(fp_units) / sizeof(fp_units[0]); f++) {
                uint64_t rule = tn_rule_pack(kinds[k], (int32_t)offsets[o], fp_units[f]);
                assert_int_equal(tn_rules_put(&table, pc += TN_CODE_UNIT_BYTES, rule), 0);
                assert_int_equal(tn_rules_find_any(&table, pc), rule);
                uint64_t quick = tn_rules_find(&table, pc);
                assert_true(quick == rule || tn_rule_kind_of(quick) == TN_RULE_WIDE);
            }
}

static void addresses_of_all_bits_are_told_apart(void **state)
{
    (void)state;
    struct tn_rule_table table = {NULL, {NULL}};
    assert_int_equal(tn_rules_open(&table), 0);
    const uintptr_t near = ADDRESS_LIMIT - TN_CODE_UNIT_BYTES, far = near | ADDRESS_LIMIT,
                    furthest = UINTPTR_MAX;
    assert_int_equal(tn_rules_put(&table, near, rule_of(1)), 0);
    assert_int_equal(tn_rules_find_any(&table, far), TN_RULE_UNKNOWN);
    assert_int_equal(tn_rules_put(&table, far, rule_of(2)), 0);
    assert_int_equal(tn_rules_put(&table, furthest, rule_of(3)), 0);
    assert_int_equal(tn_rules_find_any(&table, near), rule_of(1));
    assert_int_equal(tn_rules_find_any(&table, far), rule_of(2));
    assert_int_equal(tn_rules_find_any(&table, furthest), rule_of(3));
    assert_int_equal(tn_rules_find(&table, far), TN_RULE_UNKNOWN);
}

/* Below a foreign frame that has no unwind information an address may be anything. */
static void addresses_inside_an_instruction_are_their_own(void **state)
{
    (void)state;
    struct tn_rule_table table = {NULL, {NULL}};
    assert_int_equal(tn_rules_open(&table), 0);
    assert_int_equal(tn_rules_put(&table, pc_of(0), rule_of(1)), 0);
    assert_int_equal(tn_rules_find_any(&table, pc_of(0) + 1), TN_RULE_UNKNOWN);
    assert_int_equal(tn_rules_put(&table, pc_of(0) + 1, rule_of(2)), 0);
    assert_int_equal(tn_rules_find_any(&table, pc_of(0)), rule_of(1));
    assert_int_equal(tn_rules_find_any(&table, pc_of(0) + 1), rule_of(2));
}

static void put_replaces(void **state)
{
    (void)state;
    struct tn_rule_table table = {NULL, {NULL}};
    const uint64_t wide = tn_rule_pack(TN_RULE_SP, 1 << 20, 2);
    assert_int_equal(tn_rules_open(&table), 0);
    assert_int_equal(tn_rules_put(&table, pc_of(0), rule_of(1)), 0);
    assert_int_equal(tn_rules_put(&table, pc_of(0), wide), 0);
    assert_int_equal(tn_rules_find_any(&table, pc_of(0)), wide);
    assert_int_equal(tn_rules_put(&table, pc_of(0), rule_of(2)), 0);
    assert_int_equal(tn_rules_find_any(&table, pc_of(0)), rule_of(2));
    assert_int_equal(tn_rules_count(&table), 1);
}

static void forgotten_rules_are_unknown_and_can_be_learned_again(void **state)
{
    (void)state;
    struct tn_rule_table table = {NULL, {NULL}};
    const uint64_t wide = tn_rule_pack(TN_RULE_FP, -16, 2);
    assert_int_equal(tn_rules_open(&table), 0);
    for (uint64_t i = 0; i < 3000; i++)
        assert_int_equal(tn_rules_put(&table, pc_of(i), i % 100 != 0 ? rule_of(i) : wide), 0);
    tn_rules_forget(&table);
    for (uint64_t i = 0; i < 3000; i++)
        assert_int_equal(tn_rules_find_any(&table, pc_of(i)), TN_RULE_UNKNOWN);
    /* Beyond what fits: what was forgotten is not carried over. */
    for (uint64_t i = 3000; i < 6000; i++)
        assert_int_equal(tn_rules_put(&table, pc_of(i), rule_of(i)), 0);
    assert_int_equal(tn_rules_find_any(&table, pc_of(1)), TN_RULE_UNKNOWN);
    assert_int_equal(tn_rules_put(&table, pc_of(1), rule_of(7)), 0);
    assert_int_equal(tn_rules_find_any(&table, pc_of(1)), rule_of(7));
    assert_int_equal(tn_rules_find_any(&table, pc_of(4000)), rule_of(4000));
}

static void *read_while_growing(void *argument)
{
    struct tn_rule_table *table = argument;
    uint64_t seen = 0;
    /* Until the writer's last rule can be seen; a rule is either not there yet, or right. */
    while (seen < 40000) {
        uint64_t rule = tn_rules_find(table, pc_of(seen));
        if (rule == rule_of(seen))
            seen++;
        else if (rule != TN_RULE_UNKNOWN)
            return argument;
    }
    return NULL;
}

static void readers_see_whole_rules_while_it_grows(void **state)
{
    (void)state;
    struct tn_rule_table table = {NULL, {NULL}};
    pthread_t reader;
    void *result;
    assert_int_equal(tn_rules_open(&table), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_while_growing, &table), 0);
    for (uint64_t i = 0; i < 40000; i++)
        assert_int_equal(tn_rules_put(&table, pc_of(i), rule_of(i)), 0);
    assert_int_equal(pthread_join(reader, &result), 0);
    assert_null(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_addresses_have_no_rule),
        cmocka_unit_test(table_grows_and_keeps_all),
        cmocka_unit_test(each_rule_comes_back),
        cmocka_unit_test(addresses_of_all_bits_are_told_apart),
        cmocka_unit_test(addresses_inside_an_instruction_are_their_own),
        cmocka_unit_test(put_replaces),
        cmocka_unit_test(forgotten_rules_are_unknown_and_can_be_learned_again),
        cmocka_unit_test(readers_see_whole_rules_while_it_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
