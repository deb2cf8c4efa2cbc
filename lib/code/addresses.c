/* SPDX-License-Identifier: MIT */
/* Addresses as values. An element of a table lies at the table's address plus a number that is not known
 * before the program runs: which object it belongs to is known all the same. Where pointers are followed, a
 * number counts as the address of a static object if the module has data there. Called by instructions.c. */
#include "addresses.h"

#include "multiples.h"

static const struct tn_code_value unknown = {0};

static struct tn_code_value number(int64_t value)
{
    return (struct tn_code_value){.kind = TN_VALUE_NUMBER, .low = value, .high = value};
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
    return values->follows_block && tn_code_is_fixed(values->code) && is_static(values, number(value));
}

struct tn_code_value tn_code_value_plus(const struct tn_code_values *values, struct tn_code_value value,
                                        int64_t add)
{
    bool is_one = value.kind == TN_VALUE_NUMBER && value.low == value.high;
    int64_t sum;
    /* what is taken off again may lead back to the start */
    if (value.kind == TN_VALUE_BLOCK && add != 0)
        value.low = add > 0;
    if (tn_code_value_is_followed(value))
        return value;
    if (value.kind == TN_VALUE_NUMBER && !is_one && is_static(values, value))
        return tn_code_value_reach(value, false);
    if (value.kind == TN_VALUE_UNKNOWN && is_static_number(values, add))
        return tn_code_value_reach(number(add), false);
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

/* With an index that is not known, or that is itself the address, as compilers write it where they do not
 * optimise. */
static struct tn_code_value indexed(const struct tn_code_values *values, const struct tn_operands *operands)
{
    struct tn_code_value base =
        operands->base != TN_NO_REGISTER ? values->registers[operands->base] : number(0);
    struct tn_code_value index = operands->scale == 1 ? values->registers[operands->index] : unknown;
    struct tn_code_value moved = tn_code_value_move(values, base, index);
    return moved.kind != TN_VALUE_UNKNOWN
               ? moved
               : tn_code_value_plus(values, unknown, operands->memory_displacement);
}

static struct tn_code_value with_index(const struct tn_code_values *values,
                                       const struct tn_operands *operands)
{
    int64_t displacement = operands->memory_displacement;
    struct tn_code_value index = values->registers[operands->index];
    struct tn_code_value base =
        operands->base != TN_NO_REGISTER ? values->registers[operands->base] : number(0);
    struct tn_code_value scaled = tn_code_value_times(values, index, operands->scale);
    if (scaled.kind == TN_VALUE_UNKNOWN)
        return indexed(values, operands);
    if (scaled.kind == TN_VALUE_NUMBER) {
        struct tn_code_value sum =
            tn_code_value_plus(values, tn_code_value_plus(values, base, scaled.low), displacement);
        return sum.kind != TN_VALUE_UNKNOWN ? sum : indexed(values, operands);
    }
    bool is_one = base.kind == TN_VALUE_NUMBER && base.low == base.high;
    return tn_code_value_plus(values,
                              is_one ? tn_code_value_plus(values, scaled, base.low)
                                     : tn_code_value_sum(values, base, scaled, 1),
                              displacement);
}

struct tn_code_value tn_code_values_address(const struct tn_code_values *values,
                                            const struct tn_operands *operands, uint64_t end)
{
    int64_t displacement = operands->memory_displacement;
    if (operands->is_thread_local)
        return values->follows_block ? tn_code_value_reach(number(1), false) : unknown;
    if (operands->is_rip_relative)
        return number((int64_t)(end + (uint64_t)displacement));
    if (operands->index != TN_NO_REGISTER)
        return with_index(values, operands);
    if (operands->base == TN_NO_REGISTER)
        return number(displacement);
    return tn_code_value_plus(values, values->registers[operands->base], displacement);
}
