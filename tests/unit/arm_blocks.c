/* SPDX-License-Identifier: MIT */
/* Functions of 64-bit Arm that do something with what malloc gave, and some in which one call follows
 * another. The words are the assembler's. For test_blocks_aarch64.c. */
#include "arm_module.h"

const struct arm_function arm_back[] = {
    {"helper",
     0x2a00,
     {
         0xd65f03c0, /* ret */
     }},
    {"back_plain",
     0x2b00,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff63f, /* bl malloc */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
     }},
    {"back_signed",
     0x2c00,
     {
         0xd503233f, /* paciasp */
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x910003fd, /* mov x29, sp */
         0x97fff5fd, /* bl malloc */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f0bff, /* retaa */
     }},
    {"back_spilled",
     0x2d00,
     {
         0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
         0x910003fd, /* mov x29, sp */
         0x97fff5be, /* bl malloc */
         0xf9000fe0, /* str x0, [sp, #24] */
         0x52800000, /* mov w0, #0 */
         0xf9400fe0, /* ldr x0, [sp, #24] */
         0xa8c27bfd, /* ldp x29, x30, [sp], #32 */
         0xd65f03c0, /* ret */
     }},
    {"back_by_frame",
     0x2e00,
     {
         0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
         0x910003fd, /* mov x29, sp */
         0x97fff57e, /* bl malloc */
         0xf9000fa0, /* str x0, [x29, #24] */
         0x52800000, /* mov w0, #0 */
         0xf9400fe0, /* ldr x0, [sp, #24] */
         0xa8c27bfd, /* ldp x29, x30, [sp], #32 */
         0xd65f03c0, /* ret */
     }},
    {"back_from_frame",
     0x2f00,
     {
         0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
         0x97fff53f, /* bl malloc */
         0x910003fd, /* mov x29, sp */
         0xf9000fa0, /* str x0, [x29, #24] */
         0x52800000, /* mov w0, #0 */
         0xf9400fe0, /* ldr x0, [sp, #24] */
         0xa8c27bfd, /* ldp x29, x30, [sp], #32 */
         0xd65f03c0, /* ret */
     }},
    {"back_never",
     0x3000,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff4ff, /* bl malloc */
         0x52800000, /* mov w0, #0 */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
     }},
    {"back_half",
     0x3100,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff4bf, /* bl malloc */
         0x2a0003e0, /* mov w0, w0 */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
     }},
    {"back_tail",
     0x3200,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff47f, /* bl malloc */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xb0000021, /* adrp x1, variable */
         0x17fff480, /* b memcpy */
     }},
    {"back_other_tail",
     0x3300,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff43f, /* bl malloc */
         0xaa0003e1, /* mov x1, x0 */
         0xb0000020, /* adrp x0, variable */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0x17fff443, /* b abort */
     }},
    {"back_static",
     0x3400,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff3ff, /* bl malloc */
         0xb0000021, /* adrp x1, variable */
         0xf9008020, /* str x0, [x1, #:lo12:variable] */
         0x52800000, /* mov w0, #0 */
         0xb0000022, /* adrp x2, variable */
         0xf9408040, /* ldr x0, [x2, #:lo12:variable] */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
     }},
    {"back_selected",
     0x3500,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff3bf, /* bl malloc */
         0xf100003f, /* cmp x1, #0 */
         0x9a8003e0, /* csel x0, xzr, x0, eq */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
     }},
    {"back_ends",
     0x3600,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff37f, /* bl malloc */
         0xb4000080, /* cbz x0, 1f */
         0x52800000, /* mov w0, #0 */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
         0x97fff382, /* 1: bl abort */
     }},
    {"back_traps",
     0x3700,
     {
         0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
         0x97fff33f, /* bl malloc */
         0x36000081, /* tbz w1, #0, 1f */
         0x52800000, /* mov w0, #0 */
         0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
         0xd65f03c0, /* ret */
         0xd4207d00, /* 1: brk #1000 */
     }},
};
const size_t arm_back_count = sizeof(arm_back) / sizeof(arm_back[0]);

