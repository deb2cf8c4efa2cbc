/* SPDX-License-Identifier: MIT */
/* What one A64 instruction does to values. Whatever an instruction does that is not listed here makes its
 * result unknown. Called by value_ways.c for each instruction, through the processor's table. */
#include "arithmetic.h"
#include "encodings_aarch64.h"
#include "multiples.h"
#include "processor_aarch64.h"

#define COMPARE_WORDS 4u /* behind a comparison that its branch is looked for in */

static const struct tn_code_value unknown = {0};

/* ---------------------------------------------------------------------------------------- operands */

static struct tn_code_value get(const struct tn_code_values *values, uint8_t reg)
{
    return reg == TN_NO_REGISTER ? tn_code_value_number(0) : values->registers[reg % TN_REGISTERS];
}

/* Part of an address is none; a number of 32 bits has zeros above. */
static struct tn_code_value narrow(struct tn_code_value value, bool is_wide)
{
    if (!is_wide && tn_code_value_is_number(value))
        return tn_code_value_number((int64_t)(uint32_t)value.low);
    return is_wide ? value : tn_code_value_narrow(value, 4);
}

static void set(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                struct tn_code_value value)
{
    if (operands->rd != TN_NO_REGISTER)
        tn_code_values_set(values, operands->rd, narrow(value, operands->is_wide));
}

/* rm, extended and shifted. A part of it is followed only if that is a number. */
static struct tn_code_value extended(const struct tn_code_values *values,
                                     const struct tn_operands_aarch64 *operands)
{
    struct tn_code_value value = get(values, operands->rm);
    if (operands->extension == TN_A64_OTHER)
        return unknown;
    if (operands->extension != TN_A64_WHOLE)
        value = tn_code_value_narrow(value, 4);
    return operands->shift == 0 ? value : tn_code_value_shift(values, value, operands->shift);
}

static struct tn_code_value other(const struct tn_code_values *values,
                                  const struct tn_operands_aarch64 *operands)
{
    return operands->has_rm ? extended(values, operands) : tn_code_value_number(operands->immediate);
}

struct tn_code_value tn_aarch64_address(const struct tn_code_values *values,
                                        const struct tn_operands_aarch64 *operands, uint64_t end)
{
    switch (operands->mode) {
    case TN_A64_LITERAL:
        return tn_code_value_number((int64_t)(end - TN_A64_BYTES + (uint64_t)operands->immediate));
    case TN_A64_INDEXED:
        return tn_code_value_combine(values, TN_ADD, get(values, operands->rn), extended(values, operands));
    case TN_A64_POST:
        return get(values, operands->rn);
    default:
        return tn_code_value_plus(values, get(values, operands->rn), operands->immediate);
    }
}

static void write_back(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    if (operands->status != TN_NO_REGISTER && operands->status != TN_A64_SP)
        tn_code_values_set(values, operands->status, unknown);
    if (operands->mode == TN_A64_PRE || operands->mode == TN_A64_POST)
        tn_code_values_set(values, operands->rn,
                           tn_code_value_plus(values, get(values, operands->rn), operands->immediate));
}

/* ---------------------------------------------------------------------------------------- memory */

/* A table in the code's module that a number is loaded from, with an index. */
static void note_table(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    struct tn_code_value base = get(values, operands->rn);
    if (operands->mode != TN_A64_INDEXED || !tn_code_value_is_number(base) || operands->bytes > 4)
        return;
    values->table = (struct tn_switch_table){
        .address = base.low,
        .bytes = operands->bytes,
        .is_signed = operands->is_signed,
        .count = operands->rm == values->compared ? values->compared_number : 0,
    };
}

static struct tn_code_value load(const struct tn_code_values *values,
                                 const struct tn_operands_aarch64 *operands, struct tn_code_value address)
{
    if (operands->bytes < 4)
        return unknown;
    const uint64_t *own = NULL;
    if (operands->bytes == 8 && tn_code_value_is_number(address) && values->code != NULL)
        own = tn_map_find(&values->code->own_addresses, (uint64_t)address.low);
    return own != NULL ? tn_code_value_number((int64_t)*own)
                       : tn_code_values_load(values, address, operands->bytes, false);
}

static void step_load(struct tn_code_values *values, const struct tn_operands_aarch64 *operands, uint64_t end)
{
    struct tn_code_value address = tn_aarch64_address(values, operands, end);
    struct tn_code_value second = tn_code_value_plus(values, address, operands->bytes);
    struct tn_code_value value = load(values, operands, address);
    struct tn_code_value next = operands->ra != TN_NO_REGISTER ? load(values, operands, second) : unknown;
    note_table(values, operands);
    write_back(values, operands);
    set(values, operands, value);
    if (operands->ra != TN_NO_REGISTER)
        tn_code_values_set(values, operands->ra, next);
}

