/* SPDX-License-Identifier: MIT */
/* Whether a function hands back what a call in it returned, asked of machine code that this file brings with
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/code.h"

#if defined(__x86_64__)

/* A function that calls `back_make`, and what it does with the result; the label stands behind the call.
 * Never run. */
#define FUNCTION(name, body)                                                                                 \
    __asm__(                                                                                                 \
        ".pushsection .text\n"                                                                               \
        ".cfi_startproc\n"                                                                                   \
        "call back_make\n" #name ": " body                                                                   \
        "\n"                                                                                                 \
        ".cfi_endproc\n"                                                                                     \
        ".popsection\n");                                                                                    \
    extern const char name[]

__asm__(
    ".pushsection .text\n"
    ".cfi_startproc\n"
    "back_make: ret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "back_init: movl $1, (%rdi)\nmov %rdi, %rax\nret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "back_keep: mov %rdi, back_word(%rip)\nxor %eax, %eax\nret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "back_die: jmp back_die\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "back_end: mov $1, %edi\ncall back_die\nret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "back_perhaps_end: test %edi, %edi\njz 1f\ncall back_die\n1: ret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "back_end_by_pointer: jmp *%rcx\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "back_return_thunk: call 2f\n1: pause\nlfence\njmp 1b\n2: lea 8(%rsp), %rsp\nret\n"
    ".cfi_endproc\n"
    ".cfi_startproc\n"
    "back_pointer_thunk: call 2f\n1: pause\nlfence\njmp 1b\n2: mov %rcx, (%rsp)\nret\n"
    ".cfi_endproc\n"
    ".popsection\n"
    ".pushsection .bss\n"
    "back_word: .zero 16\n"
    ".popsection\n");

FUNCTION(back_at_once, "ret");
FUNCTION(back_stored, "mov %rax, back_word(%rip)\nxor %eax, %eax\nret");
FUNCTION(back_stored_and_returned, "mov %rax, (%rbx)\nret");
FUNCTION(back_one_branch, "test %rax, %rax\njz 1f\nmov %rax, (%rbx)\nxor %eax, %eax\nret\n1: ret");
FUNCTION(back_no_branch, "test %rax, %rax\njz 1f\nmov %rax, (%rbx)\n1: mov $-1, %eax\nret");
FUNCTION(back_loop, "1: dec %ecx\nmov %rax, %rdx\njnz 1b\nmov %rdx, %rax\nret");
FUNCTION(back_frame, "mov %rax, -8(%rbp)\nmov $0, %eax\nmov -8(%rbp), %rax\nleave\nret");
FUNCTION(back_frame_cleared, "mov %rax, -8(%rbp)\nmovq $0, -8(%rbp)\nmov -8(%rbp), %rax\nleave\nret");
FUNCTION(back_stack, "push %rax\nsub $24, %rsp\nmov 24(%rsp), %rax\nadd $32, %rsp\nret");
FUNCTION(back_stack_other, "push %rax\nsub $24, %rsp\nmov 16(%rsp), %rax\nadd $32, %rsp\nret");
FUNCTION(back_memory, "mov %rax, 8(%rbx)\nxor %eax, %eax\nmov 8(%rbx), %rax\nret");
FUNCTION(back_memory_other, "mov %rax, 8(%rbx)\nmov 16(%rbx), %rax\nret");
FUNCTION(back_global, "mov %rax, back_word(%rip)\nxor %eax, %eax\nmov back_word(%rip), %rax\nret");
FUNCTION(back_global_other, "mov %rax, back_word(%rip)\nmov 8+back_word(%rip), %rax\nret");
FUNCTION(back_saved, "mov %rax, %rbx\ncall back_make\nmov %rbx, %rax\npop %rbx\nret");
FUNCTION(back_lost, "mov %rax, %rcx\ncall back_make\nmov %rcx, %rax\nret");
FUNCTION(back_inside, "lea 16(%rax), %rax\nret");
FUNCTION(back_aligned, "add $63, %rax\nand $-64, %rax\nret");
FUNCTION(back_truth, "test %rax, %rax\nsetne %al\nmovzbl %al, %eax\nret");
FUNCTION(back_half, "mov %eax, %eax\nret");
FUNCTION(back_choice, "xor %ecx, %ecx\ntest %rax, %rax\ncmovz %rcx, %rax\nret");
FUNCTION(back_given, "mov %rax, %rdi\ncall back_init\nret");
FUNCTION(back_given_away, "mov %rax, %rdi\ncall back_keep\nret");
FUNCTION(back_given_at_end, "mov %rax, %rdi\njmp back_init");
FUNCTION(back_given_away_at_end, "mov %rax, %rdi\njmp back_keep");
FUNCTION(back_copied, "mov %rax, %rdi\ncall memcpy@PLT\nret");
FUNCTION(back_copied_at_end, "mov %rax, %rdi\njmp memcpy@PLT");
FUNCTION(back_copied_from, "mov %rax, %rsi\nmov %rbx, %rdi\ncall memcpy@PLT\nret");
FUNCTION(back_printed, "mov %rax, %rdi\ncall puts@PLT\nret");
FUNCTION(back_pointer, "mov %rax, %rdi\ncall *%rbx\nret");
FUNCTION(back_pointer_without, "mov %rax, back_word(%rip)\nxor %edi, %edi\ncall *%rbx\nret");
FUNCTION(back_table, "mov %rax, %rdx\njmp *%rcx");
FUNCTION(back_aborted, "test %rax, %rax\njz 1f\nret\n1: call abort@PLT");
FUNCTION(back_kept_or_aborted,
         "mov %rax, %rbx\ntest %rax, %rax\njz 1f\nxor %eax, %eax\nret\n1: call abort@PLT");
