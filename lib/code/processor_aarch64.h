/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_PROCESSOR_AARCH64_H
#define TN_CODE_PROCESSOR_AARCH64_H

/* What the files of 64-bit Arm offer each other; see processor.h for what their functions do. */

#include "code_values.h"
#include "holders.h"

#include <stdbool.h>
#include <stdint.h>

void tn_aarch64_step(struct tn_code_values *values, const struct tn_instruction *instruction, uint64_t end);

void tn_aarch64_step_holders(struct tn_holders *holders, const struct tn_instruction *instruction,
                             uint64_t end);

bool tn_aarch64_stores(const struct tn_code_values *values, const struct tn_instruction *instruction,
                       uint64_t end, struct tn_stored *ret_stored);

/* The address of the operand in memory. end: address behind the instruction. */
struct tn_code_value tn_aarch64_address(const struct tn_code_values *values,
                                        const struct tn_operands_aarch64 *operands, uint64_t end);

/* What an instruction that works on vector registers does to the halves that hold the block, to memory that
 * they are stored in, and to a general register that one is moved to.
 *
 * address  of its operand in memory */
void tn_aarch64_step_vector(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                            struct tn_code_value address);

/* The halves of a vector register that hold the block: 1 the low one, 2 the high one, or both. */
unsigned tn_aarch64_halves(const struct tn_code_values *values, uint8_t reg);

#endif
