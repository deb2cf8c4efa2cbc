/* SPDX-License-Identifier: MIT */
/* A64 instructions whose operands are all general registers. Called by decode_aarch64.c; what is not listed
 * here writes something unknown. */
#include "encodings_aarch64.h"

/* Shifted by so many bits: to the left alone is followed. */
static void decode_shift(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned type = word >> 22 & 3, bits = word >> 10 & 63;
    operands->extension = type == 0 || bits == 0 ? TN_A64_WHOLE : TN_A64_OTHER;
    operands->shift = (uint8_t)bits;
}

/* and, orr, eor, ands; with the bits of rm inverted: bic, orn, eon. */
static void decode_logic(uint32_t word, struct tn_operands_aarch64 *operands)
{
    static const enum tn_a64_operation operations[] = {TN_A64_AND, TN_A64_OR, TN_A64_XOR, TN_A64_AND};
    bool is_inverted = (word >> 21 & 1) != 0;
    operands->operation = is_inverted ? TN_A64_UNKNOWN : operations[word >> 29 & 3];
    decode_shift(word, operands);
}

/* An extension of rm, as option gives it. In 32-bit forms all of the register is taken by a word. */
static void decode_extension(unsigned option, struct tn_operands_aarch64 *operands)
{
    bool is_word = (option & 3) == 2, is_whole = (option & 3) == 3 || (is_word && !operands->is_wide);
    operands->is_signed = option >= 4;
    operands->field_bits = (uint8_t)(8u << (option & 3));
    operands->extension = is_whole                         ? TN_A64_WHOLE
                          : is_word && operands->is_signed ? TN_A64_SIGNED_WORD
                          : is_word                        ? TN_A64_WORD
                                                           : TN_A64_OTHER;
}

static void decode_sum(uint32_t word, struct tn_operands_aarch64 *operands)
{
    bool is_extended = (word >> 21 & 1) != 0, sets_flags = (word >> 29 & 1) != 0;
    operands->operation = (word >> 30 & 1) != 0 ? TN_A64_SUBTRACT : TN_A64_ADD;
    if (!is_extended) {
        decode_shift(word, operands);
        return;
    }
    decode_extension(word >> 13 & 7, operands);
    operands->shift = word >> 10 & 7;
    operands->rn = tn_a64_base(word, 5);
    if (!sets_flags)
        operands->rd = tn_a64_base(word, 0);
}

/* csel, csinc, csinv, csneg. */
static void decode_select(uint32_t word, struct tn_operands_aarch64 *operands)
{
    static const enum tn_a64_selection selections[] = {TN_A64_AS_IS, TN_A64_INCREMENT, TN_A64_INVERT,
                                                       TN_A64_NEGATE};
    operands->operation = TN_A64_SELECT;
    operands->selection = selections[(word >> 29 & 2) | (word >> 10 & 1)];
}

/* madd, msub, and those that multiply words: smaddl, umaddl and so on. */
static void decode_multiply(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned form = word >> 21 & 7;
    if (form != 0 && form != 1 && form != 5)
        return;
    operands->operation = TN_A64_MULTIPLY;
    operands->ra = tn_a64_register(word, 10);
    operands->is_negative = (word >> 15 & 1) != 0;
}

/* Signing and checking of addresses leaves what they lead to. */
static bool is_authentication(uint32_t word)
{
    return (word & 0xffff0000) == 0xdac10000;
}

void tn_a64_decode_register(uint32_t word, struct tn_operands_aarch64 *operands)
{
    operands->rd = tn_a64_register(word, 0);
    operands->rn = tn_a64_register(word, 5);
    operands->rm = tn_a64_register(word, 16);
    operands->has_rm = true;
    operands->is_wide = word >> 31 != 0;
    operands->operation = TN_A64_UNKNOWN;
    if ((word & 0x1f000000) == 0x0a000000)
        decode_logic(word, operands);
    else if ((word & 0x1f000000) == 0x0b000000)
        decode_sum(word, operands);
    else if ((word & 0x1fe00000) == 0x1a800000)
        decode_select(word, operands);
    else if ((word & 0x1f000000) == 0x1b000000)
        decode_multiply(word, operands);
    else if ((word & 0x1fe00000) == 0x1a400000 || is_authentication(word)) /* ccmp, ccmn */
        operands->operation = TN_A64_NOTHING;
}
