/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_CALL_ARGUMENT_H
#define TN_ANALYZE_CALL_ARGUMENT_H

/* What the engine itself does with the sources of sizes: it makes the store of answers. */

#include "tenure/code.h"
#include "tenure/size_source.h"
#include "tenure/source_frames.h"

/* Begin, without any answer yet. Returns 0 or -ENOMEM; the caller releases *ret_sources by
 * tn_size_sources_close. */
int tn_size_sources_open(struct tn_size_sources **ret_sources);

/* Release. NULL is fine. */
void tn_size_sources_close(struct tn_size_sources *sources);

/* Ask the machine code about an argument of a call; every answer is kept.
 *
 * frame_id      row of the physical frame that made the call
 * inner         row of the physical frame that was called; 0: another module's function
 * ret_argument  written when 0 is returned; what cannot be read is TN_CODE_NOT_KNOWN
 * Returns       0; -ENOMEM, -EIO; pass->error then says what failed */
int tn_call_argument_find(const struct tn_pass *pass, const struct tn_source_frames *frames,
                          uint32_t frame_id, uint32_t inner, unsigned index,
                          struct tn_code_argument *ret_argument);

#endif
