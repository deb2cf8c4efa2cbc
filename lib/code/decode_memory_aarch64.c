/* SPDX-License-Identifier: MIT */
/* A64 loads and stores. Called by decode_aarch64.c. What is not listed here is taken to write the general
 * registers that it may name, and memory. */
#include "encodings_aarch64.h"

/* The operation of a load or store of general or vector registers. */
static void set_access(struct tn_operands_aarch64 *operands, bool is_vector, bool is_load)
{
    operands->operation = is_vector ? TN_A64_VECTOR : is_load ? TN_A64_LOAD : TN_A64_STORE;
    operands->vector_operation = is_load ? TN_A64_VECTOR_LOAD : TN_A64_VECTOR_STORE;
}

static void set_vector_registers(uint32_t word, struct tn_operands_aarch64 *operands, bool is_pair)
{
    operands->rd = word & 31;
    if (is_pair)
        operands->ra = word >> 10 & 31;
}

/* cas and casp: the old word comes into the register that was compared. */
static void decode_compare_and_swap(uint32_t word, struct tn_operands_aarch64 *operands, bool is_pair)
{
    operands->operation = is_pair ? TN_A64_UPDATE : TN_A64_EXCHANGE;
    operands->rm = tn_a64_register(word, 0);
    operands->rd = tn_a64_register(word, 16);
    if (is_pair)
        operands->status = (word >> 16 & 31) | 1;
}

/* ldxr, stxr, ldar, stlr, cas and their kin. */
static void decode_exclusive(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned size = word >> 30, is_ordered = word >> 23 & 1, is_load = word >> 22 & 1,
             is_pair = word >> 21 & 1;
    operands->bytes = (uint8_t)(1u << size);
    if (is_pair != 0 && (is_ordered != 0 || size < 2)) {
        operands->bytes = is_ordered != 0 ? operands->bytes : (uint8_t)(4u << (size & 1));
        decode_compare_and_swap(word, operands, is_ordered == 0);
        return;
    }
    set_access(operands, false, is_load != 0);
    if (is_pair != 0)
        operands->ra = tn_a64_register(word, 10);
    if (is_ordered == 0 && is_load == 0)
        operands->status = tn_a64_register(word, 16);
}

/* ldr from a place beside the code. */
static void decode_literal(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned size = word >> 30;
    bool is_vector = (word >> 26 & 1) != 0;
    operands->mode = TN_A64_LITERAL;
    operands->rn = TN_NO_REGISTER;
    operands->immediate = tn_a64_signed(word, 5, 19) * 4;
    operands->bytes = is_vector ? (uint8_t)(4u << size) : size == 1 ? 8 : 4;
    operands->is_signed = size == 2;
    set_access(operands, is_vector, true);
    if (is_vector)
        set_vector_registers(word, operands, false);
    else if (size == 3)
        operands->operation = TN_A64_NOTHING; /* prfm */
}

/* ldp, stp, ldnp, stnp, ldpsw. */
static void decode_pair(uint32_t word, struct tn_operands_aarch64 *operands)
{
    static const enum tn_a64_mode modes[] = {TN_A64_OFFSET, TN_A64_POST, TN_A64_OFFSET, TN_A64_PRE};
    unsigned size = word >> 30;
    bool is_vector = (word >> 26 & 1) != 0, is_load = (word >> 22 & 1) != 0;
    operands->bytes = is_vector ? (uint8_t)(4u << (size & 3)) : size == 2 ? 8 : 4;
    operands->is_signed = size == 1;
    operands->mode = modes[word >> 23 & 3];
    operands->immediate =
        tn_a64_signed(word, 15, 7) * (!is_vector && size == 1 && !is_load ? 16 : operands->bytes);
    operands->ra = tn_a64_register(word, 10);
    set_access(operands, is_vector, is_load);
    if (is_vector)
        set_vector_registers(word, operands, true);
    else if (size == 1 && !is_load)
        operands->bytes = 8; /* stgp: a pair, and tags */
}

/* swp, ldadd and its kin. */
static void decode_atomic(uint32_t word, struct tn_operands_aarch64 *operands)
{
    bool is_swap = (word & 0x0000f000) == 0x00008000, is_load = (word & 0x0000f000) == 0x0000c000;
    operands->rm = tn_a64_register(word, 16);
    operands->operation = is_swap ? TN_A64_EXCHANGE : is_load ? TN_A64_LOAD : TN_A64_UPDATE; /* ldapr */
}

