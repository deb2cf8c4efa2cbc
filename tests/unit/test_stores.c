/* SPDX-License-Identifier: MIT */
/* Where a function stores the address of a block that a call gave, asked of machine code that this file
 * brings with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/code.h"

#if defined(__x86_64__)

/* A function that calls `stores_make`; the label stands behind the call. Never run. */
#define FUNCTION(name, before, after)                                                                        \
    __asm__(                                                                                                 \
        ".pushsection .text\n"                                                                               \
        ".cfi_startproc\n" before "\ncall stores_make\n" #name ": " after                                    \
        "\n"                                                                                                 \
        ".cfi_endproc\n"                                                                                     \
        ".popsection\n");                                                                                    \
    extern const char name[]

__asm__(
    ".pushsection .text\n"
    ".cfi_startproc\n"
    "stores_make: ret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "stores_find: mov stores_word(%rip), %rax\nret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "stores_inside: lea 16(%rdi), %rax\nret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "stores_link: mov (%rdi), %rax\nmov %rax, (%rsi)\nmov %rsi, (%rdi)\nret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "stores_pass: add $8, %rdi\njmp stores_link\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "stores_by_reference: mov (%rsi), %rax\nmov %rax, (%rdi)\nret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "stores_again: test %rsi, %rsi\njz 1f\npush %rdi\ncall stores_again\npop %rdi\n1: mov %rsi, "
    "8(%rdi)\nret\n"
    ".cfi_endproc\n"
    ".popsection\n"
    ".pushsection .bss\n"
    "stores_word: .zero 16\n"
    ".popsection\n");

#define SAVED "mov %rdi, %rbx\nmov %rsi, %r12" /* parameters 0 and 1 */

FUNCTION(stores_by_parameter, SAVED, "mov %rax, 8(%rbx)\nret");
FUNCTION(stores_by_second, SAVED, "mov %rax, (%r12)\nxor %eax, %eax\nret");
FUNCTION(stores_spilled, "push %rdi\nsub $16, %rsp",
         "mov %rax, 8(%rsp)\nmov 16(%rsp), %rdx\nmov 8(%rsp), %rcx\nmov %rcx, (%rdx)\nxor %eax, %eax\nret");
FUNCTION(stores_in_frame, "sub $24, %rsp", "mov %rax, 8(%rsp)\nadd $24, %rsp\nret");
FUNCTION(stores_in_array, "sub $64, %rsp\nmov %rdi, %rbx", "mov %rax, 8(%rsp,%rbx,8)\nadd $64, %rsp\nret");
FUNCTION(stores_in_itself, SAVED, "mov %rax, (%rax)\nlea 8(%rax), %rdx\nmov %rdx, 8(%rax)\nret");
FUNCTION(stores_in_static, SAVED, "mov %rax, stores_word(%rip)\nret");
FUNCTION(stores_in_thread, SAVED, "mov %rax, %fs:-8\nmov %fs:0, %rdx\nmov %rax, -16(%rdx)\nret");
FUNCTION(stores_behind_static, SAVED, "mov stores_word(%rip), %rdx\nmov %rax, (%rdx)\nret");
FUNCTION(stores_behind_parameter, SAVED, "mov 8(%rbx), %rdx\nmov %rax, (%rdx)\nret");
FUNCTION(stores_at_index, SAVED, "mov %rax, (%rbx,%r12,8)\nret");
FUNCTION(stores_at_list_end, SAVED,
         "1: mov (%rbx), %rdx\ntest %rdx, %rdx\njz 2f\nmov %rdx, %rbx\njmp 1b\n2: mov %rax, (%rbx)\nret");
FUNCTION(stores_inner_address, SAVED, "add $16, %rax\nmov %rax, (%rbx)\nret");
FUNCTION(stores_difference, SAVED, "lea 5(%rax), %rdx\nsub %rax, %rdx\nmov %rdx, (%rbx)\nret");
FUNCTION(stores_half, SAVED, "mov %eax, %edx\nmov %rdx, (%rbx)\nret");
FUNCTION(stores_masked, SAVED, "xor %r12, %rax\nmov %rax, (%rbx)\nret");
FUNCTION(stores_if_not_null, SAVED "\nxor %r13d, %r13d\ntest %edi, %edi\njz 1f",
         "mov %rax, %r13\n1: mov %r13, (%rbx)\nret");
