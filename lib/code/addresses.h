/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_ADDRESSES_H
#define TN_CODE_ADDRESSES_H

/* Addresses as values: what they are moved by, and which object they lead to then. For instructions.c. */

#include "code_values.h"

/* Whether a value is an address that is known by the one that it was found from. */
bool tn_code_value_is_followed(struct tn_code_value value);

/* A value and a number. */
struct tn_code_value tn_code_value_plus(const struct tn_code_values *values, struct tn_code_value value,
                                        int64_t add);

/* The sum of an address and of a number that is not known, where pointers are followed: another place in the
 * same object. Unknown: none is an address, or both are. */
struct tn_code_value tn_code_value_move(const struct tn_code_values *values, struct tn_code_value one,
                                        struct tn_code_value other);

#endif
