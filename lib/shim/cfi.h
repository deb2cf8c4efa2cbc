/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_CFI_H
#define TENURE_SHIM_CFI_H

/* Reads unwind rules from a module's tables (DWARF 5, 6.4; Linux Standard Base 5.0, Core, 10.6), as far as
 * they use common features only. That costs a few hundred instructions a rule; libunwind takes some 25,000,
 * since it reads memory byte by byte through calls. Everything else is left to libunwind. Pure; any thread.
 */

#include "cfi_entry.h"

#include <stdbool.h>
#include <stdint.h>

/* The rule of a return address: of the row that covers the byte before it.
 *
 * ret_rule  a plain one (TN_RULE_SP, TN_RULE_FP); TN_RULE_END; TN_RULE_CHAIN where no row covers it; or one
 * of
 *           tn_rule_pack_link
 * Returns   false when the table says it by features that are not read here (ret_rule unchanged) */
bool tn_cfi_rule(const struct tn_cfi_table *table, uintptr_t pc, uint64_t *ret_rule);

#endif
