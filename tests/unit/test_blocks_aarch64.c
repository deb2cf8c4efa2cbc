/* SPDX-License-Identifier: MIT */
/* What becomes of a block in functions of 64-bit Arm: whether its address is given back, where it is stored,
 * and which call can follow which. Asked of arm_blocks.c, on any machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arm_module.h"

static const struct {
    const char *function;
    enum tn_code_hand_back wanted;
} backs[] = {
    {"back_plain", TN_CODE_BACK_SOMETIMES},      {"back_signed", TN_CODE_BACK_SOMETIMES},
    {"back_spilled", TN_CODE_BACK_SOMETIMES},    {"back_by_frame", TN_CODE_BACK_NOT_KNOWN},
    {"back_from_frame", TN_CODE_BACK_SOMETIMES}, {"back_never", TN_CODE_BACK_NEVER},
    {"back_half", TN_CODE_BACK_NEVER},           {"back_tail", TN_CODE_BACK_SOMETIMES},
    {"back_other_tail", TN_CODE_BACK_NOT_KNOWN}, {"back_static", TN_CODE_BACK_SOMETIMES},
    {"back_selected", TN_CODE_BACK_SOMETIMES},   {"back_ends", TN_CODE_BACK_NEVER},
    {"back_traps", TN_CODE_BACK_NEVER},
};

static void results_are_handed_back(void **state)
{
    struct tn_code *code = *state;
    for (size_t i = 0; i < sizeof(backs) / sizeof(backs[0]); i++) {
        enum tn_code_hand_back found;
        assert_int_equal(tn_code_hands_back(code, arm_call_in(backs[i].function, 0), &found), 0);
        if (found != backs[i].wanted)
            fail_msg("%s: %d", backs[i].function, (int)found);
    }
}

/* Where the block that the first call gives is stored. */
static const struct {
    const char *function;
    enum tn_code_root root; /* UNKNOWN: nowhere */
    unsigned parameter;
    bool is_loaded;
    int64_t offset_bytes;
} stores[] = {
    {"store_parameter", TN_CODE_ROOT_PARAMETER, 0, false, 8},
    {"store_pair", TN_CODE_ROOT_PARAMETER, 1, false, 24},
    {"store_pre_index", TN_CODE_ROOT_PARAMETER, 0, false, 16},
    {"store_local", TN_CODE_ROOT_UNKNOWN, 0, false, 0},
    {"store_half", TN_CODE_ROOT_UNKNOWN, 0, false, 0},
    {"store_null", TN_CODE_ROOT_UNKNOWN, 0, false, 0},
    {"store_static", TN_CODE_ROOT_STATIC, 0, false, 0x8100},
    {"store_own_address", TN_CODE_ROOT_STATIC, 0, false, 0x8100},
    {"store_through_static", TN_CODE_ROOT_STATIC, 0, true, 0},
    {"store_import", TN_CODE_ROOT_STATIC, 0, false, 0},
    {"store_thread", TN_CODE_ROOT_STATIC, 0, false, 0},
    {"store_vector", TN_CODE_ROOT_PARAMETER, 0, false, 0},
    {"store_vector_pair", TN_CODE_ROOT_PARAMETER, 0, false, 8},
    {"store_vector_cleared", TN_CODE_ROOT_UNKNOWN, 0, false, 0},
    {"store_release", TN_CODE_ROOT_PARAMETER, 0, false, 0},
    {"store_swapped", TN_CODE_ROOT_PARAMETER, 0, false, 0},
    {"store_element", TN_CODE_ROOT_PARAMETER, 0, false, 0},
    {"store_callee", TN_CODE_ROOT_PARAMETER, 0, false, 24},
};

static void stores_are_found(void **state)
{
    static const struct tn_code_stores given = {.is_returned = true};
    struct tn_code *code = *state;
    for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
        struct tn_code_stores found;
        assert_int_equal(tn_code_block_stores(code, arm_call_in(stores[i].function, 0), &given, &found), 0);
        const struct tn_code_origin *origin = &found.items[0].origin;
        bool is_stored = stores[i].root != TN_CODE_ROOT_UNKNOWN;
        if (found.count != is_stored || found.is_returned)
            fail_msg("%s: %zu stores, returned %d", stores[i].function, found.count, found.is_returned);
        if (is_stored &&
            (origin->root != stores[i].root || origin->parameter != stores[i].parameter ||
             origin->is_loaded != stores[i].is_loaded || origin->offset_bytes != stores[i].offset_bytes))
            fail_msg("%s: root %d, parameter %u, loaded %d, offset %lld", stores[i].function,
                     (int)origin->root, origin->parameter, origin->is_loaded,
                     (long long)origin->offset_bytes);
    }
}

static bool follows(struct tn_code *code, const char *function, unsigned from, unsigned to)
{
    return tn_code_follows(code, arm_call_in(function, from), arm_call_in(function, to)) == 1;
}

static void calls_follow_calls(void **state)
{
    struct tn_code *code = *state;
    assert_true(tn_code_can_be_followed(code));
    assert_true(follows(code, "follow_straight", 0, 1));
    assert_false(follows(code, "follow_straight", 1, 0));
    assert_true(follows(code, "follow_loop", 1, 0));
    assert_int_equal(
        tn_code_reaches_jump(code, arm_call_in("follow_jump", 0), arm_function_at("follow_jump") + 16), 1);
    assert_int_equal(tn_code_reaches_jump(code, arm_call_in("follow_jump", 0), arm_function_at("link") + 4),
                     0);
}

/* What calls `helper`, and what ends in it: a near miss is the call of a stub. */
static void callers_are_listed(void **state)
{
    struct tn_code *code = *state;
    uint64_t calls[16];
    size_t count;
    assert_int_equal(tn_code_callers(code, arm_function_at("helper"), calls, 16, &count), 0);
    assert_int_equal(count, 10);
    assert_int_equal(calls[count - 1], arm_function_at("follow_jump") + 16);
    assert_int_equal(tn_code_callers(code, arm_function_at("link") + 4, calls, 16, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(calls[0], arm_function_at("store_callee") + 20);
}

static void jumps_to_other_modules_are_listed(void **state)
{
    struct tn_code_import_jump jumps[4];
    size_t count;
    tn_code_import_jumps(*state, arm_function_at("back_tail"), jumps, 4, &count);
    assert_int_equal(count, 1);
    assert_string_equal(jumps[0].symbol, "memcpy");
    assert_int_equal(jumps[0].size_bytes, 4);
    tn_code_import_jumps(*state, arm_function_at("follow_jump"), jumps, 4, &count);
    assert_int_equal(count, 0);
}

static int open_module(void **state)
{
    *state = arm_module_open();
    return 0;
}

static int close_module(void **state)
{
    tn_code_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_handed_back),
        cmocka_unit_test(stores_are_found),
        cmocka_unit_test(calls_follow_calls),
        cmocka_unit_test(callers_are_listed),
        cmocka_unit_test(jumps_to_other_modules_are_listed),
    };
    return cmocka_run_group_tests(tests, open_module, close_module);
}
