/* SPDX-License-Identifier: MIT */
#ifndef TN_TRY_ESCAPES_H
#define TN_TRY_ESCAPES_H

/* What an arena's finding says of blocks that outlive its call: they are to be copied to the heap, and so are
 * no contradiction. Any thread. */

#include "tenure/finding.h"

/* How many of the blocks that an arena serves outlived its calls in the recording: each keeps an arena busy
 * until it is released. */
uint64_t tn_try_count_escapes(const struct tn_finding *finding);

/* Whether a block that was made on a stack, as tn_try_name_stack prints it, is one of a line that the finding
 * says this of. */
bool tn_try_is_escape(const struct tn_finding *finding, const char *birth);

#endif
