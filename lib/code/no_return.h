/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_NO_RETURN_H
#define TN_CODE_NO_RETURN_H

/* Calls behind which nothing goes on: what stands there in the file belongs to other ways. For hand_back.c
 * and value_ways.c. */

#include "module_code.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether a call never comes back: it is of a function of the C library that ends the program or leaves by a
 * longjmp, or of a function of the module all of whose ways end so, or go round for ever. Exceptions do not
 * count: where one is caught, the function goes on.
 *
 * call     the instruction
 * end      address behind it
 * Returns  true: it never does; false: it may, or its code cannot be followed
 * Cost     for a function of the module, once, at most some thousand instructions */
bool tn_code_call_ends(const struct tn_code *code, const struct tn_instruction *call, uint64_t end);

#endif
