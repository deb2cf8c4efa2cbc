/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_CALLEES_H
#define TN_CODE_CALLEES_H

/* What calls through pointers led to. For stores.c. */

#include "module_code.h"

#include <stddef.h>
#include <stdint.h>

#define TN_CALLEES_MAX 4096u /* pairs of a call and a function that are kept; further ones are left out */

/* The next function that a call led to; 0: there is no further one.
 *
 * cursor  0 before the first */
uint64_t tn_code_callee_next(const struct tn_code *code, uint64_t call, size_t *cursor);

#endif