/* The base of an address that is not known, where it lies in the frame. */
static struct tn_code_value base_of(const struct tn_code_values *values,
                                    const struct tn_operands_aarch64 *operands)
{
    bool is_frame = operands->rn != TN_NO_REGISTER && get(values, operands->rn).kind == TN_VALUE_STACK;
    return is_frame ? get(values, operands->rn) : unknown;
}

/* An address of the frame that is stored is known to others from then on. */
static void step_store(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                       uint64_t end)
{
    struct tn_code_value address = tn_aarch64_address(values, operands, end);
    struct tn_code_value base = base_of(values, operands);
    struct tn_code_value second = tn_code_value_plus(values, address, operands->bytes);
    tn_code_values_escape(values, get(values, operands->rd));
    tn_code_values_store(values, address, base, operands->bytes, get(values, operands->rd));
    if (operands->ra != TN_NO_REGISTER) {
        tn_code_values_escape(values, get(values, operands->ra));
        tn_code_values_store(values, second, base, operands->bytes, get(values, operands->ra));
    }
    write_back(values, operands);
}

/* What is computed in memory is not known. */
static void step_update(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                        uint64_t end)
{
    tn_code_values_store(values, tn_aarch64_address(values, operands, end), base_of(values, operands), 16,
                         unknown);
    write_back(values, operands);
    set(values, operands, unknown);
}

/* ---------------------------------------------------------------------------------------- arithmetic */

/* The sum of a number and of an entry of the table that was just loaded is where the switch goes on. */
static void note_target(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    struct tn_code_value left = get(values, operands->rn), right = get(values, operands->rm);
    bool is_left = tn_code_value_is_number(left) && right.kind == TN_VALUE_UNKNOWN;
    bool is_right = tn_code_value_is_number(right) && left.kind == TN_VALUE_UNKNOWN && operands->shift == 0;
    if (!operands->has_rm || values->table.address == 0 || (!is_left && !is_right))
        return;
    values->table.base = is_left ? left.low : right.low;
    values->table.shift = operands->shift;
    values->table.reg = operands->rd;
    if (operands->extension == TN_A64_OTHER)
        values->table.is_signed = operands->is_signed;
}

/* An element of a local array: its address may be used for any other one. */
static void escape_indexed(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                           struct tn_code_value right)
{
    if (operands->rd != TN_A64_SP && !tn_code_value_is_number(right))
        tn_code_values_escape(values, get(values, operands->rn));
}

static void step_sum(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    bool is_add = operands->operation == TN_A64_ADD;
    struct tn_code_value right = other(values, operands);
    if (is_add)
        note_target(values, operands);
    escape_indexed(values, operands, right);
    set(values, operands,
        tn_code_value_combine(values, is_add ? TN_ADD : TN_SUBTRACT, get(values, operands->rn), right));
}

/* A move is an or with the zero register. Where a frame is aligned, words are told apart from there on. */
static void step_logic(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    struct tn_code_value left = get(values, operands->rn), right = other(values, operands);
    enum tn_arithmetic operation = operands->operation == TN_A64_AND  ? TN_AND
                                   : operands->operation == TN_A64_OR ? TN_OR
                                                                      : TN_XOR;
    if (operation == TN_AND && left.kind == TN_VALUE_STACK)
        values->word_count = 0;
    if (operation == TN_OR && operands->has_rm && operands->rn == TN_NO_REGISTER)
        set(values, operands, right);
    else
        set(values, operands, tn_code_value_combine(values, operation, left, right));
}

static void step_multiply(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    struct tn_code_value product =
        tn_code_value_product(values, get(values, operands->rn), get(values, operands->rm));
    if (operands->ra != TN_NO_REGISTER)
        product = tn_code_value_combine(values, operands->is_negative ? TN_SUBTRACT : TN_ADD,
                                        get(values, operands->ra), product);
    else if (operands->is_negative)
        product = tn_code_value_times(values, product, -1);
    set(values, operands, product);
}

static struct tn_code_value extend(const struct tn_operands_aarch64 *operands, struct tn_code_value value)
{
    unsigned bits = operands->field_bits;
    if (bits >= 64 || !tn_code_value_is_number(value))
        return bits >= 32 ? tn_code_value_narrow(value, bits / 8) : unknown;
    uint64_t sign = UINT64_C(1) << (bits - 1), low = (uint64_t)value.low & ((sign << 1) - 1);
    return tn_code_value_number((int64_t)(operands->is_signed ? (low ^ sign) - sign : low));
}

static struct tn_code_value selected(const struct tn_code_values *values,
                                     const struct tn_operands_aarch64 *operands)
{
    struct tn_code_value value = get(values, operands->rm);
    if (operands->selection == TN_A64_AS_IS)
        return value;
    if (operands->selection == TN_A64_INCREMENT)
        return tn_code_value_plus(values, value, 1);
    if (!tn_code_value_is_number(value) || value.low == INT64_MIN)
        return unknown;
    return tn_code_value_number(operands->selection == TN_A64_INVERT ? ~value.low : -value.low);
}

