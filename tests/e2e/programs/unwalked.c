/* SPDX-License-Identifier: MIT */
/* Blocks below a frame that no plain rule describes: its unwind row loads the CFA from memory. Compilers say
 * so of realigned frames. */
#include "truth.h"

#define TIMES 100

/* Calls it. */
void strange_frame(void (*call)(void));

#if defined(__x86_64__)
#define BODY                                                                                                 \
    "    sub $24, %rsp\n"                                                                                    \
    "    lea 32(%rsp), %rax\n"                                                                               \
    "    mov %rax, (%rsp)\n"                                                                                 \
    "    .cfi_escape 0x0f, 3, 0x77, 0, 0x06\n" /* DW_OP_breg7 0, DW_OP_deref */                              \
    "    call *%rdi\n"                                                                                       \
    "    add $24, %rsp\n"                                                                                    \
    "    .cfi_def_cfa rsp, 8\n"                                                                              \
    "    ret\n"
#else
#define BODY                                                                                                 \
    "    stp x29, x30, [sp, #-32]!\n"                                                                        \
    "    .cfi_offset 29, -32\n"                                                                              \
    "    .cfi_offset 30, -24\n"                                                                              \
    "    add x9, sp, #32\n"                                                                                  \
    "    str x9, [sp, #16]\n"                                                                                \
    "    .cfi_escape 0x0f, 3, 0x8f, 16, 0x06\n" /* DW_OP_breg31 16, DW_OP_deref */                           \
    "    blr x0\n"                                                                                           \
    "    ldp x29, x30, [sp], #32\n"                                                                          \
    "    .cfi_def_cfa 31, 0\n"                                                                               \
    "    .cfi_restore 29\n"                                                                                  \
    "    .cfi_restore 30\n"                                                                                  \
    "    ret\n"
#endif

__asm__(
    ".text\n"
    ".globl strange_frame\n"
    ".type strange_frame, %function\n"
    "strange_frame:\n"
    "    .cfi_startproc\n" BODY
    "    .cfi_endproc\n"
    ".size strange_frame, . - strange_frame\n");

static void make(void)
{
    struct block block = MALLOC(380);
    FREE(block);
}

int main(void)
{
    for (int i = 0; i < TIMES; i++) {
        struct block block = MALLOC(390);
        strange_frame(make);
        FREE(block);
    }
    return 0;
}
