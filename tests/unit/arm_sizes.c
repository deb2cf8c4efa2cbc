/* SPDX-License-Identifier: MIT */
/* Functions of 64-bit Arm that allocate, each with a size that comes about in another way. The words are the
 * assembler's; a call leads to a stub of arm_module.c. For test_code_aarch64.c. */
#include "arm_module.h"

const struct arm_function arm_sizes[] = {
    {"size_move",
     0x1000,
     {
         0x52800800, /* mov w0, #64 */
         0x97fffcff, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_two_moves",
     0x1100,
     {
         0x528acf00, /* mov w0, #0x5678 */
         0x72a24680, /* movk w0, #0x1234, lsl #16 */
         0x97fffcbe, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_inverted",
     0x1200,
     {
         0x9281ffe0, /* mov x0, #-4096 */
         0x97fffc7f, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_mask",
     0x1300,
     {
         0xb2089fe0, /* mov x0, #0xff00ff00ff00ff00 */
         0x97fffc3f, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_parameter",
     0x1400,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fffbff, /* bl malloc */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
     }},
    {"size_second_plus",
     0x1500,
     {
         0x91006020, /* add x0, x1, #24 */
         0x97fffbbf, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_shifted",
     0x1600,
     {
         0xd37cec00, /* lsl x0, x0, #4 */
         0x97fffb7f, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_words_shifted",
     0x1700,
     {
         0x937c7c00, /* sbfiz x0, x0, #4, #32 */
         0x97fffb3f, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_multiplied",
     0x1800,
     {
         0xd2800302, /* mov x2, #24 */
         0xd2800103, /* mov x3, #8 */
         0x9b020c00, /* madd x0, x0, x2, x3 */
         0x97fffafd, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_times_nine",
     0x1900,
     {
         0x8b000c00, /* add x0, x0, x0, lsl #3 */
         0x97fffabf, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_selected",
     0x1a00,
     {
         0x52800401, /* mov w1, #32 */
         0x52800c82, /* mov w2, #100 */
         0xf100001f, /* cmp x0, #0 */
         0x1a820020, /* csel w0, w1, w2, eq */
         0x97fffa7c, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_selected_computed",
     0x1b00,
     {
         0x52800401, /* mov w1, #32 */
         0xf100001f, /* cmp x0, #0 */
         0x9a800420, /* csinc x0, x1, x0, eq */
         0x97fffa3d, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_spilled",
     0x1c00,
     {
         0xd10083ff, /* sub sp, sp, #32 */
         0xf90007e0, /* str x0, [sp, #8] */
         0xaa1f03e0, /* mov x0, xzr */
         0xf94007e0, /* ldr x0, [sp, #8] */
         0x97fff9fc, /* bl malloc */
         0x910083ff, /* add sp, sp, #32 */
         0xd65f03c0, /* ret */
     }},
    {"size_pushed",
     0x1d00,
     {
         0xa9bf07e0, /* stp x0, x1, [sp, #-16]! */
         0xa8c103e2, /* ldp x2, x0, [sp], #16 */
         0x97fff9be, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_overwritten",
     0x1e00,
     {
         0xf81f0fe0, /* str x0, [sp, #-16]! */
         0xf90003e1, /* str x1, [sp] */
         0xf84107e0, /* ldr x0, [sp], #16 */
         0x97fff97d, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_half_word",
     0x1f00,
     {
         0xd10043ff, /* sub sp, sp, #16 */
         0xb9000be0, /* str w0, [sp, #8] */
         0xf94007e0, /* ldr x0, [sp, #8] */
         0x97fff93d, /* bl malloc */
         0x910043ff, /* add sp, sp, #16 */
         0xd65f03c0, /* ret */
     }},
    {"size_kept",
     0x2000,
     {
         0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
         0xf9000bf3, /* str x19, [sp, #16] */
         0xaa0003f3, /* mov x19, x0 */
         0x9400027d, /* bl helper */
         0xaa1303e0, /* mov x0, x19 */
         0x97fff8fb, /* bl malloc */
         0xf9400bf3, /* ldr x19, [sp, #16] */
         0xa8c27bfd, /* ldp x29, x30, [sp], #32 */
         0xd65f03c0, /* ret */
     }},
    {"size_lost",
     0x2100,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0xaa0003e1, /* mov x1, x0 */
         0x9400023e, /* bl helper */
         0xaa0103e0, /* mov x0, x1 */
         0x97fff8bc, /* bl malloc */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
     }},
    {"size_loaded",
     0x2200,
     {
         0xf9400000, /* ldr x0, [x0] */
         0x97fff87f, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_literal",
     0x2300,
     {
         0x58008000, /* ldr x0, 0x1000 */
         0x97fff83f, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_address",
     0x2400,
     {
         0xd0000020, /* adrp x0, variable */
         0x91040000, /* add x0, x0, #:lo12:variable */
         0x97fff7fe, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_own_address",
     0x2500,
     {
         0xd0000020, /* adrp x0, got_own */
         0xf9401000, /* ldr x0, [x0, #:lo12:got_own] */
         0x97fff7be, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_byte",
     0x2600,
     {
         0x12001c00, /* and w0, w0, #0xff */
         0x97fff77f, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_eighth",
     0x2700,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0xaa0703e0, /* mov x0, x7 */
         0x97fff73e, /* bl malloc */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
     }},
    {"size_after_switch",
     0x2800,
     {
         0x7100081f, /* cmp w0, #2 */
         0x54000168, /* b.hi 3f */
         0xd0000021, /* adrp x1, table */
         0x91080021, /* add x1, x1, #:lo12:table */
         0x38604821, /* ldrb w1, [x1, w0, uxtw] */
         0x10000062, /* adr x2, 1f */
         0x8b218841, /* add x1, x2, w1, sxtb #2 */
         0xd61f0020, /* br x1 */
         0x52800200, /* 1: mov w0, #16 */
         0x14000004, /* b 4f */
         0x52800600, /* 2: mov w0, #48 */
         0x14000002, /* b 4f */
         0x52800a00, /* 3: mov w0, #80 */
         0x97fff6f3, /* 4: bl malloc */
         0xd65f03c0, /* ret */
     }},
    {"size_through_register",
     0x2900,
     {
         0xf9400022, /* ldr x2, [x1] */
         0xd61f0040, /* br x2 */
         0x52800200, /* mov w0, #16 */
         0x97fff6bd, /* bl malloc */
         0xd65f03c0, /* ret */
     }},
};
const size_t arm_sizes_count = sizeof(arm_sizes) / sizeof(arm_sizes[0]);