static void decode_index(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned option = word >> 13 & 7, bits = 0;
    while (operands->bytes >> bits > 1)
        bits++;
    operands->mode = TN_A64_INDEXED;
    operands->rm = tn_a64_register(word, 16);
    operands->extension = option == 2 ? TN_A64_WORD : option == 6 ? TN_A64_SIGNED_WORD : TN_A64_WHOLE;
    operands->shift = (word >> 12 & 1) != 0 ? (uint8_t)bits : 0;
}

/* ldraa, ldrab: the address is checked, and kept. */
static void decode_authenticated(uint32_t word, struct tn_operands_aarch64 *operands)
{
    int64_t high = tn_a64_signed(word, 22, 1);
    operands->operation = TN_A64_LOAD;
    operands->bytes = 8;
    operands->mode = (word >> 11 & 1) != 0 ? TN_A64_PRE : TN_A64_OFFSET;
    operands->immediate = (high * 512 + (int64_t)(word >> 12 & 0x1ff)) * 8;
}

static void decode_address(uint32_t word, struct tn_operands_aarch64 *operands)
{
    static const enum tn_a64_mode modes[] = {TN_A64_OFFSET, TN_A64_POST, TN_A64_OFFSET, TN_A64_PRE};
    bool has_twelve_bits = (word >> 24 & 1) != 0;
    operands->mode = has_twelve_bits ? TN_A64_OFFSET : modes[word >> 10 & 3];
    operands->immediate =
        has_twelve_bits ? (int64_t)(word >> 10 & 0xfff) * operands->bytes : tn_a64_signed(word, 12, 9);
}

/* ldr, str, ldur and so on, of one register. */
static void decode_single(uint32_t word, struct tn_operands_aarch64 *operands)
{
    unsigned size = word >> 30, operation = word >> 22 & 3;
    bool is_vector = (word >> 26 & 1) != 0, has_register = (word & 0x01200000) == 0x00200000;
    bool is_load = is_vector ? (operation & 1) != 0 : operation != 0;
    operands->bytes = (uint8_t)(is_vector && (operation & 2) != 0 ? 16 : 1u << size);
    operands->is_signed = !is_vector && operation >= 2;
    set_access(operands, is_vector, is_load);
    if (has_register && (word >> 10 & 3) == 2)
        decode_index(word, operands);
    else if (has_register && (word >> 10 & 3) == 0)
        decode_atomic(word, operands);
    else if (has_register)
        decode_authenticated(word, operands);
    else
        decode_address(word, operands);
    if (is_vector)
        set_vector_registers(word, operands, false);
    else if (size == 3 && operation >= 2 && operands->operation == TN_A64_LOAD && !has_register)
        operands->operation = TN_A64_NOTHING; /* prfm */
    else if (size == 3 && operation >= 2 && operands->mode == TN_A64_INDEXED)
        operands->operation = TN_A64_NOTHING;
}

/* ld1, st1 and so on, of several registers or one element. */
static void decode_structures(uint32_t word, struct tn_operands_aarch64 *operands)
{
    bool is_load = (word >> 22 & 1) != 0, changes_base = (word >> 23 & 1) != 0;
    operands->operation = TN_A64_VECTOR;
    operands->vector_operation = is_load ? TN_A64_VECTOR_CLEAR_FOUR : TN_A64_VECTOR_TO_MEMORY;
    operands->rd = word & 31;
    operands->status = changes_base ? operands->rn : TN_NO_REGISTER;
}

void tn_a64_decode_memory(uint32_t word, struct tn_operands_aarch64 *operands)
{
    operands->rd = tn_a64_register(word, 0);
    operands->rn = tn_a64_base(word, 5);
    operands->is_wide = true;
    if ((word & 0x3f000000) == 0x08000000) {
        decode_exclusive(word, operands);
    } else if ((word & 0x3b000000) == 0x18000000) {
        decode_literal(word, operands);
    } else if ((word & 0x3a000000) == 0x28000000) {
        decode_pair(word, operands);
    } else if ((word & 0x3a000000) == 0x38000000) {
        decode_single(word, operands);
    } else if ((word & 0xbe000000) == 0x0c000000) {
        decode_structures(word, operands);
    } else if ((word & 0x3f200c00) == 0x19000000) { /* ldapur, stlur */
        operands->bytes = (uint8_t)(1u << (word >> 30));
        operands->immediate = tn_a64_signed(word, 12, 9);
        operands->is_signed = (word >> 23 & 1) != 0;
        set_access(operands, false, (word >> 22 & 3) != 0);
    } else { /* copies of memory, tags */
        operands->operation = TN_A64_UPDATE;
        operands->status = tn_a64_register(word, 16);
    }
}
