/* SPDX-License-Identifier: MIT */
#ifndef ARM_MODULE_H
#define ARM_MODULE_H

/* A module of 64-bit Arm, written word by word, so that its code can be read on any machine without a
 * compiler for it: functions with unwind tables, stubs for malloc, memcpy and abort, and words that the
 * loader fills in. */

#include "tenure/code.h"

#include <stddef.h>
#include <stdint.h>

#define ARM_WORDS_MAX 20u

/* A function. Its last word is the one before the first 0. */
struct arm_function {
    const char *name;
    uint64_t address;
    uint32_t words[ARM_WORDS_MAX];
};

extern const struct arm_function arm_sizes[], arm_back[], arm_stores[], arm_follow[];
extern const size_t arm_sizes_count, arm_back_count, arm_stores_count, arm_follow_count;

/* Write a module with all these functions into a temporary file, and open its code. The caller closes it. */
struct tn_code *arm_module_open(void);

/* The address of a function. */
uint64_t arm_function_at(const char *name);

/* The return address of a call in a function. index: of the calls there, from 0 */
uint64_t arm_call_in(const char *name, unsigned index);

#endif
