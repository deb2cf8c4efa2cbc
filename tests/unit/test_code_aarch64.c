/* SPDX-License-Identifier: MIT */
/* Words of 64-bit Arm: where each one goes on; and where the size of a block comes from, in functions of
 * arm_sizes.c. On any machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arm_module.h"

#include "decode.h"

#include <errno.h>
#include <string.h>

/* A word, as the assembler of binutils encodes it. */
struct word {
    const char *text;
    uint32_t word;
    enum tn_instruction_flow flow;
    int64_t displacement;
};

static const struct word words[] = {
    {"bl .", 0x94000000, TN_FLOW_CALL, -4},
    {"bl .+8", 0x94000002, TN_FLOW_CALL, 4},
    {"bl .-4", 0x97ffffff, TN_FLOW_CALL, -8},
    {"blr x3", 0xd63f0060, TN_FLOW_CALL, 0},
    {"blraaz x3", 0xd63f087f, TN_FLOW_CALL, 0},
    {"blraa x3, x4", 0xd73f0864, TN_FLOW_CALL, 0},
    {"b .-8", 0x17fffffe, TN_FLOW_JUMP, -12},
    {"br x17", 0xd61f0220, TN_FLOW_INDIRECT, 0},
    {"braa x1, x2", 0xd71f0822, TN_FLOW_INDIRECT, 0},
    {"b.eq .+16", 0x54000080, TN_FLOW_BRANCH, 12},
    {"cbz w0, .+8", 0x34000040, TN_FLOW_BRANCH, 4},
    {"cbnz x0, .-4", 0xb5ffffe0, TN_FLOW_BRANCH, -8},
    {"tbz w0, #3, .+8", 0x36180040, TN_FLOW_BRANCH, 4},
    {"tbnz x0, #40, .-4", 0xb747ffe0, TN_FLOW_BRANCH, -8},
    {"ret", 0xd65f03c0, TN_FLOW_RETURN, 0},
    {"retaa", 0xd65f0bff, TN_FLOW_RETURN, 0},
    {"brk #1000", 0xd4207d00, TN_FLOW_STOP, 0},
    {"udf #0", 0x00000000, TN_FLOW_STOP, 0},
    {"svc #0", 0xd4000001, TN_FLOW_NEXT, 0},
    {"bti c", 0xd503245f, TN_FLOW_NEXT, 0},
    {"paciasp", 0xd503233f, TN_FLOW_NEXT, 0},
    {"autiasp", 0xd50323bf, TN_FLOW_NEXT, 0},
    {"nop", 0xd503201f, TN_FLOW_NEXT, 0},
    {"mrs x0, tpidr_el0", 0xd53bd040, TN_FLOW_NEXT, 0},
    {"ldr x0, .+8", 0x58000040, TN_FLOW_NEXT, 0},
    {"adrp x0, .", 0x90000000, TN_FLOW_NEXT, 0},
    {"ccmp x0, #0, #0, eq", 0xfa400800, TN_FLOW_NEXT, 0},
    {"cntd x0", 0x04e0e3e0, TN_FLOW_NEXT, 0},
    {"fcvtzs w0, d0", 0x1e780000, TN_FLOW_NEXT, 0},
};

static int decode(uint32_t word, struct tn_instruction *ret_instruction)
{
    uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16), (uint8_t)(word >> 24)};
    return tn_decode_aarch64(bytes, sizeof(bytes), ret_instruction);
}

static void words_go_on_where_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct tn_instruction instruction;
        assert_int_equal(decode(words[i].word, &instruction), 0);
        if (instruction.flow != words[i].flow || instruction.displacement != words[i].displacement)
            fail_msg("%s: flow %d, displacement %lld", words[i].text, (int)instruction.flow,
                     (long long)instruction.displacement);
        assert_int_equal(instruction.size_bytes, 4);
        assert_int_equal(instruction.is_direct, words[i].word >> 26 == 0x25);
    }
}

static void what_is_no_instruction_is_refused(void **state)
{
    struct tn_instruction instruction;
    (void)state;
    assert_int_equal(tn_decode_aarch64((const uint8_t *)"\xc0\x03\x5f", 3, &instruction), -EINVAL);
    assert_int_equal(decode(0x02345678, &instruction), -EINVAL);
    assert_int_equal(decode(0x06345678, &instruction), -EINVAL);
}

