/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_ENCODINGS_AARCH64_H
#define TN_CODE_ENCODINGS_AARCH64_H

/* The groups of A64's encodings, each decoded in a file of its own, and fields of a word that they share. For
 * decode_aarch64.c. */

#include "decode.h"

#include <stdint.h>

#define TN_A64_BYTES 4u /* of every instruction */

/* So many bits of a word from `low` on, with sign. */
static inline int64_t tn_a64_signed(uint32_t word, unsigned low, unsigned bits)
{
    int64_t sign = INT64_C(1) << (bits - 1);
    return (int64_t)((word >> low & ((UINT64_C(1) << bits) - 1)) ^ (uint64_t)sign) - sign;
}

/* The register in five bits from `low` on, where 31 is the zero register. */
static inline uint8_t tn_a64_register(uint32_t word, unsigned low)
{
    uint8_t reg = word >> low & 31;
    return reg == 31 ? TN_NO_REGISTER : reg;
}

/* The same where 31 is the stack pointer. */
static inline uint8_t tn_a64_base(uint32_t word, unsigned low)
{
    return word >> low & 31;
}

/* Calls and jumps through registers, returns, exceptions, system registers, hints. */
void tn_a64_decode_system(uint32_t word, struct tn_instruction *ret_instruction);

/* Data processing with an immediate operand. The registers of operands are TN_NO_REGISTER before. */
void tn_a64_decode_immediate(uint32_t word, struct tn_operands_aarch64 *operands);

/* Data processing with registers. The same holds. */
void tn_a64_decode_register(uint32_t word, struct tn_operands_aarch64 *operands);

/* Loads and stores. */
void tn_a64_decode_memory(uint32_t word, struct tn_operands_aarch64 *operands);

/* Vectors and floating point. */
void tn_a64_decode_vector(uint32_t word, struct tn_operands_aarch64 *operands);

/* Vectors of any size (SVE): what they may do to general registers. */
void tn_a64_decode_scalable(uint32_t word, struct tn_operands_aarch64 *operands);

#endif
