/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_PREALLOCATE_HOLDER_H
#define TN_KINDS_PREALLOCATE_HOLDER_H

/* One buffer that serves all calls: whether each object that holds one needs its own. */

#include "tenure/analysis.h"

/* Add the condition "number" if a line stores the address of the site's blocks in an object on the heap, or
 * in one that is found by a pointer: as many buffers are needed at once as such objects live. A variable that
 * is static, global or of the thread holds one at a time, and asks for nothing; a parameter that cannot be
 * followed to the callers counts as an object.
 *
 * site      index in tn_pass.sites
 * finding   of that site alone
 * Returns   0; -ENOMEM, -EIO; pass->error then says what failed
 * Cost      as tn_stored_address_find, for a few stacks and callers */
int tn_preallocate_add_holder_condition(const struct tn_pass *pass, uint32_t site,
                                        struct tn_finding *finding);

/* Add the condition that no second buffer is needed ("number"), where one round of a loop makes the one and
 * another round releases it, by the code of a function that is inlined there.
 *
 * Returns  0; -ENOMEM, -EIO
 * Cost     as tn_activations_inlined, for a few stacks */
int tn_preallocate_add_round_condition(const struct tn_pass *pass, uint32_t site, struct tn_finding *finding);

#endif
