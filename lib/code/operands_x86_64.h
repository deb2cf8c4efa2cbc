/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_OPERANDS_X86_64_H
#define TN_CODE_OPERANDS_X86_64_H

/* What an x86-64 instruction works on, as it is encoded. For the files of that processor, through
 * decode.h. */

#include <stdbool.h>
#include <stdint.h>

/* Opcode maps, as VEX and EVEX number them. */
enum tn_opcode_map { TN_MAP_ONE, TN_MAP_TWO, TN_MAP_0F38, TN_MAP_0F3A };

/* General registers, as instructions number them. */
enum tn_register { TN_RAX, TN_RCX, TN_RDX, TN_RBX, TN_RSP, TN_RBP, TN_RSI, TN_RDI };

/* What the instruction works on. Register numbers have the bits of the REX prefix. Written by the decoder. */
struct tn_operands_x86_64 {
    enum tn_opcode_map map;
    uint8_t opcode;       /* its last byte */
    bool is_vector;       /* VEX or EVEX: registers are not to be trusted */
    bool is_wide;         /* 64-bit operands */
    bool is_short;        /* 16-bit operands */
    bool has_repeat;      /* f2 or f3 before it */
    bool is_thread_local; /* memory: relative to the thread's own block */
    bool has_rex;         /* byte registers 4 to 7 are the low ones */
    bool has_modrm;       /* of the fields below, up to memory_displacement, without it only rm is valid */
    bool is_memory;       /* the operand of ModRM is in memory */
    bool is_rip_relative; /* memory: displacement from the end of the instruction */
    uint8_t reg;          /* register, or extension of the opcode */
    uint8_t rm;           /* register, where it is not in memory; without ModRM that in the opcode */
    uint8_t base, index;  /* of memory; TN_NO_REGISTER: none */
    uint8_t scale;        /* of index: 1, 2, 4, 8 */
    int32_t memory_displacement;
    int64_t immediate; /* sign-extended; 0: there is none */
};

#endif
