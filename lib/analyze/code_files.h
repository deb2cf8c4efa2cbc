/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_CODE_FILES_H
#define TN_ANALYZE_CODE_FILES_H

/* The machine code of the log's files, opened when first asked for. One thread at a time. */

#include "tenure/analysis.h"
#include "tenure/code.h"
#include "tenure/symbol.h"

struct tn_code_files;

/* Begin, with no module open. Returns 0 or -ENOMEM; the caller releases *ret_files by tn_code_files_close.
 */
int tn_code_files_open(struct tn_code_files **ret_files);

/* Release. NULL is fine. */
void tn_code_files_close(struct tn_code_files *files);

/* The code of a module.
 *
 * module_id  row of `module`; 0: none
 * ret_code   NULL: it cannot be read, which is no error; valid until tn_code_files_close
 * Returns    0; -ENOMEM, -EIO, and the pass's error says what failed */
int tn_code_files_find(struct tn_code_files *files, const struct tn_pass *pass, uint32_t module_id,
                       struct tn_code **ret_code);

/* The debug information of a module. Parameters and result as above. */
int tn_code_files_symbols(struct tn_code_files *files, const struct tn_pass *pass, uint32_t module_id,
                          struct tn_symbol_file **ret_file);

#endif
