/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_MULTIPLES_H
#define TN_CODE_MULTIPLES_H

/* Numbers and multiples of a parameter: how the size of so many elements comes about. For instructions.c. */

#include "code_values.h"

/* What a parameter is multiplied by in a value; 0: the value is no multiple of one, or a block is followed,
 * where parameters are addresses. */
int64_t tn_code_value_factor(const struct tn_code_values *values, struct tn_code_value value);

/* A number, or a multiple of a parameter, times a number. Unknown: it is neither, or overflows. */
struct tn_code_value tn_code_value_times(const struct tn_code_values *values, struct tn_code_value value,
                                         int64_t by);

/* The sum of two multiples of one parameter; sign -1: their difference. Unknown: they are not, or it
 * overflows. */
struct tn_code_value tn_code_value_sum(const struct tn_code_values *values, struct tn_code_value left,
                                       struct tn_code_value right, int sign);

/* The product of a number and a number or multiple. Unknown: neither is one number, or it overflows. */
struct tn_code_value tn_code_value_product(const struct tn_code_values *values, struct tn_code_value left,
                                           struct tn_code_value right);

#endif