FUNCTION(back_of_someone_else, "mov %rbx, %rax\nret");
FUNCTION(back_struct, "mov $24, %edx\nret");
FUNCTION(back_struct_in_memory, "mov %rax, (%rbx)\nmovl $24, 8(%rbx)\nmov %rbx, %rax\nret");

FUNCTION(back_behind_exit, "mov %rax, %rbx\ncall exit@PLT\nmov %rbx, %rax\nret");
FUNCTION(back_behind_jump, "mov %rax, %rbx\ncall longjmp@PLT\nmov %rbx, %rax\nret");
FUNCTION(back_behind_print, "mov %rax, %rbx\ncall puts@PLT\nmov %rbx, %rax\nret");
FUNCTION(back_behind_end, "mov %rax, %rbx\ncall back_end\nmov %rbx, %rax\nret");
FUNCTION(back_behind_perhaps, "mov %rax, %rbx\ncall back_perhaps_end\nmov %rbx, %rax\nret");
FUNCTION(back_behind_pointer, "mov %rax, %rbx\ncall back_end_by_pointer\nmov %rbx, %rax\nret");

FUNCTION(back_by_thunk, "add $8, %rsp\njmp back_return_thunk");
FUNCTION(back_stored_by_thunk, "mov %rax, (%rbx)\nxor %eax, %eax\njmp back_return_thunk");
FUNCTION(back_jump_by_thunk, "mov %rax, %rdx\njmp back_pointer_thunk");
FUNCTION(back_call_by_thunk, "mov %rax, %rdi\ncall back_pointer_thunk\nret");

extern const char __executable_start[];

static enum tn_code_hand_back hands_back(const char *label)
{
    struct tn_code *code;
    enum tn_code_hand_back result;
    assert_int_equal(tn_code_open("/proc/self/exe", "", &code), 0);
    assert_int_equal(tn_code_hands_back(code, (uint64_t)(label - __executable_start), &result), 0);
    tn_code_close(code);
    return result;
}

#define SOMETIMES(label) assert_int_equal(hands_back(label), TN_CODE_BACK_SOMETIMES)
#define NEVER(label)     assert_int_equal(hands_back(label), TN_CODE_BACK_NEVER)
#define NOT_KNOWN(label) assert_int_equal(hands_back(label), TN_CODE_BACK_NOT_KNOWN)

