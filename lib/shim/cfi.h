/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_CFI_H
#define TENURE_SHIM_CFI_H

/* Reads unwind rules from a module's tables (DWARF 5, 6.4; Linux Standard Base 5.0, Core, 10.6), as far as
 * they use common features only. That costs a few hundred instructions a rule; libunwind takes some 25,000,
 * since it reads memory byte by byte through calls. Everything else is left to libunwind. Pure; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The search table of a module's .eh_frame_hdr. */
struct tn_cfi_table {
    uintptr_t header;       /* address of .eh_frame_hdr: what entries are relative to */
    const uint8_t *entries; /* sorted pairs of 32-bit offsets: code, description */
    uint64_t entry_count;
    uintptr_t low, high; /* the module's mapped range: descriptions lie in it */
};

/* Find the table.
 *
 * header     address of .eh_frame_hdr, 0 if there is none
 * low, high  the module's mapped range
 * Returns    whether there is one of the usual form; if not, ret_table is untouched */
bool tn_cfi_find_table(uintptr_t header, uintptr_t low, uintptr_t high, struct tn_cfi_table *ret_table);

/* The rule of a return address: of the row that covers the byte before it.
 *
 * ret_rule  a plain one (TN_RULE_SP, TN_RULE_FP)
 * Returns   false when the table says it by features that are not read here (ret_rule unchanged) */
bool tn_cfi_rule(const struct tn_cfi_table *table, uintptr_t pc, uint64_t *ret_rule);

#endif