static void step_select(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    struct tn_code_value second = narrow(selected(values, operands), operands->is_wide);
    set(values, operands, tn_code_value_join(get(values, operands->rn), second, values->follows_block));
}

/* A number of which 16 bits are replaced. */
static void step_insert(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    struct tn_code_value old = get(values, operands->rd);
    uint64_t mask = UINT64_C(0xffff) << operands->shift;
    set(values, operands,
        tn_code_value_is_number(old)
            ? tn_code_value_number((int64_t)(((uint64_t)old.low & ~mask) | (uint64_t)operands->immediate))
            : unknown);
}

/* A comparison that decides whether a switch has so many targets: the branch behind it is taken where a
 * number without sign is higher, or not. */
static void note_compared(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                          uint64_t end)
{
    for (uint64_t i = 0; values->code != NULL && i < COMPARE_WORDS; i++) {
        uint8_t bytes[TN_A64_BYTES];
        if (!tn_code_read_data(values->code, end + i * TN_A64_BYTES, bytes, sizeof(bytes)))
            return;
        unsigned condition = bytes[0] & 15u;
        bool is_higher = condition == 8 || condition == 9, is_at_least = condition == 2 || condition == 3;
        if (bytes[3] != 0x54)
            continue;
        if ((is_higher || is_at_least) && operands->immediate < INT32_MAX) {
            values->compared = operands->rn;
            values->compared_number = (uint32_t)operands->immediate + (is_higher ? 1 : 0);
        }
        return;
    }
}

/* ---------------------------------------------------------------------------------------- instructions */

static bool step_number(struct tn_code_values *values, const struct tn_operands_aarch64 *operands,
                        uint64_t end)
{
    uint64_t own = end - TN_A64_BYTES, offset = (uint64_t)operands->immediate;
    switch (operands->operation) {
    case TN_A64_NUMBER:
        set(values, operands, tn_code_value_number(operands->immediate));
        return true;
    case TN_A64_INSERT:
        step_insert(values, operands);
        return true;
    case TN_A64_ADDRESS:
        set(values, operands, tn_code_value_number((int64_t)(own + offset)));
        return true;
    case TN_A64_PAGE:
        set(values, operands, tn_code_value_number((int64_t)((own & ~UINT64_C(4095)) + offset)));
        return true;
    case TN_A64_COMPARE:
        note_compared(values, operands, end);
        return true;
    case TN_A64_SHIFT:
        set(values, operands,
            tn_code_value_shift(values, narrow(get(values, operands->rn), operands->is_wide),
                                operands->immediate));
        return true;
    case TN_A64_EXTEND:
        set(values, operands, extend(operands, get(values, operands->rn)));
        return true;
    default:
        return false;
    }
}

static bool step_arithmetic(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    switch (operands->operation) {
    case TN_A64_ADD:
    case TN_A64_SUBTRACT:
        step_sum(values, operands);
        return true;
    case TN_A64_AND:
    case TN_A64_OR:
    case TN_A64_XOR:
        step_logic(values, operands);
        return true;
    case TN_A64_MULTIPLY:
        step_multiply(values, operands);
        return true;
    case TN_A64_SELECT:
        step_select(values, operands);
        return true;
    default:
        return false;
    }
}

static void step_system(struct tn_code_values *values, const struct tn_operands_aarch64 *operands)
{
    switch (operands->operation) {
    case TN_A64_THREAD:
        set(values, &(struct tn_operands_aarch64){.rd = operands->rd, .is_wide = true},
            values->follows_block ? tn_code_value_reach(tn_code_value_number(1), false) : unknown);
        break;
    case TN_A64_KERNEL:
        tn_code_values_set(values, TN_A64_X0, unknown);
        tn_stack_words_forget_escaped(values);
        break;
    case TN_A64_MOVE_STACK:
        values->registers[TN_A64_SP] = unknown;
        break;
    case TN_A64_NOTHING:
        break;
    default:
        set(values, operands, unknown);
        break;
    }
}

void tn_aarch64_step(struct tn_code_values *values, const struct tn_instruction *instruction, uint64_t end)
{
    const struct tn_operands_aarch64 *operands = &instruction->operands.aarch64;
    values->tests_block = values->follows_block && operands->operation == TN_A64_COMPARE &&
                          operands->is_wide && operands->immediate == 0 &&
                          get(values, operands->rn).kind == TN_VALUE_BLOCK;
    if (step_number(values, operands, end) || step_arithmetic(values, operands))
        return;
    switch (operands->operation) {
    case TN_A64_LOAD:
        step_load(values, operands, end);
        break;
    case TN_A64_STORE:
        step_store(values, operands, end);
        break;
    case TN_A64_EXCHANGE:
    case TN_A64_UPDATE:
        step_update(values, operands, end);
        break;
    case TN_A64_VECTOR:
        tn_aarch64_step_vector(values, operands, tn_aarch64_address(values, operands, end));
        write_back(values, operands);
        break;
    default:
        step_system(values, operands);
        break;
    }
}
