/* SPDX-License-Identifier: MIT */
/* Which call can follow which, and where arguments come from, asked of machine code that this file brings
 * with it. */
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
    assert_int_equal(tn_decode_x86_64(bytes, count, &instruction), 0);
    assert_int_equal(instruction.size_bytes, size_bytes);
    assert_int_equal(instruction.flow, flow);
    assert_int_equal(instruction.displacement, displacement);
    assert_int_equal(tn_decode_x86_64(bytes, size_bytes - 1, &instruction), -EINVAL);
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
    check("ff2500000000", 6, TN_FLOW_LEAVE, 0);
    check("c3", 1, TN_FLOW_RETURN, 0);
    check("0f0b", 2, TN_FLOW_STOP, 0);
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
    assert_int_equal(tn_decode_x86_64((const uint8_t *)"\x06", 1, &instruction), -EINVAL);
    assert_int_equal(tn_decode_x86_64((const uint8_t *)"\x0f\x04", 2, &instruction), -EINVAL);
    assert_int_equal(tn_decode_x86_64((const uint8_t *)"", 0, &instruction), -EINVAL);
}

/* toggle: either call, and back. loop: both, again and again. straight: one after the other. table: goes on
 * through a register. Never run. */
__asm__(
    ".pushsection .text\n"
    "code_target: .cfi_startproc\n"
    "ret\n"
    ".cfi_endproc\n"
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
    "code_leave: call code_target\n"
    "code_leave_one: test %edi, %edi\n"
    "jz code_target\n"
    "code_leave_branch: jmp code_target\n"
    "code_leave_jump: call code_target\n"
    "code_leave_other: ret\n"
    "code_table: call code_target\n"
    "code_table_one: jmp *%rax\n"
    "call code_target\n"
    "code_table_other: ret\n"
    "code_fixed: .cfi_startproc\n" /* 120, through a register that calls keep */
    "push %rbx\n"
    ".cfi_def_cfa_offset 16\n"
    "mov $120, %ebx\n"
    "call code_target\n"
    "mov %rbx, %rdi\n"
    "call code_target\n"
    "code_fixed_call: pop %rbx\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    "code_either: .cfi_startproc\n" /* 48 or 64 */
    "test %edi, %edi\n"
    "mov $48, %edi\n"
    "jz 3f\n"
    "mov $64, %edi\n"
    "3: call code_target\n"
    "code_either_call: ret\n"
    ".cfi_endproc\n"
    "code_helper: .cfi_startproc\n" /* its second parameter and 16, kept in the frame */
    "sub $24, %rsp\n"
    ".cfi_def_cfa_offset 32\n"
    "mov %rsi, 8(%rsp)\n"
    "call code_target\n"
    "mov 8(%rsp), %rax\n"
    "lea 16(%rax), %rdi\n"
    "call code_target\n"
    "code_helper_call: add $24, %rsp\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    "code_given_away: .cfi_startproc\n" /* as code_helper, but the word's address is passed on */
    "sub $24, %rsp\n"
    ".cfi_def_cfa_offset 32\n"
    "mov %rsi, 8(%rsp)\n"
    "lea 8(%rsp), %rdi\n"
    "call code_target\n"
    "mov 8(%rsp), %rdi\n"
    "call code_target\n"
    "code_given_away_call: add $24, %rsp\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    "code_counted: .cfi_startproc\n" /* 16, and twice as much in each round */
    "push %rbx\n"
    ".cfi_def_cfa_offset 16\n"
    "mov $16, %ebx\n"
    "4: mov %ebx, %edi\n"
    "call code_target\n"
    "code_counted_call: add %ebx, %ebx\n"
    "test %eax, %eax\n"
    "jnz 4b\n"
    "pop %rbx\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    "code_returned: .cfi_startproc\n" /* what a call returned, and 20 */
    "sub $8, %rsp\n"
    ".cfi_def_cfa_offset 16\n"
    "call code_target\n"
    "lea 20(%rax), %rdi\n"
    "call code_target\n"
    "code_returned_call: add $8, %rsp\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    "code_tail: .cfi_startproc\n" /* passes its second parameter and 8 on, and is gone */
    "lea 8(%rsi), %rdi\n"
    "jmp code_fixed\n"
    ".cfi_endproc\n"
    "code_to_tail: .cfi_startproc\n"
    "sub $8, %rsp\n"
    ".cfi_def_cfa_offset 16\n"
    "mov $32, %esi\n"
    "call code_tail\n"
    "code_to_tail_call: add $8, %rsp\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    "code_elements: .cfi_startproc\n" /* 24 times its parameter and one more, and 16: lea, shl, add */
    "movslq %edi, %rdi\n"
    "lea 1(%rdi,%rdi,2), %rax\n"
    "add %rdi, %rax\n"
    "sub %rdi, %rax\n"
    "shl $3, %rax\n"
    "lea 16(,%rax,2), %rdi\n"
    "call code_target\n"
    "code_elements_call: ret\n"
    ".cfi_endproc\n"
    "code_product: .cfi_startproc\n" /* of both its parameters */
    "imul %rsi, %rdi\n"
    "call code_target\n"
    "code_product_call: ret\n"
    ".cfi_endproc\n"
    "code_square: .cfi_startproc\n"
    "imul %rdi, %rdi\n"
    "call code_target\n"
    "code_square_call: ret\n"
    ".cfi_endproc\n"
    "code_mixed: .cfi_startproc\n" /* once 24 times its parameter, once 16 times */
    "imul $24, %rdi, %rax\n"
    "test %esi, %esi\n"
    "jz 7f\n"
    "imul $16, %rdi, %rax\n"
    "7: mov %rax, %rdi\n"
    "call code_target\n"
    "code_mixed_call: ret\n"
    ".cfi_endproc\n"
    "code_tail_elements: .cfi_startproc\n" /* ends in a jump with 8 times its second parameter */
    "lea (,%rsi,8), %rdi\n"
    "jmp code_fixed\n"
    ".cfi_endproc\n"
    "code_to_elements: .cfi_startproc\n"
    "sub $8, %rsp\n"
    ".cfi_def_cfa_offset 16\n"
    "mov $12, %esi\n"
    "call code_tail_elements\n"
    "code_to_elements_call: add $8, %rsp\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    "code_switch: .cfi_startproc\n" /* 24 where the table leads, 40 else */
    "mov $40, %ebx\n"
    "cmp $1, %edi\n"
    "ja 6f\n"
    "mov %edi, %edi\n"
    "lea code_switch_table(%rip), %rdx\n"
    "movslq (%rdx,%rdi,4), %rax\n"
    "add %rdx, %rax\n"
    "jmp *%rax\n"
    "5: mov $24, %ebx\n"
    "6: mov %ebx, %edi\n"
    "call code_target\n"
    "code_switch_call: ret\n"
    ".cfi_endproc\n"
    ".popsection\n"
    ".pushsection .rodata\n"
    ".balign 4\n"
    "code_switch_table: .long 5b - code_switch_table\n"
    ".long 6b - code_switch_table\n"
    ".long 0x7fffffff\n"
    ".popsection\n");

