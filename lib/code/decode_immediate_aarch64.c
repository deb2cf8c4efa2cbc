/* SPDX-License-Identifier: MIT */
/* A64 instructions with an immediate operand: addresses, sums, logic, moves of 16 bits, fields of bits.
 * Called by decode_aarch64.c. */
#include "encodings_aarch64.h"

/* adr, adrp. */
static void decode_address(uint32_t word, struct tn_operands_aarch64 *operands)
{
    int64_t offset = tn_a64_signed(word, 5, 19) * 4 + (int64_t)(word >> 29 & 3);
    bool is_page = word >> 31 != 0;
    operands->operation = is_page ? TN_A64_PAGE : TN_A64_ADDRESS;
    operands->immediate = is_page ? offset * 4096 : offset;
    operands->is_wide = true;
}

/* add, adds, sub, subs; cmp is a subs that drops its result. */
static void decode_sum(uint32_t word, struct tn_operands_aarch64 *operands)
{
    bool is_subtract = (word >> 30 & 1) != 0, sets_flags = (word >> 29 & 1) != 0;
    operands->operation = is_subtract ? TN_A64_SUBTRACT : TN_A64_ADD;
    operands->rn = tn_a64_base(word, 5);
    operands->rd = sets_flags ? tn_a64_register(word, 0) : tn_a64_base(word, 0);
    operands->immediate = (int64_t)(word >> 10 & 0xfff) << ((word >> 22 & 1) != 0 ? 12 : 0);
    if (operands->rd == TN_NO_REGISTER)
        operands->operation = is_subtract ? TN_A64_COMPARE : TN_A64_NOTHING;
}

/* The immediate of logic: a run of ones, rotated, and repeated over the register. From DecodeBitMasks in the
 * manual. Returns 0 where it is not valid: none of them is 0. */
static uint64_t bit_mask(uint32_t word)
{
    unsigned immediate_s = word >> 10 & 63, rotation = word >> 16 & 63, size = 64;
    unsigned pattern = (word >> 22 & 1) << 6 | (~immediate_s & 63);
    while (size > 1 && (pattern & size) == 0)
        size /= 2;
    unsigned ones = (immediate_s & (size - 1)) + 1;
    if (size == 1 || ones == size)
        return 0;
    rotation &= size - 1;
    uint64_t all = size == 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1;
    uint64_t mask = (UINT64_C(1) << ones) - 1;
    if (rotation != 0)
        mask = (mask >> rotation | mask << (size - rotation)) & all;
    for (; size < 64; size *= 2)
        mask |= mask << size;
    return mask;
}

static void decode_logic(uint32_t word, struct tn_operands_aarch64 *operands)
{
    static const enum tn_a64_operation operations[] = {TN_A64_AND, TN_A64_OR, TN_A64_XOR, TN_A64_AND};
    unsigned operation = word >> 29 & 3;
    uint64_t mask = bit_mask(word);
    operands->operation = mask != 0 ? operations[operation] : TN_A64_UNKNOWN;
    operands->rn = tn_a64_register(word, 5);
    operands->rd = operation == 3 ? tn_a64_register(word, 0) : tn_a64_base(word, 0);
    operands->immediate = (int64_t)(operands->is_wide ? mask : (uint32_t)mask);
}

/* movn, movz, movk. */
static void decode_move(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned operation = word >> 29 & 3, shift = (word >> 21 & 3) * 16;
    uint64_t number = (uint64_t)(word >> 5 & 0xffff) << shift;
    operands->operation = operation == 3 ? TN_A64_INSERT : TN_A64_NUMBER;
    operands->shift = (uint8_t)shift;
    number = operation == 0 ? ~number : number;
    operands->immediate = (int64_t)(operands->is_wide ? number : (uint32_t)number);
}

/* sbfm, ubfm: shifts and extensions are forms of them. */
static void decode_field(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned operation = word >> 29 & 3, size = operands->is_wide ? 64 : 32;
    unsigned rotation = word >> 16 & 63, highest = word >> 10 & 63;
    operands->operation = TN_A64_UNKNOWN;
    operands->rn = tn_a64_register(word, 5);
    operands->is_signed = operation == 0;
    if (operation == 1 || operation == 3 || rotation >= size || highest >= size) /* bfm */
        return;
    if (highest < rotation) {
        unsigned shift = size - rotation, bits = highest + 1;
        if (bits + shift < size && bits < 32)
            return;
        operands->operation = TN_A64_SHIFT;
        operands->immediate = shift;
    } else if (rotation == 0) {
        operands->operation = TN_A64_EXTEND;
        operands->field_bits = (uint8_t)(highest + 1);
    } else if (highest == size - 1) {
        operands->operation = TN_A64_SHIFT;
        operands->immediate = -(int64_t)rotation;
    }
}

void tn_a64_decode_immediate(uint32_t word, struct tn_operands_aarch64 *operands)
{
    operands->rd = tn_a64_register(word, 0);
    operands->is_wide = word >> 31 != 0;
    operands->operation = TN_A64_UNKNOWN;
    if ((word & 0x1f000000) == 0x10000000)
        decode_address(word, operands);
    else if ((word & 0x1f800000) == 0x11000000)
        decode_sum(word, operands);
    else if ((word & 0x1f800000) == 0x12000000)
        decode_logic(word, operands);
    else if ((word & 0x1f800000) == 0x12800000)
        decode_move(word, operands);
    else if ((word & 0x1f800000) == 0x13000000)
        decode_field(word, operands);
}
