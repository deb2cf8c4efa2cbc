/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_FUNCTIONS_H
#define TN_CODE_FUNCTIONS_H

/* The functions of a module, as its unwind tables tell them. For argument.c. */

#include "module_code.h"

#include <stdbool.h>
#include <stdint.h>

/* A run of code with unwind tables of its own: a function, or the part of one that is rarely reached. */
struct tn_code_function {
    uint64_t start, end; /* addresses; end is behind its last instruction */
    bool is_entry;       /* control comes in at start, by a call: the registers there hold arguments */
};

/* The function that an address lies in.
 *
 * Returns  whether one is known; written only then
 * Cost     the logarithm of the functions */
bool tn_code_function(const struct tn_code *code, uint64_t address, struct tn_code_function *ret_function);

/* See all functions, in order of addresses.
 *
 * see      is_entry is not told; returns 0 or a negative errno, which ends it
 * Returns  0, or what see returned */
int tn_code_each_function(const struct tn_code *code,
                          int (*see)(void *context, const struct tn_code_function *function), void *context);

#endif
