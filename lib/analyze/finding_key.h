/* SPDX-License-Identifier: MIT */
#ifndef TENURE_ANALYZE_FINDING_KEY_H
#define TENURE_ANALYZE_FINDING_KEY_H

/* Lasting names for findings: the same after the program was changed elsewhere, built and recorded again. */

#include "tenure/finding.h"

/* Mix a text into a hash (FNV-1a with a finishing step). Cost: its length. */
uint64_t tn_hash_text(uint64_t hash, const char *text);

/* Give each finding its key: of its kind and of the function, file name, module name and via of each of its
 * sites, whatever their order; no lines, folders, row ids or addresses, but for a site without a function,
 * which only its offset names. Several findings that nothing else tells apart are numbered by line.
 *
 * findings  all of a process, with ranks: the same key is then given again in the next recording
 * Returns   0 or -ENOMEM (no key is changed) */
int tn_finding_keys_give(struct tn_findings *findings);

#endif
