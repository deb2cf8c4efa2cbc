/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_PROCESSOR_X86_64_H
#define TN_CODE_PROCESSOR_X86_64_H

/* What the files of x86-64 offer each other; see processor.h for what their functions do. */

#include "code_values.h"
#include "holders.h"

#include <stdbool.h>
#include <stdint.h>

void tn_x86_64_step(struct tn_code_values *values, const struct tn_instruction *instruction, uint64_t end);

void tn_x86_64_step_holders(struct tn_holders *holders, const struct tn_instruction *instruction,
                            uint64_t end);

bool tn_x86_64_stores(const struct tn_code_values *values, const struct tn_instruction *instruction,
                      uint64_t end, struct tn_stored *ret_stored);

/* The address of the operand in memory. end: address behind the instruction. */
struct tn_code_value tn_x86_64_address(const struct tn_code_values *values,
                                       const struct tn_operands_x86_64 *operands, uint64_t end);

/* What an instruction that works on SSE registers does to the halves that hold the block, to words of the
 * frame that they are stored in, and to a general register that one is moved to.
 *
 * address  of its operand in memory
 * Returns  whether nothing else is to be known of the instruction */
bool tn_x86_64_step_vector(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                           struct tn_code_value address);

#endif
