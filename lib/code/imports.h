/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_IMPORTS_H
#define TN_CODE_IMPORTS_H

/* Names of the functions of other modules that a call or jump leads to. For hand_back.c and
 * stores.c. */

#include "decode.h"
#include "module_code.h"

#include <stdbool.h>
#include <stdint.h>

/* Read the module's relocations, when it is opened. Returns 0 or -ENOMEM. */
int tn_code_read_imports(struct tn_code *code);

/* The function of another module that an address belongs to: the stub of an imported function.
 *
 * Returns  its name, borrowed until the module is closed; NULL: it is none */
const char *tn_code_import_at(const struct tn_code *code, uint64_t address);

/* The function of another module whose address an instruction reads from memory.
 *
 * end      address behind the instruction
 * Returns  as above */
const char *tn_code_import_read(const struct tn_code *code, const struct tn_instruction *instruction,
                                uint64_t end);

/* Whether a function of the C library returns its first argument, as memcpy does. name: as above */
bool tn_code_import_returns_first(const char *name);

#endif
