/* SPDX-License-Identifier: MIT */
/* A64 instructions of floating point and vectors: moves of halves, and which ones write a general register.
 * Called by decode_aarch64.c; all others leave something else in the vector register that they write. */
#include "encodings_aarch64.h"

/* An instruction that is told by bits of its word. */
struct vector_form {
    uint32_t mask, bits;
    enum tn_a64_vector_operation operation;
};

static const struct vector_form forms[] = {
    {0xffe0fc00, 0x4ea01c00, TN_A64_VECTOR_MOVE},      /* orr of 16 bytes: a move where rn is rm */
    {0xffe0fc00, 0x0ea01c00, TN_A64_VECTOR_LOW},       /* the same of 8 bytes */
    {0xfffffc00, 0x1e604000, TN_A64_VECTOR_LOW},       /* fmov between registers of 8 bytes */
    {0xffe0fc00, 0x4ec03800, TN_A64_VECTOR_LOW_LOW},   /* zip1, uzp1, trn1 of 8 bytes */
    {0xffe0fc00, 0x4ec01800, TN_A64_VECTOR_LOW_LOW},   /* the same */
    {0xffe0fc00, 0x4ec02800, TN_A64_VECTOR_LOW_LOW},   /* the same */
    {0xffe0fc00, 0x4ec07800, TN_A64_VECTOR_HIGH_HIGH}, /* zip2, uzp2, trn2 of 8 bytes */
    {0xffe0fc00, 0x4ec05800, TN_A64_VECTOR_HIGH_HIGH}, /* the same */
    {0xffe0fc00, 0x4ec06800, TN_A64_VECTOR_HIGH_HIGH}, /* the same */
};

/* Copies of elements: dup, ins, umov, smov. Elements of 8 bytes are halves. */
static enum tn_a64_vector_operation copy_of(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned element = word >> 16 & 31, form = word >> 11 & 15;
    bool is_half = (element & 15) == 8, is_full = (word >> 30 & 1) != 0;
    operands->target_half = operands->source_half = element >> 4 & 1;
    if ((word >> 29 & 1) != 0) {
        operands->source_half = form >> 3 & 1;
        return is_half ? TN_A64_VECTOR_INSERT_HALF : TN_A64_VECTOR_CLEAR;
    }
    switch (form) {
    case 0:
        return is_half && is_full ? TN_A64_VECTOR_REPEAT : TN_A64_VECTOR_CLEAR;
    case 1:
        return is_half && is_full ? TN_A64_VECTOR_BOTH : TN_A64_VECTOR_CLEAR;
    case 3:
        return is_half ? TN_A64_VECTOR_INSERT : TN_A64_VECTOR_CLEAR;
    case 7:
        return is_half ? TN_A64_VECTOR_TO_GENERAL : TN_A64_VECTOR_GENERAL;
    default:
        return form == 5 ? TN_A64_VECTOR_GENERAL : TN_A64_VECTOR_CLEAR;
    }
}

/* Conversions between floating point and general registers, and fmov between them. */
static enum tn_a64_vector_operation conversion_of(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned form = word >> 16 & 7;
    switch (word & 0xfffffc00) {
    case 0x9e670000: /* fmov d, x */
        return TN_A64_VECTOR_FROM_GENERAL;
    case 0x9eaf0000: /* fmov v.d[1], x */
        operands->target_half = 1;
        return TN_A64_VECTOR_INSERT;
    case 0x9e660000: /* fmov x, d */
        return TN_A64_VECTOR_TO_GENERAL;
    case 0x9eae0000: /* fmov x, v.d[1] */
        operands->source_half = 1;
        return TN_A64_VECTOR_TO_GENERAL;
    default:
        return form == 2 || form == 3 || form == 7 ? TN_A64_VECTOR_CLEAR : TN_A64_VECTOR_GENERAL;
    }
}

static enum tn_a64_vector_operation form_of(uint32_t word)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if ((word & forms[i].mask) == forms[i].bits)
            return forms[i].operation;
    return TN_A64_VECTOR_CLEAR;
}

void tn_a64_decode_vector(uint32_t word, struct tn_operands_aarch64 *operands)
{
    bool is_conversion = (word & 0x5f20fc00) == 0x1e200000 || (word & 0x5f200000) == 0x1e000000;
    operands->rd = word & 31;
    operands->rn = word >> 5 & 31;
    operands->rm = word >> 16 & 31;
    operands->operation = TN_A64_VECTOR;
    if ((word & 0x5f203c00) == 0x1e202000 || (word & 0x5f200c00) == 0x1e200400) { /* fcmp, fccmp */
        operands->operation = TN_A64_NOTHING;
    } else if ((word & 0x9fe08400) == 0x0e000400) {
        operands->vector_operation = copy_of(word, operands);
    } else if ((word & 0xffeffc00) == 0x5e080400) { /* dup of a half into 8 bytes */
        operands->vector_operation = TN_A64_VECTOR_LOW;
        operands->source_half = word >> 20 & 1;
    } else if (is_conversion) {
        operands->vector_operation = conversion_of(word, operands);
    } else {
        operands->vector_operation = form_of(word);
        bool is_other = (word & 0xbfe0fc00) == 0x0ea01c00 && operands->rn != operands->rm;
        if (is_other)
            operands->vector_operation = TN_A64_VECTOR_CLEAR;
    }
}

/* Loads and stores have the highest bit; of all others some write general registers. */
void tn_a64_decode_scalable(uint32_t word, struct tn_operands_aarch64 *operands)
{
    bool is_memory = word >> 31 != 0, is_store = word >> 29 == 7;
    bool moves_stack = (word & 0xffa0f81f) == 0x0420501f; /* addvl, addpl */
    operands->rd = word & 31;
    operands->operation = moves_stack ? TN_A64_MOVE_STACK : TN_A64_VECTOR;
    operands->vector_operation = !is_memory ? TN_A64_VECTOR_GENERAL
                                 : is_store ? TN_A64_VECTOR_TO_MEMORY
                                            : TN_A64_VECTOR_CLEAR_FOUR;
}
