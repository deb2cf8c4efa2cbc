/* SPDX-License-Identifier: MIT */
/* Control flow and operands of one A64 instruction, by the groups of encodings in the Arm Architecture
 * Reference Manual, part C4. What the instruction does is left to others. Called for each instruction that is
 * read, through processor_aarch64.c. */
#include "decode.h"

#include "encodings_aarch64.h"

#include <errno.h>

/* Whether a branch goes where a register is 0, or where it is not. Of 32 bits nothing is told: part of an
 * address may be 0. */
static void decode_zero(uint32_t word, struct tn_instruction *ret)
{
    bool is_condition = (word & 0xff000010) == 0x54000000, is_compared = (word & 0xfe000000) == 0xb4000000;
    bool is_inverted = is_condition ? (word & 1) != 0 : (word & 0x01000000) != 0;
    if (is_compared)
        ret->zero_register = tn_a64_register(word, 0);
    if ((is_compared && ret->zero_register != TN_NO_REGISTER) || (is_condition && (word & 14) == 0))
        ret->zero = is_inverted ? TN_ZERO_PASSED : TN_ZERO_TAKEN;
}

/* Branches, exceptions and system instructions: bits 28 to 26 are 101. */
static void decode_branch(uint32_t word, struct tn_instruction *ret)
{
    if ((word & 0x7c000000) == 0x14000000) { /* b, bl */
        ret->is_direct = (word & 0x80000000) != 0;
        ret->flow = ret->is_direct ? TN_FLOW_CALL : TN_FLOW_JUMP;
        ret->displacement = tn_a64_signed(word, 0, 26) * 4 - 4;
    } else if ((word & 0xff000000) == 0x54000000 || (word & 0x7e000000) == 0x34000000) { /* b.cond, cbz */
        ret->flow = TN_FLOW_BRANCH;
        ret->displacement = tn_a64_signed(word, 5, 19) * 4 - 4;
        decode_zero(word, ret);
    } else if ((word & 0x7e000000) == 0x36000000) { /* tbz, tbnz */
        ret->flow = TN_FLOW_BRANCH;
        ret->displacement = tn_a64_signed(word, 5, 14) * 4 - 4;
    } else {
        tn_a64_decode_system(word, ret);
    }
}

/* Instructions that have no operand in memory, or none that is followed. */
static void decode_data(uint32_t word, struct tn_operands_aarch64 *operands)
{
    uint32_t group = word >> 25 & 15;
    if ((group & 14) == 8)
        tn_a64_decode_immediate(word, operands);
    else if ((group & 7) == 5)
        tn_a64_decode_register(word, operands);
    else if ((group & 7) == 7)
        tn_a64_decode_vector(word, operands);
    else if (group == 2)
        tn_a64_decode_scalable(word, operands);
}

int tn_decode_aarch64(const uint8_t *bytes, size_t size_bytes, struct tn_instruction *ret_instruction)
{
    if (size_bytes < TN_A64_BYTES)
        return -EINVAL;
    uint32_t word =
        (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    uint32_t group = word >> 25 & 15;
    struct tn_instruction instruction = {
        .size_bytes = TN_A64_BYTES, .flow = TN_FLOW_NEXT, .zero_register = TN_NO_REGISTER};
    struct tn_operands_aarch64 *operands = &instruction.operands.aarch64;
    operands->rd = operands->rn = operands->rm = operands->ra = operands->status = TN_NO_REGISTER;
    if (word >> 16 == 0)
        instruction.flow = TN_FLOW_STOP; /* udf */
    else if (group == 1 || group == 3 || (group == 0 && (word & 0x80000000) == 0))
        return -EINVAL; /* matrices, of SME, have bit 31 */
    else if ((group & 14) == 10)
        decode_branch(word, &instruction);
    else if ((group & 5) == 4)
        tn_a64_decode_memory(word, operands);
    else
        decode_data(word, operands);
    *ret_instruction = instruction;
    return 0;
}
