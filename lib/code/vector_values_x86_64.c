/* SPDX-License-Identifier: MIT */
/* Follows a block through SSE registers, which compilers use to store two pointers at once and to copy small
 * structs. Each register has two halves of eight bytes. What is not listed here leaves no block in the
 * register that it writes. Called by instructions_x86_64.c where a block is followed. */
#include "processor_x86_64.h"

enum half { HALF_LOW = 1, HALF_HIGH = 2, HALF_BOTH = 3 };

static unsigned halves_of(const struct tn_code_values *values, uint8_t reg)
{
    return (values->low_halves >> (reg & 15) & 1u) | (values->high_halves >> (reg & 15) & 1u) << 1;
}

static void set_halves(struct tn_code_values *values, uint8_t reg, unsigned which, unsigned held)
{
    uint32_t bit = 1u << (reg & 15);
    if ((which & HALF_LOW) != 0)
        values->low_halves = (values->low_halves & ~bit) | ((held & HALF_LOW) != 0 ? bit : 0);
    if ((which & HALF_HIGH) != 0)
        values->high_halves = (values->high_halves & ~bit) | ((held & HALF_HIGH) != 0 ? bit : 0);
}

/* Which halves of the operand hold the block. */
static unsigned load_halves(const struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                            struct tn_code_value address)
{
    if (!operands->is_memory)
        return halves_of(values, operands->rm);
    unsigned low = tn_stack_word_find(values, address, 8).kind == TN_VALUE_BLOCK;
    address.low += 8;
    unsigned high = tn_stack_word_find(values, address, 8).kind == TN_VALUE_BLOCK;
    return low | high << 1;
}

static void store_half(struct tn_code_values *values, int64_t offset, bool is_block)
{
    struct tn_code_value value = {.kind = is_block ? TN_VALUE_BLOCK : TN_VALUE_UNKNOWN};
    tn_stack_word_store(values, offset, 8, value);
}

static unsigned stored_halves(const struct tn_operands_x86_64 *operands)
{
    if (!operands->is_memory || operands->map != TN_MAP_TWO)
        return 0;
    switch (operands->opcode) {
    case 0x11: /* movups, movupd; with a repeat prefix movss, movsd */
        return operands->has_repeat ? HALF_LOW : HALF_BOTH;
    case 0x29:
    case 0x2b:
    case 0x7f:
    case 0xe7:
        return HALF_BOTH;
    case 0x13:
    case 0xd6:
        return HALF_LOW;
    case 0x17:
        return HALF_HIGH;
    case 0x7e:
        return operands->has_repeat ? 0 : HALF_LOW;
    default:
        return 0;
    }
}

static void store_halves(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                         unsigned which, struct tn_code_value address)
{
    unsigned held = halves_of(values, operands->reg);
    if (address.kind != TN_VALUE_STACK)
        return;
    if (which == HALF_HIGH)
        store_half(values, address.low, (held & HALF_HIGH) != 0);
    if ((which & HALF_LOW) != 0)
        store_half(values, address.low, (held & HALF_LOW) != 0);
    if (which == HALF_BOTH)
        store_half(values, address.low + 8, (held & HALF_HIGH) != 0);
}

/* An opcode that moves a half between registers, or loads one. Returns whether it is one. */
static bool move_half(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                      unsigned source)
{
    unsigned low = source & HALF_LOW;
    switch (operands->opcode) {
    case 0x12: /* movlps; between registers movhlps */
        set_halves(values, operands->reg, HALF_LOW, operands->is_memory ? low : source >> 1);
        return true;
    case 0x14: /* unpcklpd */
    case 0x16: /* movhps; movlhps */
    case 0x6c: /* punpcklqdq */
        set_halves(values, operands->reg, HALF_HIGH, low << 1);
        return true;
    case 0x6d: /* punpckhqdq */
        set_halves(values, operands->reg, HALF_LOW, halves_of(values, operands->reg) >> 1);
        set_halves(values, operands->reg, HALF_HIGH, source);
        return true;
    default:
        return false;
    }
}

static bool is_register_move(uint8_t opcode)
{
    return opcode == 0x10 || opcode == 0x28 || opcode == 0x6f;
}

static bool writes_vector(uint8_t opcode)
{
    bool writes_general = opcode == 0x2c || opcode == 0x2d || opcode == 0x2e || opcode == 0x2f ||
                          opcode == 0x50 || opcode == 0x7e || opcode == 0xc3 || opcode == 0xc5 ||
                          opcode == 0xd7;
    return !writes_general && (((opcode >= 0x10 && opcode <= 0x17) || (opcode >= 0x28 && opcode <= 0x2f) ||
                                (opcode >= 0x51 && opcode <= 0x7f)) ||
                               (opcode >= 0xc2 && opcode <= 0xc6) || opcode >= 0xd0);
}

