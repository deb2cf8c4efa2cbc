/* SPDX-License-Identifier: MIT */
/* Follows a block through vector registers, which compilers use to store two pointers at once and to copy
 * small structs; and notes what A64 stores in memory. Each register has two halves of eight bytes. Called by
 * instructions_aarch64.c, and by stores.c through the processor's table. */
#include "arithmetic.h"
#include "processor_aarch64.h"

enum register_half { HALF_LOW = 1, HALF_HIGH = 2, HALF_BOTH = 3 };

static const struct tn_code_value unknown = {0};

unsigned tn_aarch64_halves(const struct tn_code_values *values, uint8_t reg)
{
    return (values->low_halves >> (reg & 31) & 1u) | (values->high_halves >> (reg & 31) & 1u) << 1;
}

static void set_halves(struct tn_code_values *values, uint8_t reg, unsigned held)
{
    uint32_t bit = UINT32_C(1) << (reg & 31);
    values->low_halves = (values->low_halves & ~bit) | ((held & HALF_LOW) != 0 ? bit : 0);
    values->high_halves = (values->high_halves & ~bit) | ((held & HALF_HIGH) != 0 ? bit : 0);
}

static bool is_block_at(const struct tn_code_values *values, struct tn_code_value address)
{
    return tn_code_values_load(values, address, 8, false).kind == TN_VALUE_BLOCK;
}

/* Take what lies at an address into a register. */
static void load_halves(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                        uint8_t reg, struct tn_code_value address)
{
    struct tn_code_value second = tn_code_value_plus(values, address, 8);
    unsigned low = operands->bytes >= 8 && is_block_at(values, address);
    unsigned high = operands->bytes == 16 && is_block_at(values, second);
    set_halves(values, reg, values->follows_block ? low | high << 1 : 0);
}

static void store_halves(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                         uint8_t reg, struct tn_code_value address)
{
    struct tn_code_value block = {.kind = TN_VALUE_BLOCK}, second = tn_code_value_plus(values, address, 8);
    unsigned held = tn_aarch64_halves(values, reg);
    tn_code_values_store(values, address, unknown, operands->bytes, unknown);
    if (operands->bytes >= 8 && (held & HALF_LOW) != 0)
        tn_code_values_store(values, address, unknown, 8, block);
    if (operands->bytes == 16 && (held & HALF_HIGH) != 0)
        tn_code_values_store(values, second, unknown, 8, block);
}

static void step_memory(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                        struct tn_code_value address)
{
    struct tn_code_value second = tn_code_value_plus(values, address, operands->bytes);
    bool is_pair = operands->ra != TN_NO_REGISTER;
    if (operands->vector_operation == TN_A64_VECTOR_LOAD) {
        load_halves(values, operands, operands->rd, address);
        if (is_pair)
            load_halves(values, operands, operands->ra, second);
    } else {
        struct tn_code_value base = {0};
        if (operands->rn != TN_NO_REGISTER && values->registers[operands->rn].kind == TN_VALUE_STACK)
            base = values->registers[operands->rn];
        if (address.kind != TN_VALUE_STACK)
            tn_code_values_store(values, unknown, base, operands->bytes, unknown);
        store_halves(values, operands, operands->rd, address);
        if (is_pair)
            store_halves(values, operands, operands->ra, second);
    }
}

/* Of registers; general register 31 is the zero register. */
static unsigned general_half(const struct tn_code_values *values, uint8_t reg)
{
    return reg != 31 && values->registers[reg].kind == TN_VALUE_BLOCK;
}

static void set_general(struct tn_code_values *values, uint8_t reg, bool is_block)
{
    if (reg != 31)
        tn_code_values_set(values, reg,
                           (struct tn_code_value){.kind = is_block ? TN_VALUE_BLOCK : TN_VALUE_UNKNOWN});
}

/* The halves of rd after a move. */
static unsigned moved_halves(const struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    unsigned own = tn_aarch64_halves(values, operands->rd), first = tn_aarch64_halves(values, operands->rn);
    unsigned second = tn_aarch64_halves(values, operands->rm), target = 1u << operands->target_half;
    unsigned source = first >> operands->source_half & 1, general = general_half(values, operands->rn);
    switch (operands->vector_operation) {
    case TN_A64_VECTOR_MOVE:
        return first;
    case TN_A64_VECTOR_LOW:
        return source;
    case TN_A64_VECTOR_LOW_LOW:
        return (first & 1) | (second & 1) << 1;
    case TN_A64_VECTOR_HIGH_HIGH:
        return first >> 1 | (second & 2);
    case TN_A64_VECTOR_FROM_GENERAL:
        return general;
    case TN_A64_VECTOR_INSERT:
        return (own & ~target) | general << operands->target_half;
    case TN_A64_VECTOR_BOTH:
        return general * HALF_BOTH;
    case TN_A64_VECTOR_INSERT_HALF:
        return (own & ~target) | source << operands->target_half;
    case TN_A64_VECTOR_REPEAT:
        return source * HALF_BOTH;
    default:
        return 0;
    }
}

