/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_DECODE_H
#define TN_CODE_DECODE_H

/* How long an x86-64 instruction is, and where execution goes on after it. For follow.c. */

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

/* What tn_decode tells of an instruction. */
struct tn_instruction {
    uint32_t size_bytes;           /* 1 to 15 */
    enum tn_instruction_flow flow; /* where execution goes on */
    int64_t displacement;          /* of a branch or jump: target minus the end of the instruction */
};

/* Decode one instruction.
 *
 * bytes    from its first byte on; size_bytes of them may be read
 * Returns  0, or -EINVAL: no instruction, one that user code does not have, or cut off */
int tn_decode(const uint8_t *bytes, size_t size_bytes, struct tn_instruction *ret_instruction);

#endif
