/* SPDX-License-Identifier: MIT */
/* Compilers multiply by shifts, sums and differences of the same register, and by addresses with an index.
 * Overflow makes a value unknown, so that a factor is never a wrong one. */
#include "multiples.h"

static const struct tn_code_value unknown = {0};

int64_t tn_code_value_factor(const struct tn_code_values *values, struct tn_code_value value)
{
    if (values->follows_block)
        return 0;
    return value.kind == TN_VALUE_PARAMETER ? 1 : value.kind == TN_VALUE_MULTIPLE ? value.high : 0;
}

static struct tn_code_value multiple(struct tn_code_value value, int64_t factor, int64_t low)
{
    if (factor == 0)
        return (struct tn_code_value){.kind = TN_VALUE_NUMBER, .low = low, .high = low};
    value.kind = factor == 1 ? TN_VALUE_PARAMETER : TN_VALUE_MULTIPLE;
    value.low = low;
    value.high = factor == 1 ? 0 : factor;
    return value;
}

struct tn_code_value tn_code_value_times(const struct tn_code_values *values, struct tn_code_value value,
                                         int64_t by)
{
    int64_t low, factor = tn_code_value_factor(values, value);
    bool is_one = value.kind == TN_VALUE_NUMBER && value.low == value.high;
    if ((!is_one && factor == 0) || __builtin_mul_overflow(value.low, by, &low) ||
        __builtin_mul_overflow(factor, by, &factor))
        return unknown;
    return multiple(value, factor, low);
}

struct tn_code_value tn_code_value_sum(const struct tn_code_values *values, struct tn_code_value left,
                                       struct tn_code_value right, int sign)
{
    int64_t low, factor = tn_code_value_factor(values, left);
    right = tn_code_value_times(values, right, sign);
    if (factor == 0 || tn_code_value_factor(values, right) == 0 || left.reg != right.reg ||
        __builtin_add_overflow(left.low, right.low, &low) ||
        __builtin_add_overflow(factor, tn_code_value_factor(values, right), &factor))
        return unknown;
    return multiple(left, factor, low);
}

struct tn_code_value tn_code_value_product(const struct tn_code_values *values, struct tn_code_value left,
                                           struct tn_code_value right)
{
    if (right.kind == TN_VALUE_NUMBER && right.low == right.high)
        return tn_code_value_times(values, left, right.low);
    bool is_one = left.kind == TN_VALUE_NUMBER && left.low == left.high;
    return is_one ? tn_code_value_times(values, right, left.low) : unknown;
}
