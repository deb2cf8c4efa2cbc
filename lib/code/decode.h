/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_DECODE_H
#define TN_CODE_DECODE_H

/* How long an instruction is, where execution goes on after it, and its operands. What all processors have in
 * common is here, their operands in a header for each. For all that reads code in lib/code. */

#include "operands_aarch64.h"
#include "operands_x86_64.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_NO_REGISTER 0xffu /* where the number of a register may stand: there is none */

/* Where execution goes on after an instruction. */
enum tn_instruction_flow {
    TN_FLOW_NEXT,     /* goes on behind itself */
    TN_FLOW_CALL,     /* calls, and goes on behind itself */
    TN_FLOW_BRANCH,   /* goes on behind itself or at its target */
    TN_FLOW_JUMP,     /* goes on at its target */
    TN_FLOW_RETURN,   /* returns */
    TN_FLOW_LEAVE,    /* goes on where a fixed word of memory says: in another module's function */
    TN_FLOW_STOP,     /* stops the program */
    TN_FLOW_INDIRECT, /* goes on where a register or memory says */
};

/* Which of its ways a branch takes where a number is 0. */
enum tn_zero_way { TN_ZERO_UNTOLD, TN_ZERO_TAKEN, TN_ZERO_PASSED };

/* What the decoder says of an instruction. Written by that of its processor. */
struct tn_instruction {
    uint32_t size_bytes;           /* 1 to 15 */
    enum tn_instruction_flow flow; /* where execution goes on */
    bool is_direct;                /* a call of a target that stands in the instruction */
    int64_t displacement;  /* of a branch or jump or direct call: target minus the end of the instruction */
    uint64_t read_address; /* of a call or jump to where a fixed word of memory says: that word; 0: it is
                              another one. Written by tn_code_read only */
    enum tn_zero_way
        zero; /* of a branch that compares with 0, or asks whether the instruction before found 0 */
    uint8_t zero_register; /* what it compares itself; TN_NO_REGISTER: the instruction before did */
    uint8_t jump_register; /* of a jump through a register, where the processor has no other ones; else 0 */
    union {
        struct tn_operands_x86_64 x86_64;
        struct tn_operands_aarch64 aarch64;
    } operands; /* the module's processor decides which */
};

/* Decode one instruction of x86-64.
 *
 * bytes    from its first byte on; size_bytes of them may be read
 * Returns  0, or -EINVAL: no instruction, one that user code does not have, or cut off */
int tn_decode_x86_64(const uint8_t *bytes, size_t size_bytes, struct tn_instruction *ret_instruction);

/* Decode one instruction of 64-bit Arm (A64). Its size is always 4 bytes.
 *
 * bytes    as above
 * Returns  0; -EINVAL: cut off, or in a part of the encodings that has no instructions */
int tn_decode_aarch64(const uint8_t *bytes, size_t size_bytes, struct tn_instruction *ret_instruction);

#endif
