/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_MODULE_CODE_H
#define TN_ANALYZE_MODULE_CODE_H

/* The machine code of the log's modules, opened when first asked for. One thread at a time. */

#include "tenure/analysis.h"
#include "tenure/code.h"

struct tn_module_code;

/* Begin, with no module open. Returns 0 or -ENOMEM; the caller releases *ret_modules by tn_module_code_close.
 */
int tn_module_code_open(struct tn_module_code **ret_modules);

/* Release. NULL is fine. */
void tn_module_code_close(struct tn_module_code *modules);

/* The code of a module.
 *
 * module_id  row of `module`; 0: none
 * ret_code   NULL: it cannot be read, which is no error; valid until tn_module_code_close
 * Returns    0; -ENOMEM, -EIO, and the pass's error says what failed */
int tn_module_code_find(struct tn_module_code *modules, const struct tn_pass *pass, uint32_t module_id,
                        struct tn_code **ret_code);

#endif