FUNCTION(stores_two_at_once, SAVED,
         "movq %rax, %xmm0\nmovq %r12, %xmm1\npunpcklqdq %xmm1, %xmm0\nmovups %xmm0, (%rbx)\nret");
FUNCTION(stores_other_half, SAVED,
         "movq %rax, %xmm0\nmovq %r12, %xmm1\npunpcklqdq %xmm0, %xmm1\nmovlps %xmm1, (%rbx)\nret");
FUNCTION(stores_vector_cleared, SAVED, "movq %rax, %xmm0\npxor %xmm0, %xmm0\nmovups %xmm0, (%rbx)\nret");
FUNCTION(stores_copied_struct, SAVED "\nsub $24, %rsp",
         "mov %rax, (%rsp)\nmovups (%rsp), %xmm0\nmovups %xmm0, (%rbx)\nadd $24, %rsp\nret");
FUNCTION(stores_exchanged, SAVED, "mov %rax, %rcx\nxor %eax, %eax\nlock cmpxchg %rcx, (%rbx)\nret");
FUNCTION(stores_by_callee, SAVED, "mov %rax, %rsi\nmov %rbx, %rdi\ncall stores_link\nret");
FUNCTION(stores_by_jump, SAVED, "mov %rax, %rsi\nmov %rbx, %rdi\njmp stores_pass");
FUNCTION(stores_callee_in_frame, "sub $24, %rsp",
         "mov %rax, %rsi\nlea 8(%rsp), %rdi\ncall stores_link\nadd $24, %rsp\nret");
FUNCTION(stores_callee_then_parameter, "push %rbx\nmov %rdi, %rbx\nsub $24, %rsp",
         "mov %rax, %rsi\nlea 8(%rsp), %rdi\ncall stores_link\nmov 8(%rsp), %rdx\nmov %rdx, (%rbx)\nret");
FUNCTION(stores_reference, SAVED "\nsub $24, %rsp",
         "mov %rax, 8(%rsp)\nlea 8(%rsp), %rsi\nmov %rbx, %rdi\ncall stores_by_reference\nret");
FUNCTION(stores_recursion, SAVED, "mov %rax, %rsi\nmov %rbx, %rdi\ncall stores_again\nret");
FUNCTION(stores_in_result, "call stores_find\nmov %rax, %rbx", "mov %rax, (%rbx)\nret");
FUNCTION(stores_in_result_inside, SAVED "\ncall stores_inside\nmov %rax, %rbx", "mov %rax, (%rbx)\nret");
FUNCTION(stores_unknown, "", "mov %rax, (%r15)\nret");

extern const char __executable_start[];

static struct tn_code *code;

static int open_code(void **state)
{
    (void)state;
    return tn_code_open("/proc/self/exe", "", &code);
}

static int close_code(void **state)
{
    (void)state;
    tn_code_close(code);
    return 0;
}

static uint64_t address_of(const char *label)
{
    return (uint64_t)(label - __executable_start);
}

static struct tn_code_stores stores_of(const char *label)
{
    struct tn_code_stores inner = {.is_returned = true}, stores;
    assert_int_equal(tn_code_block_stores(code, address_of(label), &inner, &stores), 0);
    return stores;
}

static struct tn_code_origin only_store(const char *label)
{
    struct tn_code_stores stores = stores_of(label);
    assert_int_equal(stores.count, 1);
    return stores.items[0].origin;
}

#define NONE(label) assert_int_equal(stores_of(label).count, 0)

static void assert_parameter(const char *label, unsigned parameter, bool is_loaded)
{
    struct tn_code_origin origin = only_store(label);
    assert_int_equal(origin.root, TN_CODE_ROOT_PARAMETER);
    assert_int_equal(origin.parameter, parameter);
    assert_int_equal(origin.is_loaded, is_loaded);
}

static void a_parameter_is_stored_through(void **state)
{
    (void)state;
    assert_parameter(stores_by_parameter, 0, false);
    assert_int_equal(only_store(stores_by_parameter).offset_bytes, 8);
    assert_true(stores_of(stores_by_parameter).is_returned);
    assert_parameter(stores_by_second, 1, false);
    assert_false(stores_of(stores_by_second).is_returned);
    assert_parameter(stores_spilled, 0, false);
    assert_parameter(stores_inner_address, 0, false);
    assert_parameter(stores_if_not_null, 0, false);
    assert_parameter(stores_exchanged, 0, false);
}

