/* SPDX-License-Identifier: MIT */
/* Follows numbers that stand in the code, and arguments that a function was given, through registers and
 * through the words of its own frame. What is not listed here is unknown, so that a number is a number on
 * every path. Where a block is followed, addresses that were found from others are known by these: an element
 * of a table lies at the table's address plus a number that is not known before the program runs, and belongs
 * to it all the same. There, a number counts as the address of a static object if the module has data there.
 */
#include "arithmetic.h"

#include "multiples.h"

static const struct tn_code_value unknown = {0};

struct tn_code_value tn_code_value_number(int64_t value)
{
    return (struct tn_code_value){.kind = TN_VALUE_NUMBER, .low = value, .high = value};
}

bool tn_code_value_is_number(struct tn_code_value value)
{
    return value.kind == TN_VALUE_NUMBER && value.low == value.high;
}

bool tn_code_value_is_followed(struct tn_code_value value)
{
    return value.kind >= TN_VALUE_BLOCK;
}

/* One of two static objects, by the way that was taken, is one, too. */
static bool is_static(const struct tn_code_values *values, struct tn_code_value value)
{
    return values->follows_block && value.kind == TN_VALUE_NUMBER &&
           tn_code_is_data(values->code, (uint64_t)value.low) &&
           (value.low == value.high || tn_code_is_data(values->code, (uint64_t)value.high));
}

/* Numbers that stand in the code are addresses only where the module is always loaded at the same place. */
static bool is_static_number(const struct tn_code_values *values, int64_t value)
{
    return values->follows_block && tn_code_is_fixed(values->code) &&
           is_static(values, tn_code_value_number(value));
}

struct tn_code_value tn_code_value_plus(const struct tn_code_values *values, struct tn_code_value value,
                                        int64_t add)
{
    bool is_one = tn_code_value_is_number(value);
    int64_t sum;
    /* what is taken off again may lead back to the start */
    if (value.kind == TN_VALUE_BLOCK && add != 0)
        value.low = add > 0;
    if (tn_code_value_is_followed(value))
        return value;
    if (value.kind == TN_VALUE_NUMBER && !is_one && is_static(values, value))
        return tn_code_value_reach(value, false);
    if (value.kind == TN_VALUE_UNKNOWN && is_static_number(values, add))
        return tn_code_value_reach(tn_code_value_number(add), false);
    if ((!is_one && value.kind != TN_VALUE_PARAMETER && value.kind != TN_VALUE_STACK &&
         value.kind != TN_VALUE_MULTIPLE) ||
        __builtin_add_overflow(value.low, add, &sum))
        return unknown;
    value.low = sum;
    if (value.kind != TN_VALUE_MULTIPLE)
        value.high = is_one ? sum : 0;
    return value;
}

static bool is_address(const struct tn_code_values *values, struct tn_code_value value)
{
    return tn_code_value_is_followed(value) || value.kind == TN_VALUE_PARAMETER ||
           value.kind == TN_VALUE_STACK || is_static(values, value);
}

struct tn_code_value tn_code_value_move(const struct tn_code_values *values, struct tn_code_value one,
                                        struct tn_code_value other)
{
    if (!values->follows_block || is_address(values, one) == is_address(values, other))
        return unknown;
    struct tn_code_value address = is_address(values, one) ? one : other;
    if (address.kind != TN_VALUE_BLOCK)
        return tn_code_value_reach(address, false);
    address.low = 1;
    return address;
}

static struct tn_code_value add(const struct tn_code_values *values, struct tn_code_value left,
                                struct tn_code_value right)
{
    struct tn_code_value sum = tn_code_value_is_number(right)  ? tn_code_value_plus(values, left, right.low)
                               : tn_code_value_is_number(left) ? tn_code_value_plus(values, right, left.low)
                                                               : unknown;
    return sum.kind != TN_VALUE_UNKNOWN ? sum : tn_code_value_move(values, left, right);
}

static struct tn_code_value combine_numbers(enum tn_arithmetic operation, int64_t left, int64_t right)
{
    switch (operation) {
    case TN_OR:
        return tn_code_value_number(left | right);
    case TN_AND:
        return tn_code_value_number(left & right);
    case TN_XOR:
        return tn_code_value_number(left ^ right);
    default:
        return unknown;
    }
}

