/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_ARITHMETIC_H
#define TN_CODE_ARITHMETIC_H

/* What instructions of any processor do to values: sums, addresses, loads and stores, calls. For the steps of
 * each processor. */

#include "code_values.h"

#include <stdbool.h>
#include <stdint.h>

/* Of two values; numbered as x86-64 does. */
enum tn_arithmetic { TN_ADD = 0, TN_OR = 1, TN_AND = 4, TN_SUBTRACT = 5, TN_XOR = 6 };

struct tn_code_value tn_code_value_number(int64_t value);

/* Whether a value is one number. */
bool tn_code_value_is_number(struct tn_code_value value);

/* Whether a value is an address that is known by what it was found from. */
bool tn_code_value_is_followed(struct tn_code_value value);

/* A value and a number. Unknown: it is neither a number nor an address, or overflows. */
struct tn_code_value tn_code_value_plus(const struct tn_code_values *values, struct tn_code_value value,
                                        int64_t add);

/* The sum of an address and of a number that is not known, where pointers are followed: another place in the
 * same object. Unknown: none is an address, or both are. */
struct tn_code_value tn_code_value_move(const struct tn_code_values *values, struct tn_code_value one,
                                        struct tn_code_value other);

/* Two values, of which nothing is known beyond the kinds of above. A frame address that is aligned stays in
 * the frame, but where is not known. */
struct tn_code_value tn_code_value_combine(const struct tn_code_values *values, enum tn_arithmetic operation,
                                           struct tn_code_value left, struct tn_code_value right);

/* So many bytes of a value: part of an address is none. */
struct tn_code_value tn_code_value_narrow(struct tn_code_value value, unsigned bytes);

/* Write a register. An address of the frame that another one than the stack and frame pointers holds may be
 * given away from then on. */
void tn_code_values_set(struct tn_code_values *values, uint8_t reg, struct tn_code_value value);

/* What lies in memory at an address.
 *
 * is_own  it is the thread's own block: its first word is its own address */
struct tn_code_value tn_code_values_load(const struct tn_code_values *values, struct tn_code_value address,
                                         unsigned bytes, bool is_own);

/* Store a value at an address. One that is not known may be any that was given away; one with an unknown
 * index, any above its base.
 *
 * base  what the address was found from, with a known number added; unknown where it is no matter */
void tn_code_values_store(struct tn_code_values *values, struct tn_code_value address,
                          struct tn_code_value base, unsigned bytes, struct tn_code_value value);

/* Note that an address of the frame is known to others: what lies there or above may change. */
void tn_code_values_escape(struct tn_code_values *values, struct tn_code_value value);

/* Take a call: registers that it may change, and words of the frame that others know of, are lost. */
void tn_code_values_call(struct tn_code_values *values);

/* Forget all registers but the stack pointer, and words of the frame that others know of. */
void tn_code_values_forget_all(struct tn_code_values *values);

/* A value shifted to the left, or, where count is below 0, to the right. */
struct tn_code_value tn_code_value_shift(const struct tn_code_values *values, struct tn_code_value value,
                                         int64_t count);

#endif