static void what_was_found_from_it_is_told(void **state)
{
    (void)state;
    assert_parameter(stores_behind_parameter, 0, true);
    assert_parameter(stores_at_index, 0, false);
    struct tn_code_stores stores = stores_of(stores_at_list_end);
    assert_in_range(stores.count, 1, 2);
    assert_int_equal(stores.items[stores.count - 1].origin.root, TN_CODE_ROOT_PARAMETER);
    assert_true(stores.items[stores.count - 1].origin.is_loaded);
}

static void own_places_do_not_count(void **state)
{
    (void)state;
    NONE(stores_in_frame);
    NONE(stores_in_array);
    NONE(stores_in_itself);
    NONE(stores_callee_in_frame);
    NONE(stores_unknown);
}

static void what_is_no_address_does_not_count(void **state)
{
    (void)state;
    NONE(stores_difference);
    NONE(stores_half);
    NONE(stores_masked);
}

static void static_storage_is_told_apart_from_what_it_points_to(void **state)
{
    (void)state;
    assert_int_equal(only_store(stores_in_static).root, TN_CODE_ROOT_STATIC);
    assert_false(only_store(stores_in_static).is_loaded);
    struct tn_code_stores stores = stores_of(stores_in_thread);
    assert_int_equal(stores.count, 2);
    assert_false(stores.items[0].origin.is_loaded || stores.items[1].origin.is_loaded);
    assert_int_equal(only_store(stores_behind_static).root, TN_CODE_ROOT_STATIC);
    assert_true(only_store(stores_behind_static).is_loaded);
}

static void vectors_are_followed(void **state)
{
    (void)state;
    assert_parameter(stores_two_at_once, 0, false);
    assert_parameter(stores_copied_struct, 0, false);
    NONE(stores_other_half);
    NONE(stores_vector_cleared);
}

static void functions_that_get_the_block_are_followed(void **state)
{
    (void)state;
    assert_parameter(stores_by_callee, 0, false);
    assert_parameter(stores_by_jump, 0, false);
    assert_int_equal(only_store(stores_by_jump).offset_bytes, 8);
    assert_parameter(stores_callee_then_parameter, 0, false);
    assert_parameter(stores_reference, 0, false);
    assert_parameter(stores_recursion, 0, false);
}

static void results_of_calls_are_told_by_the_call(void **state)
{
    (void)state;
    struct tn_code_origin origin = only_store(stores_in_result), found;
    assert_int_equal(origin.root, TN_CODE_ROOT_RESULT);
    assert_int_equal(tn_code_result_origin(code, origin.call, &found), 0);
    assert_int_equal(found.root, TN_CODE_ROOT_STATIC);
    assert_true(found.is_loaded);
    origin = only_store(stores_in_result_inside);
    assert_int_equal(tn_code_result_origin(code, origin.call, &found), 0);
    assert_int_equal(found.root, TN_CODE_ROOT_PARAMETER);
    assert_int_equal(found.parameter, 0);
}

/* What an inner function stored through its parameter, in terms of the function that calls it. */
static void inner_stores_are_translated(void **state)
{
    (void)state;
    struct tn_code_store by_first = {.origin = {.root = TN_CODE_ROOT_PARAMETER, .is_exact = true},
                                     .address = 7};
    struct tn_code_stores inner = {.items = {by_first}, .count = 1}, stores;
    assert_int_equal(tn_code_block_stores(code, address_of(stores_by_parameter), &inner, &stores), 0);
    assert_int_equal(stores.count, 1);
    assert_int_equal(stores.items[0].origin.root, TN_CODE_ROOT_PARAMETER);
    assert_int_equal(stores.items[0].address, 7);
    assert_false(stores.is_returned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parameter_is_stored_through),
        cmocka_unit_test(what_was_found_from_it_is_told),
        cmocka_unit_test(own_places_do_not_count),
        cmocka_unit_test(what_is_no_address_does_not_count),
        cmocka_unit_test(static_storage_is_told_apart_from_what_it_points_to),
        cmocka_unit_test(vectors_are_followed),
        cmocka_unit_test(functions_that_get_the_block_are_followed),
        cmocka_unit_test(results_of_calls_are_told_by_the_call),
        cmocka_unit_test(inner_stores_are_translated),
    };
    return cmocka_run_group_tests(tests, open_code, close_code);
}

#else

int main(void)
{
    return 77; /* skipped: the code that this file brings with it is of x86-64 */
}

#endif