struct tn_code_value tn_code_value_combine(const struct tn_code_values *values, enum tn_arithmetic operation,
                                           struct tn_code_value left, struct tn_code_value right)
{
    bool is_left = tn_code_value_is_number(left), is_right = tn_code_value_is_number(right);
    bool is_kept = operation == TN_OR || operation == TN_AND; /* a flag in it, its alignment */
    if (tn_code_value_is_followed(left) && is_right && is_kept)
        return left;
    if (operation == TN_SUBTRACT && is_right && right.low != INT64_MIN)
        return tn_code_value_plus(values, left, -right.low);
    if ((operation == TN_ADD || operation == TN_SUBTRACT) && tn_code_value_factor(values, left) != 0 &&
        tn_code_value_factor(values, right) != 0)
        return tn_code_value_sum(values, left, right, operation == TN_ADD ? 1 : -1);
    if (operation == TN_ADD)
        return add(values, left, right);
    return is_left && is_right ? combine_numbers(operation, left.low, right.low) : unknown;
}

struct tn_code_value tn_code_value_shift(const struct tn_code_values *values, struct tn_code_value value,
                                         int64_t count)
{
    bool is_plain = tn_code_value_is_number(value) && value.low >= 0 && value.low <= INT32_MAX;
    if (count < -31 || count > 31)
        return unknown;
    if (count >= 0 && (is_plain || tn_code_value_factor(values, value) != 0))
        return tn_code_value_times(values, value, INT64_C(1) << count);
    return is_plain && count < 0 ? tn_code_value_number(value.low >> -count) : unknown;
}

struct tn_code_value tn_code_value_narrow(struct tn_code_value value, unsigned bytes)
{
    return bytes < 8 && tn_code_value_is_followed(value) ? unknown : value;
}

void tn_code_values_escape(struct tn_code_values *values, struct tn_code_value value)
{
    if (value.kind == TN_VALUE_STACK && value.low < values->escaped)
        values->escaped = value.low;
}

void tn_code_values_set(struct tn_code_values *values, uint8_t reg, struct tn_code_value value)
{
    if (reg != values->processor->stack_register && reg != values->processor->frame_register)
        tn_code_values_escape(values, value);
    values->registers[reg % TN_REGISTERS] = value;
    if (reg == values->compared)
        values->compared = TN_NO_REGISTER;
}

/* What lies at an address that is no known word of the frame, where pointers are followed. */
static struct tn_code_value load_pointer(const struct tn_code_values *values, struct tn_code_value address,
                                         bool is_own)
{
    bool is_pointed = values->has_pointed && address.kind == TN_VALUE_PARAMETER &&
                      address.reg == values->pointed_reg && address.low == values->pointed_offset;
    bool is_variable = values->left.in_variable && tn_code_value_is_number(address) && address.low != 0 &&
                       address.low == values->variable;
    if (is_pointed || is_variable)
        return (struct tn_code_value){.kind = TN_VALUE_BLOCK};
    bool is_filled_in = address.kind == TN_VALUE_NUMBER && address.low != 0 &&
                        tn_map_find(&values->code->imports, (uint64_t)address.low) != NULL;
    return tn_code_value_reach(address, !is_filled_in && !is_own);
}

struct tn_code_value tn_code_values_load(const struct tn_code_values *values, struct tn_code_value address,
                                         unsigned bytes, bool is_own)
{
    struct tn_code_value word = tn_stack_word_find(values, address, bytes);
    bool is_pointer = values->follows_block && word.kind == TN_VALUE_UNKNOWN && bytes == 8;
    return is_pointer ? load_pointer(values, address, is_own) : tn_code_value_narrow(word, bytes);
}

void tn_code_values_store(struct tn_code_values *values, struct tn_code_value address,
                          struct tn_code_value base, unsigned bytes, struct tn_code_value value)
{
    if (address.kind == TN_VALUE_STACK) {
        tn_stack_word_store(values, address.low, bytes, tn_code_value_narrow(value, bytes));
        return;
    }
    if (!values->follows_block && base.kind == TN_VALUE_STACK)
        tn_stack_words_forget(values, base.low, INT64_MAX);
    tn_stack_words_forget_escaped(values);
}

void tn_code_values_call(struct tn_code_values *values)
{
    for (size_t i = 0; i < values->processor->lost_count; i++)
        values->registers[values->processor->lost[i]] = unknown;
    values->low_halves = values->high_halves = 0;
    values->compared = TN_NO_REGISTER;
    tn_stack_words_forget_escaped(values);
}

void tn_code_values_forget_all(struct tn_code_values *values)
{
    for (uint8_t i = 0; i < values->processor->register_count; i++)
        if (i != values->processor->stack_register)
            values->registers[i] = unknown;
    values->compared = TN_NO_REGISTER;
    tn_stack_words_forget_escaped(values);
}