static void a_result_is_returned_or_stored(void **state)
{
    (void)state;
    SOMETIMES(back_at_once);
    NEVER(back_stored);
    SOMETIMES(back_stored_and_returned);
    SOMETIMES(back_one_branch);
    NEVER(back_no_branch);
    SOMETIMES(back_loop);
}

static void what_was_stored_is_found_again(void **state)
{
    (void)state;
    SOMETIMES(back_frame);
    NEVER(back_frame_cleared);
    SOMETIMES(back_stack);
    NEVER(back_stack_other);
    SOMETIMES(back_memory);
    NEVER(back_memory_other);
    SOMETIMES(back_global);
    NEVER(back_global_other);
    SOMETIMES(back_saved);
    NEVER(back_lost);
}

static void an_address_in_the_block_is_the_block(void **state)
{
    (void)state;
    SOMETIMES(back_inside);
    SOMETIMES(back_aligned);
    SOMETIMES(back_choice);
    NEVER(back_truth);
    NEVER(back_half);
}

static void functions_that_get_the_block_are_followed(void **state)
{
    (void)state;
    SOMETIMES(back_given);
    NEVER(back_given_away);
    SOMETIMES(back_given_at_end);
    NEVER(back_given_away_at_end);
    SOMETIMES(back_copied);
    SOMETIMES(back_copied_at_end);
    NEVER(back_copied_from);
    NOT_KNOWN(back_printed);
    NOT_KNOWN(back_pointer);
    NEVER(back_pointer_without);
    NOT_KNOWN(back_table);
}

/* Behind a call that does not come back another function begins. */
static void the_function_ends_where_it_ends(void **state)
{
    (void)state;
    SOMETIMES(back_aborted);
    NEVER(back_kept_or_aborted);
    NEVER(back_of_someone_else);
}

/* Behind it stands what belongs to another way, or nothing at all. */
static void a_call_that_never_returns_ends_a_way(void **state)
{
    (void)state;
    NEVER(back_behind_exit);
    NEVER(back_behind_jump);
    NEVER(back_behind_end);
    SOMETIMES(back_behind_print);
    SOMETIMES(back_behind_perhaps);
    SOMETIMES(back_behind_pointer);
}

/* As compilers return and jump in hardened builds (-mfunction-return=thunk, -mindirect-branch=thunk). */
static void thunks_are_returns_and_jumps(void **state)
{
    (void)state;
    SOMETIMES(back_by_thunk);
    NEVER(back_stored_by_thunk);
    NOT_KNOWN(back_jump_by_thunk);
    NOT_KNOWN(back_call_by_thunk);
}

static void a_struct_may_be_in_registers(void **state)
{
    (void)state;
    SOMETIMES(back_struct);
    NEVER(back_struct_in_memory);
}

static void nothing_is_known_where_no_code_is(void **state)
{
    (void)state;
    struct tn_code *code;
    enum tn_code_hand_back result;
    assert_int_equal(tn_code_open("/proc/self/exe", "", &code), 0);
    assert_int_equal(tn_code_hands_back(code, UINT64_C(1) << 40, &result), 0);
    assert_int_equal(result, TN_CODE_BACK_NOT_KNOWN);
    tn_code_close(code);
}

#endif

int main(void)
{
#if defined(__x86_64__)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_returned_or_stored),
        cmocka_unit_test(what_was_stored_is_found_again),
        cmocka_unit_test(an_address_in_the_block_is_the_block),
        cmocka_unit_test(functions_that_get_the_block_are_followed),
        cmocka_unit_test(the_function_ends_where_it_ends),
        cmocka_unit_test(a_call_that_never_returns_ends_a_way),
        cmocka_unit_test(thunks_are_returns_and_jumps),
        cmocka_unit_test(a_struct_may_be_in_registers),
        cmocka_unit_test(nothing_is_known_where_no_code_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    return 77;
#endif
}