extern const char code_fixed[], code_fixed_call[], code_either_call[], code_helper_call[],
    code_given_away_call[], code_counted_call[], code_returned_call[], code_to_tail_call[],
    code_switch_call[], code_target[], code_elements_call[], code_product_call[], code_square_call[],
    code_mixed_call[], code_to_elements_call[], code_tail[], code_to_tail[];

extern const char code_leave_one[], code_leave_branch[], code_leave_jump[], code_leave_other[];
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

/* A jump out of a function is met on the way, wherever in it the place is; a call is no jump, and what comes
 * behind the jump is not reached. */
static void test_reaches_jump(void **state)
{
    struct tn_code *code;
    (void)state;
    assert_int_equal(tn_code_open("/proc/self/exe", "", &code), 0);
    assert_int_equal(tn_code_reaches_jump(code, place(code_leave_one), place(code_leave_jump)), 1);
    assert_int_equal(tn_code_reaches_jump(code, place(code_leave_one), place(code_leave_branch) + 1), 1);
    assert_int_equal(tn_code_reaches_jump(code, place(code_leave_one), place(code_leave_branch)), 1);
    assert_int_equal(tn_code_reaches_jump(code, place(code_leave_one), place(code_leave_other)), 0);
    assert_int_equal(tn_code_reaches_jump(code, place(code_leave_other), place(code_leave_jump)), 0);
    assert_int_equal(tn_code_reaches_jump(code, place(code_leave_one) + 1, place(code_leave_jump)), 1);
    assert_int_equal(tn_code_follows(code, place(code_leave_one), place(code_leave_other)), 0);
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

static struct tn_code_argument argument(const char *call, const char *callee, unsigned index)
{
    struct tn_code *code;
    struct tn_code_argument found;
    assert_int_equal(tn_code_open("/proc/self/exe", "", &code), 0);
    assert_int_equal(tn_code_argument(code, place(call), place(callee), index, &found), 0);
    tn_code_close(code);
    return found;
}

static void check_argument(const char *call, enum tn_code_source source, uint64_t number, unsigned parameter)
{
    struct tn_code_argument found = argument(call, code_target, 0);
    assert_int_equal(found.source, source);
    assert_int_equal(found.number, number);
    assert_int_equal(found.parameter, parameter);
}

static void test_argument(void **state)
{
    (void)state;
    check_argument(code_fixed_call, TN_CODE_NUMBER, 120, 0);
    check_argument(code_either_call, TN_CODE_NUMBER, 64, 0);
    check_argument(code_helper_call, TN_CODE_PARAMETER, 16, 1);
    check_argument(code_given_away_call, TN_CODE_COMPUTED, 0, 0);
    check_argument(code_counted_call, TN_CODE_COMPUTED, 0, 0);
    check_argument(code_returned_call, TN_CODE_COMPUTED, 0, 0);
    check_argument(code_switch_call, TN_CODE_NUMBER, 40, 0);
}

/* So many elements of a size that stands in the code; what depends on more than one parameter, or on the way,
 * is none. */
static void test_elements(void **state)
{
    (void)state;
    struct tn_code_argument found = argument(code_elements_call, code_target, 0);
    assert_int_equal(found.source, TN_CODE_MULTIPLE);
    assert_int_equal(found.factor, 48);
    assert_int_equal(found.number, 32);
    assert_int_equal(found.parameter, 0);
    assert_int_equal(argument(code_helper_call, code_target, 0).factor, 1);
    check_argument(code_product_call, TN_CODE_COMPUTED, 0, 0);
    check_argument(code_square_call, TN_CODE_COMPUTED, 0, 0);
    check_argument(code_mixed_call, TN_CODE_COMPUTED, 0, 0);
    found = argument(code_to_elements_call, code_fixed, 0);
    assert_int_equal(found.source, TN_CODE_NUMBER);
    assert_int_equal(found.number, 96);
}

/* Calls by name, and the jump by which another function ends in this one; none where there is no function. */
static void test_callers(void **state)
{
    struct tn_code *code;
    uint64_t calls[32];
    size_t count, jumps = 0, known = 0;
    (void)state;
    assert_int_equal(tn_code_open("/proc/self/exe", "", &code), 0);
    assert_int_equal(tn_code_callers(code, place(code_fixed) + 1, calls, 32, &count), 0);
    for (size_t i = 0; i < count; i++)
        jumps += calls[i] <= place(code_to_tail) && calls[i] > place(code_tail);
    assert_int_equal(jumps, 1);
    assert_int_equal(tn_code_callers(code, place(code_tail) + 1, calls, 32, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(calls[0], place(code_to_tail_call));
    assert_int_equal(tn_code_callers(code, place(code_target), calls, 32, &count), 0);
    for (size_t i = 0; i < count; i++)
        known += calls[i] == place(code_fixed_call) || calls[i] == place(code_helper_call);
    assert_int_equal(known, 2);
    assert_int_equal(tn_code_callers(code, place(code_target), calls, 1, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(tn_code_callers(code, UINT64_C(1) << 40, calls, 32, &count), 0);
    assert_int_equal(count, 0);
    tn_code_close(code);
}

/* The function that was called is gone; the one that it jumped to got what it passed on. */
static void test_tail_call(void **state)
{
    (void)state;
    struct tn_code_argument found = argument(code_to_tail_call, code_fixed, 0);
    assert_int_equal(found.source, TN_CODE_NUMBER);
    assert_int_equal(found.number, 40);
}

/* Where nothing is known of the code, nothing is said of the argument. */
static void test_no_argument(void **state)
{
    (void)state;
    assert_int_equal(argument(code_toggle_one, code_target, 0).source, TN_CODE_NOT_KNOWN);
    assert_int_equal(argument(code_fixed_call, code_target, 17).source, TN_CODE_NOT_KNOWN);
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
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_no_instruction),
        cmocka_unit_test(test_follows),
        cmocka_unit_test(test_reaches_jump),
        cmocka_unit_test(test_not_behind_a_call),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_argument),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_callers),
        cmocka_unit_test(test_tail_call),
        cmocka_unit_test(test_no_argument),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 77;
}

#endif