const struct arm_function arm_stores[] = {
    {"store_parameter",
     0x3800,
     {
         0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
         0xf9000bf3, /* str x19, [sp, #16] */
         0xaa0003f3, /* mov x19, x0 */
         0x97fff2fd, /* bl malloc */
         0xf9000660, /* str x0, [x19, #8] */
         0x52800000, /* mov w0, #0 */
         0xf9400bf3, /* ldr x19, [sp, #16] */
         0xa8c27bfd, /* ldp x29, x30, [sp], #32 */
         0xd65f03c0, /* ret */
     }},
    {"store_pair",
     0x3900,
     {
         0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
         0xf9000bf3, /* str x19, [sp, #16] */
         0xaa0103f3, /* mov x19, x1 */
         0x97fff2bd, /* bl malloc */
         0xa901027f, /* stp xzr, x0, [x19, #16] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_pre_index",
     0x3a00,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x97fff27f, /* bl malloc */
         0xf8010e60, /* str x0, [x19, #16]! */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_local",
     0x3b00,
     {
         0xd10083ff, /* sub sp, sp, #32 */
         0x97fff23f, /* bl malloc */
         0xf90007e0, /* str x0, [sp, #8] */
         0x52800000, /* mov w0, #0 */
         0x910083ff, /* add sp, sp, #32 */
         0xd65f03c0, /* ret */
     }},
    {"store_half",
     0x3c00,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x97fff1ff, /* bl malloc */
         0xb9000260, /* str w0, [x19] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_null",
     0x3d00,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x97fff1bf, /* bl malloc */
         0xf900027f, /* str xzr, [x19] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_static",
     0x3e00,
     {
         0x97fff180, /* bl malloc */
         0xb0000021, /* adrp x1, variable */
         0x91040021, /* add x1, x1, #:lo12:variable */
         0xf9000020, /* str x0, [x1] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_own_address",
     0x3f00,
     {
         0x97fff140, /* bl malloc */
         0xb0000021, /* adrp x1, got_own */
         0xf9401021, /* ldr x1, [x1, #:lo12:got_own] */
         0xf9000020, /* str x0, [x1] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_through_static",
     0x4000,
     {
         0x97fff100, /* bl malloc */
         0x90000021, /* adrp x1, variable */
         0xf9408021, /* ldr x1, [x1, #:lo12:variable] */
         0xf9000020, /* str x0, [x1] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_import",
     0x4100,
     {
         0x97fff0c0, /* bl malloc */
         0x90000021, /* adrp x1, got_variable */
         0xf9400c21, /* ldr x1, [x1, #:lo12:got_variable] */
         0xf9000020, /* str x0, [x1] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_thread",
     0x4200,
     {
         0x97fff080, /* bl malloc */
         0xd53bd041, /* mrs x1, tpidr_el0 */
         0x91004021, /* add x1, x1, #16 */
         0xf9000020, /* str x0, [x1] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_vector",
     0x4300,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x97fff03f, /* bl malloc */
         0x9e670000, /* fmov d0, x0 */
         0xfd000260, /* str d0, [x19] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_vector_pair",
     0x4400,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x97ffefff, /* bl malloc */
         0x9e6703e0, /* fmov d0, xzr */
         0x4e181c00, /* mov v0.d[1], x0 */
         0x3d800260, /* str q0, [x19] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_vector_cleared",
     0x4500,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x97ffefbf, /* bl malloc */
         0x9e670000, /* fmov d0, x0 */
         0x6f00e400, /* movi v0.2d, #0 */
         0xfd000260, /* str d0, [x19] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_release",
     0x4600,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x97ffef7f, /* bl malloc */
         0xc89ffe60, /* stlr x0, [x19] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_swapped",
     0x4700,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x52800001, /* mov w1, #0 */
         0x97ffef3e, /* bl malloc */
         0xd2800001, /* mov x1, #0 */
         0xc8a17e60, /* cas x1, x0, [x19] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_element",
     0x4800,
     {
         0xaa0003f3, /* mov x19, x0 */
         0xaa0103f4, /* mov x20, x1 */
         0x97ffeefe, /* bl malloc */
         0xf8347a60, /* str x0, [x19, x20, lsl #3] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
    {"store_callee",
     0x4900,
     {
         0xaa0003f3, /* mov x19, x0 */
         0x97ffeebf, /* bl malloc */
         0xaa0003e1, /* mov x1, x0 */
         0xaa1303e0, /* mov x0, x19 */
         0x1400003c, /* b link */
     }},
    {"link",
     0x4a00,
     {
         0xf9000c01, /* str x1, [x0, #24] */
         0x52800000, /* mov w0, #0 */
         0xd65f03c0, /* ret */
     }},
};
const size_t arm_stores_count = sizeof(arm_stores) / sizeof(arm_stores[0]);

const struct arm_function arm_follow[] = {
    {"follow_straight",
     0x4b00,
     {
         0x97fff7c0, /* bl helper */
         0x97fff7bf, /* bl helper */
         0xd65f03c0, /* ret */
     }},
    {"follow_loop",
     0x4c00,
     {
         0x97fff780, /* bl helper */
         0x97fff77f, /* bl helper */
         0x35ffffc0, /* cbnz w0, follow_loop */
         0xd65f03c0, /* ret */
     }},
    {"follow_ends",
     0x4d00,
     {
         0x97fff740, /* bl helper */
         0x97ffedc7, /* bl abort */
         0x97fff73e, /* bl helper */
         0xd65f03c0, /* ret */
     }},
    {"follow_jump",
     0x4e00,
     {
         0x97fff700, /* bl helper */
         0x34000040, /* cbz w0, 1f */
         0xd65f03c0, /* ret */
         0x17fff6fd, /* 1: b helper */
     }},
};
const size_t arm_follow_count = sizeof(arm_follow) / sizeof(arm_follow[0]);
