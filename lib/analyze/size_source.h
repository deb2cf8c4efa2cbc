/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_SIZE_SOURCE_H
#define TN_ANALYZE_SIZE_SOURCE_H

/* What the engine itself does with the sources of sizes: it makes the store of answers. */

#include "tenure/size_source.h"

/* Begin, without any answer yet. Returns 0 or -ENOMEM; the caller releases *ret_sources by
 * tn_size_sources_close. */
int tn_size_sources_open(struct tn_size_sources **ret_sources);

/* Release. NULL is fine. */
void tn_size_sources_close(struct tn_size_sources *sources);

#endif
