/* SPDX-License-Identifier: MIT */
/* Which call can follow which, asked of machine code that this file brings with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

#if defined(__x86_64__)

static void check(const char *hex, uint32_t size_bytes, enum tn_instruction_flow flow, int64_t displacement)
{
    uint8_t bytes[16] = {0};
    size_t count = strlen(hex) / 2;
    for (size_t i = 0; i < count; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    struct tn_instruction instruction;
    assert_int_equal(tn_decode(bytes, count, &instruction), 0);
    assert_int_equal(instruction.size_bytes, size_bytes);
    assert_int_equal(instruction.flow, flow);
    assert_int_equal(instruction.displacement, displacement);
    assert_int_equal(tn_decode(bytes, size_bytes - 1, &instruction), -EINVAL);
}

/* As the assembler of binutils encodes them. */
static void test_decode(void **state)
{
    (void)state;
    check("e8fbffffff", 5, TN_FLOW_CALL, -5);
    check("ff1500000000", 6, TN_FLOW_CALL, 0);
    check("41ffd4", 3, TN_FLOW_CALL, 0);
    check("74fe", 2, TN_FLOW_BRANCH, -2);
    check("0f8400010000", 6, TN_FLOW_BRANCH, 256);
    check("e97fffffff", 5, TN_FLOW_JUMP, -129);
    check("eb10", 2, TN_FLOW_JUMP, 16);
    check("3effe0", 3, TN_FLOW_INDIRECT, 0);
    check("ff24c500000000", 7, TN_FLOW_INDIRECT, 0);
    check("ff2500000000", 6, TN_FLOW_END, 0);
    check("c3", 1, TN_FLOW_END, 0);
    check("0f0b", 2, TN_FLOW_END, 0);
    check("f30f1efa", 4, TN_FLOW_NEXT, 0);
    check("48b80102030405060708", 10, TN_FLOW_NEXT, 0);
    check("66b80102", 4, TN_FLOW_NEXT, 0);
    check("f6450801", 4, TN_FLOW_NEXT, 0);
    check("f7d8", 2, TN_FLOW_NEXT, 0);
    check("488b842400010000", 8, TN_FLOW_NEXT, 0);
    check("c5f877", 3, TN_FLOW_NEXT, 0);
    check("c4e37d18c101", 6, TN_FLOW_NEXT, 0);
    check("62f17c486f0501000000", 10, TN_FLOW_NEXT, 0);
}

static void test_no_instruction(void **state)
{
    struct tn_instruction instruction;
    (void)state;
    assert_int_equal(tn_decode((const uint8_t *)"\x06", 1, &instruction), -EINVAL);
    assert_int_equal(tn_decode((const uint8_t *)"\x0f\x04", 2, &instruction), -EINVAL);
    assert_int_equal(tn_decode((const uint8_t *)"", 0, &instruction), -EINVAL);
}

/* toggle: either call, and back. loop: both, again and again. straight: one after the other. table: goes on
 * through a register. Never run. */
__asm__(
    ".pushsection .text\n"
    "code_target: ret\n"
    "code_toggle: test %edi, %edi\n"
    "jz 1f\n"
    "call code_target\n"
    "code_toggle_one: ret\n"
    "1: call code_target\n"
    "code_toggle_other: ret\n"
    "code_loop: test %edi, %edi\n"
    "jz 2f\n"
    "call code_target\n"
    "code_loop_one: jmp code_loop\n"
    "2: call code_target\n"
    "code_loop_other: jmp code_loop\n"
    "code_straight: call code_target\n"
    "code_straight_one: nop\n"
    "call code_target\n"
    "code_straight_other: ret\n"
    "code_table: call code_target\n"
    "code_table_one: jmp *%rax\n"
    "call code_target\n"
    "code_table_other: ret\n"
    ".popsection\n");

extern const char __executable_start[], code_toggle[], code_toggle_one[], code_toggle_other[],
    code_loop_one[], code_loop_other[], code_straight_one[], code_straight_other[], code_table_one[],
    code_table_other[];

static uint64_t place(const char *label)
{
    return (uint64_t)(label - __executable_start);
}

static void test_follows(void **state)
{
    struct tn_code *code;
    (void)state;
    assert_int_equal(tn_code_open("/proc/self/exe", "", &code), 0);
    assert_int_equal(tn_code_follows(code, place(code_toggle_one), place(code_toggle_other)), 0);
    assert_int_equal(tn_code_follows(code, place(code_toggle_other), place(code_toggle_one)), 0);
    assert_int_equal(tn_code_follows(code, place(code_toggle_one), place(code_toggle_one)), 0);
    assert_int_equal(tn_code_follows(code, place(code_loop_one), place(code_loop_other)), 1);
    assert_int_equal(tn_code_follows(code, place(code_loop_other), place(code_loop_one)), 1);
    assert_int_equal(tn_code_follows(code, place(code_loop_one), place(code_loop_one)), 1);
    assert_int_equal(tn_code_follows(code, place(code_straight_one), place(code_straight_other)), 1);
    assert_int_equal(tn_code_follows(code, place(code_straight_other), place(code_straight_one)), 0);
    assert_int_equal(tn_code_follows(code, place(code_table_one), place(code_toggle_one)), 1);
    tn_code_close(code);
}

/* What is no return address tells nothing. */
static void test_not_behind_a_call(void **state)
{
    struct tn_code *code;
    (void)state;
    assert_int_equal(tn_code_open("/proc/self/exe", "", &code), 0);
    assert_int_equal(tn_code_follows(code, place(code_toggle), place(code_toggle_one)), 1);
    assert_int_equal(tn_code_follows(code, place(code_toggle_one), UINT64_C(1) << 40), 1);
    assert_int_equal(tn_code_follows(code, 0, 0), 1);
    tn_code_close(code);
}

static void test_open(void **state)
{
    struct tn_code *code = NULL;
    (void)state;
    assert_int_equal(tn_code_open("/proc/self/exe", "00", &code), -ESTALE);
    assert_int_equal(tn_code_open("/proc/self/status", "", &code), -ENOEXEC);
    assert_int_equal(tn_code_open("/nonexistent", "", &code), -ENOENT);
    assert_null(code);
    tn_code_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),  cmocka_unit_test(test_no_instruction),
        cmocka_unit_test(test_follows), cmocka_unit_test(test_not_behind_a_call),
        cmocka_unit_test(test_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 77;
}

#endif
