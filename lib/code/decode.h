/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_DECODE_H
#define TN_CODE_DECODE_H

/* How long an x86-64 instruction is, where execution goes on after it, and its operands. For follow.c, and
 * for values.c, which interprets them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where execution goes on after an instruction. */
enum tn_instruction_flow {
    TN_FLOW_NEXT,     /* goes on behind itself */
    TN_FLOW_CALL,     /* calls, and goes on behind itself */
    TN_FLOW_BRANCH,   /* goes on behind itself or at its target */
    TN_FLOW_JUMP,     /* goes on at its target */
    TN_FLOW_END,      /* returns, or stops the program */
    TN_FLOW_INDIRECT, /* goes on where a register or memory says */
};

/* Opcode maps, as VEX and EVEX number them. */
enum tn_opcode_map { TN_MAP_ONE, TN_MAP_TWO, TN_MAP_0F38, TN_MAP_0F3A };

/* What the instruction works on, as it is encoded. Register numbers have the bits of the REX prefix. */
struct tn_operands {
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

#define TN_NO_REGISTER 0xffu

/* What tn_decode tells of an instruction. */
struct tn_instruction {
    uint32_t size_bytes;           /* 1 to 15 */
    enum tn_instruction_flow flow; /* where execution goes on */
    int64_t displacement; /* of a branch or jump or direct call: target minus the end of the instruction */
    struct tn_operands operands;
};

/* Decode one instruction.
 *
 * bytes    from its first byte on; size_bytes of them may be read
 * Returns  0, or -EINVAL: no instruction, one that user code does not have, or cut off */
int tn_decode(const uint8_t *bytes, size_t size_bytes, struct tn_instruction *ret_instruction);

#endif