static void step_two(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                     struct tn_code_value address)
{
    unsigned stored = stored_halves(operands);
    unsigned source = load_halves(values, operands, address);
    bool is_block = values->registers[operands->rm & 15].kind == TN_VALUE_BLOCK;
    if (stored != 0)
        store_halves(values, operands, stored, address);
    else if (move_half(values, operands, source))
        return;
    else if (operands->opcode == 0x6e)
        set_halves(values, operands->reg, HALF_BOTH,
                   operands->is_memory ? source & HALF_LOW : (unsigned)(operands->is_wide && is_block));
    else if (operands->opcode == 0x7e && operands->has_repeat)
        set_halves(values, operands->reg, HALF_BOTH, source & HALF_LOW);
    else if (is_register_move(operands->opcode))
        set_halves(values, operands->reg, HALF_BOTH, source);
    else if (operands->opcode == 0x70 || operands->opcode == 0xc6) /* shuffles: either half may be either */
        set_halves(values, operands->reg, HALF_BOTH, source != 0 ? HALF_BOTH : 0);
    else if (writes_vector(operands->opcode))
        set_halves(values, operands->reg, HALF_BOTH, 0);
}

/* pinsrq: a half comes from a general register or memory. */
static void insert_half(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                        struct tn_code_value address)
{
    unsigned half = (operands->immediate & 1) != 0 ? HALF_HIGH : HALF_LOW;
    struct tn_code_value source =
        operands->is_memory ? tn_stack_word_find(values, address, 8) : values->registers[operands->rm & 15];
    set_halves(values, operands->reg, half,
               operands->is_wide && source.kind == TN_VALUE_BLOCK ? (unsigned)half : 0);
}

bool tn_x86_64_step_vector(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                           struct tn_code_value address)
{
    if (!operands->has_modrm)
        return false;
    if (operands->is_vector) {
        set_halves(values, operands->reg, HALF_BOTH, 0);
        return false;
    }
    if (operands->map == TN_MAP_0F3A && operands->opcode == 0x22) {
        insert_half(values, operands, address);
        return true;
    }
    if (operands->map != TN_MAP_TWO)
        return false;
    bool is_to_general = operands->opcode == 0x7e && !operands->has_repeat && !operands->is_memory;
    if (is_to_general) {
        bool is_block = operands->is_wide && (halves_of(values, operands->reg) & HALF_LOW) != 0;
        values->registers[operands->rm & 15] =
            (struct tn_code_value){.kind = is_block ? TN_VALUE_BLOCK : TN_VALUE_UNKNOWN};
        return true;
    }
    step_two(values, operands, address);
    return false;
}

/* Whether an instruction stores a half of an SSE register that holds the block. */
static bool stores_half(const struct tn_code_values *values, const struct tn_operands_x86_64 *operands)
{
    return (halves_of(values, operands->reg) & stored_halves(operands)) != 0;
}

static bool is_store(const struct tn_code_values *values, const struct tn_operands_x86_64 *operands)
{
    bool is_block = operands->has_modrm && values->registers[operands->reg & 15].kind == TN_VALUE_BLOCK;
    if (operands->is_vector)
        return false;
    if (operands->map == TN_MAP_ONE)
        return operands->is_wide && is_block && (operands->opcode == 0x89 || operands->opcode == 0x87);
    if (operands->map != TN_MAP_TWO)
        return false;
    bool is_exchange = operands->opcode == 0xb1; /* cmpxchg */
    return (is_exchange && operands->is_wide && is_block) || stores_half(values, operands);
}

/* Of what SSE registers hold nothing is known but the block. */
static bool may_store_address(const struct tn_code_values *values, const struct tn_operands_x86_64 *operands)
{
    bool is_plain = operands->map == TN_MAP_ONE && operands->opcode == 0x89 && operands->is_wide;
    enum tn_value_kind kind = values->registers[operands->reg & 15].kind;
    bool is_address = is_plain && kind != TN_VALUE_UNKNOWN && kind != TN_VALUE_MULTIPLE;
    return is_address || (operands->has_modrm && (operands->is_vector || stored_halves(operands) != 0));
}

bool tn_x86_64_stores(const struct tn_code_values *values, const struct tn_instruction *instruction,
                      uint64_t end, struct tn_stored *ret_stored)
{
    const struct tn_operands_x86_64 *operands = &instruction->operands.x86_64;
    if (!operands->is_memory)
        return false;
    bool is_block = is_store(values, operands), may_be_address = may_store_address(values, operands);
    if (!is_block && !may_be_address)
        return false;
    *ret_stored = (struct tn_stored){.address = tn_x86_64_address(values, operands, end),
                                     .is_block = is_block,
                                     .is_inside = operands->map == TN_MAP_ONE &&
                                                  values->registers[operands->reg & 15].low != 0,
                                     .may_be_address = may_be_address};
    return true;
}