void tn_aarch64_step_vector(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                            struct tn_code_value address)
{
    unsigned source = tn_aarch64_halves(values, operands->rn) >> operands->source_half & 1;
    switch (operands->vector_operation) {
    case TN_A64_VECTOR_LOAD:
    case TN_A64_VECTOR_STORE:
        step_memory(values, operands, address);
        break;
    case TN_A64_VECTOR_TO_MEMORY:
        if (address.kind == TN_VALUE_STACK)
            tn_stack_words_forget(values, address.low, INT64_MAX);
        tn_code_values_store(values, unknown, unknown, 16, unknown);
        break;
    case TN_A64_VECTOR_CLEAR_FOUR:
        for (unsigned i = 0; i < 4; i++)
            set_halves(values, (uint8_t)((operands->rd + i) % 32), 0);
        break;
    case TN_A64_VECTOR_TO_GENERAL:
        set_general(values, operands->rd, source != 0);
        break;
    case TN_A64_VECTOR_GENERAL:
        set_general(values, operands->rd, false);
        set_halves(values, operands->rd, 0);
        break;
    default:
        set_halves(values, operands->rd, moved_halves(values, operands));
        break;
    }
}

/* ---------------------------------------------------------------------------------------- stores */

static bool is_block(const struct tn_code_values *values, uint8_t reg)
{
    return reg != TN_NO_REGISTER && values->registers[reg].kind == TN_VALUE_BLOCK;
}

static bool may_be_address(const struct tn_code_values *values, uint8_t reg)
{
    return reg != TN_NO_REGISTER && values->registers[reg].kind != TN_VALUE_UNKNOWN &&
           values->registers[reg].kind != TN_VALUE_MULTIPLE;
}

/* A store of general registers. Of a pair, the second one may have the block. */
static bool stores_general(const struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                           struct tn_stored *stored, unsigned *ret_offset)
{
    bool is_exchange = operands->operation == TN_A64_EXCHANGE;
    uint8_t first = is_exchange ? operands->rm : operands->rd,
            second = is_exchange ? TN_NO_REGISTER : operands->ra;
    if (operands->bytes != 8)
        return false;
    uint8_t reg = is_block(values, first) ? first : second;
    stored->is_block = is_block(values, reg);
    stored->is_inside = stored->is_block && values->registers[reg].low != 0;
    stored->may_be_address =
        !is_exchange && (may_be_address(values, first) || may_be_address(values, second));
    *ret_offset = stored->is_block && reg != first ? operands->bytes : 0;
    return stored->is_block || stored->may_be_address;
}

/* A store of vector registers: of what they hold nothing is known but the block. */
static bool stores_vector(const struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                          struct tn_stored *stored, unsigned *ret_offset)
{
    unsigned known = operands->bytes == 16 ? HALF_BOTH : operands->bytes == 8 ? HALF_LOW : 0;
    unsigned first = tn_aarch64_halves(values, operands->rd) & known;
    unsigned second = operands->ra != TN_NO_REGISTER ? tn_aarch64_halves(values, operands->ra) & known : 0;
    unsigned held = first != 0 ? first : second;
    stored->is_block = held != 0;
    stored->may_be_address = true;
    *ret_offset =
        (first != 0 || held == 0 ? 0 : operands->bytes) + ((held & HALF_LOW) != 0 || held == 0 ? 0 : 8);
    return true;
}

bool tn_aarch64_stores(const struct tn_code_values *values, const struct tn_instruction *instruction,
                       uint64_t end, struct tn_stored *ret_stored)
{
    const struct tn_operands_aarch64 *operands = &instruction->operands.aarch64;
    struct tn_stored stored = {0};
    unsigned offset = 0;
    bool is_store = operands->operation == TN_A64_STORE || operands->operation == TN_A64_EXCHANGE;
    bool is_vector =
        operands->operation == TN_A64_VECTOR && operands->vector_operation == TN_A64_VECTOR_STORE;
    if (!(is_store && stores_general(values, operands, &stored, &offset)) &&
        !(is_vector && stores_vector(values, operands, &stored, &offset)))
        return false;
    stored.address = tn_code_value_plus(values, tn_aarch64_address(values, operands, end), offset);
    *ret_stored = stored;
    return true;
}
