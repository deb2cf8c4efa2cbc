/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_RUNTIME_BLOCK_H
#define TN_REPORT_RUNTIME_BLOCK_H

/* What the C and C++ runtime and the loader hold for themselves. */

#include "tenure/summary.h"

#include <stdbool.h>

/* Whether a site is in the runtime or the loader itself: no code of the program's was behind it. */
bool tn_report_is_runtime(const struct tn_summary_site *site);

/* The runtime's only block of a site that is more than half of the process's peak and was never released,
 * such as the memory that libstdc++ keeps for exceptions: a peak of so much says little of the program.
 *
 * Returns  its site, borrowed from the summary; NULL: there is none */
const struct tn_summary_site *tn_report_runtime_block(const struct tn_summary *summary);

/* File name of a site's module. Borrowed from the site. */
const char *tn_report_module_name(const struct tn_summary_site *site);

#endif
