/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_IMPORTS_H
#define TN_CODE_IMPORTS_H

/* Names of the functions of other modules that a call or jump leads to. For hand_back.c,
 * stores.c and value_ways.c. */

#include "module_code.h"

#include <stdbool.h>
#include <stdint.h>

/* Read the module's relocations, when it is opened. Returns 0 or -ENOMEM. */
int tn_code_read_imports(struct tn_code *code);

/* The function of another module that an address belongs to: the stub of an imported function.
 *
 * Returns  its name, borrowed until the module is closed; NULL: it is none */
const char *tn_code_import_at(const struct tn_code *code, uint64_t address);

/* The function of another module whose address a call or jump reads from memory. Returns as above. */
const char *tn_code_import_read(const struct tn_code *code, const struct tn_instruction *instruction);

/* Whether a function of the C library returns its first argument, as memcpy does. name: as above */
bool tn_code_import_returns_first(const char *name);

/* Whether a function of the C library copies what its second argument points to where the first one does.
 * name: as above */
bool tn_code_import_copies(const char *name);

/* Whether a function of the C or C++ library releases its first argument. name: as above */
bool tn_code_import_releases(const char *name);

/* Whether a function of the C library keeps its argument after it has returned, as putenv does.
 *
 * name   as above
 * index  of the argument, from 0 */
bool tn_code_import_keeps(const char *name, unsigned index);

#endif