/* Which general registers, and what memory, a word is about. */
static void operands_are_told(void **state)
{
    struct tn_instruction instruction;
    const struct tn_operands_aarch64 *operands = &instruction.operands.aarch64;
    (void)state;
    assert_int_equal(decode(0xa9bf7bfd, &instruction), 0); /* stp x29, x30, [sp, #-16]! */
    assert_int_equal(operands->operation, TN_A64_STORE);
    assert_int_equal(operands->rd, 29);
    assert_int_equal(operands->ra, 30);
    assert_int_equal(operands->rn, TN_A64_SP);
    assert_int_equal(operands->mode, TN_A64_PRE);
    assert_int_equal(operands->immediate, -16);
    assert_int_equal(decode(0x69410440, &instruction), 0); /* ldpsw x0, x1, [x2, #8] */
    assert_int_equal(operands->operation, TN_A64_LOAD);
    assert_int_equal(operands->bytes, 4);
    assert_int_equal(operands->immediate, 8);
    assert_int_equal(decode(0xc8017c40, &instruction), 0); /* stxr w1, x0, [x2] */
    assert_int_equal(operands->operation, TN_A64_STORE);
    assert_int_equal(operands->status, 1);
    assert_int_equal(decode(0xeb02003f, &instruction), 0); /* cmp x1, x2 */
    assert_int_equal(operands->rd, TN_NO_REGISTER);
    assert_int_equal(decode(0xf9800040, &instruction), 0); /* prfm pldl1keep, [x2] */
    assert_int_equal(operands->operation, TN_A64_NOTHING);
    assert_int_equal(decode(0x9e660000, &instruction), 0); /* fmov x0, d0 */
    assert_int_equal(operands->vector_operation, TN_A64_VECTOR_TO_GENERAL);
}

struct size {
    const char *function;
    struct tn_code_argument wanted;
};

static const struct size sizes[] = {
    {"size_move", {TN_CODE_NUMBER, 64, 0, 0}},
    {"size_two_moves", {TN_CODE_NUMBER, 0x12345678, 0, 0}},
    {"size_inverted", {TN_CODE_NUMBER, UINT64_MAX - 4095, 0, 0}},
    {"size_mask", {TN_CODE_NUMBER, UINT64_C(0xff00ff00ff00ff00), 0, 0}},
    {"size_parameter", {TN_CODE_PARAMETER, 0, 1, 0}},
    {"size_second_plus", {TN_CODE_PARAMETER, 24, 1, 1}},
    {"size_shifted", {TN_CODE_MULTIPLE, 0, 16, 0}},
    {"size_words_shifted", {TN_CODE_MULTIPLE, 0, 16, 0}},
    {"size_multiplied", {TN_CODE_MULTIPLE, 8, 24, 0}},
    {"size_times_nine", {TN_CODE_MULTIPLE, 0, 9, 0}},
    {"size_selected", {TN_CODE_NUMBER, 100, 0, 0}},
    {"size_selected_computed", {TN_CODE_COMPUTED, 0, 0, 0}},
    {"size_spilled", {TN_CODE_PARAMETER, 0, 1, 0}},
    {"size_pushed", {TN_CODE_PARAMETER, 0, 1, 1}},
    {"size_overwritten", {TN_CODE_PARAMETER, 0, 1, 1}},
    {"size_half_word", {TN_CODE_COMPUTED, 0, 0, 0}},
    {"size_kept", {TN_CODE_PARAMETER, 0, 1, 0}},
    {"size_lost", {TN_CODE_COMPUTED, 0, 0, 0}},
    {"size_loaded", {TN_CODE_COMPUTED, 0, 0, 0}},
    {"size_literal", {TN_CODE_COMPUTED, 0, 0, 0}},
    {"size_address", {TN_CODE_NUMBER, 0x8100, 0, 0}},
    {"size_own_address", {TN_CODE_NUMBER, 0x8100, 0, 0}},
    {"size_byte", {TN_CODE_COMPUTED, 0, 0, 0}},
    {"size_eighth", {TN_CODE_PARAMETER, 0, 1, 7}},
    {"size_after_switch", {TN_CODE_NUMBER, 80, 0, 0}},
    {"size_through_register", {TN_CODE_NOT_KNOWN, 0, 0, 0}},
};

/* The last call of each function is that of malloc. */
static void sizes_are_traced(void **state)
{
    struct tn_code *code = *state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const char *name = sizes[i].function;
        bool has_helper = strcmp(name, "size_kept") == 0 || strcmp(name, "size_lost") == 0;
        struct tn_code_argument found, wanted = sizes[i].wanted;
        assert_int_equal(tn_code_argument(code, arm_call_in(name, has_helper), 0, 0, &found), 0);
        if (found.source != wanted.source || found.number != wanted.number || found.factor != wanted.factor ||
            found.parameter != wanted.parameter)
            fail_msg("%s: source %d, number %llu, factor %llu, parameter %u", name, (int)found.source,
                     (unsigned long long)found.number, (unsigned long long)found.factor, found.parameter);
    }
}

static void only_behind_a_call_is_a_return_address(void **state)
{
    struct tn_code *code = *state;
    uint64_t call = arm_call_in("size_move", 0), target = 0;
    struct tn_code_argument argument;
    assert_int_equal(tn_code_tail_call(code, call, 0, &target, &argument), 0);
    assert_int_equal(target, 0); /* the stub of another module's function */
    assert_int_equal(tn_code_follows(code, call + 4, call), 1);
    assert_int_equal(tn_code_follows(code, call, call), 0);
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
        cmocka_unit_test(words_go_on_where_they_say),
        cmocka_unit_test(what_is_no_instruction_is_refused),
        cmocka_unit_test(operands_are_told),
        cmocka_unit_test(sizes_are_traced),
        cmocka_unit_test(only_behind_a_call_is_a_return_address),
    };
    return cmocka_run_group_tests(tests, open_module, close_module);
}
