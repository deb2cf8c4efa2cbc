/* SPDX-License-Identifier: MIT */
/* The table of kinds. A kind stands after all that it yields to, so that the ranking settles those before it;
 * `combine` also asks which sites `stack-buffer` has claimed. */
#include "tenure/kinds.h"

#include <stddef.h>

const struct tn_kind *const tn_kinds[] = {
    &tn_kind_stack_buffer, &tn_kind_growth,  &tn_kind_combine,     &tn_kind_permanent,
    &tn_kind_arena,        &tn_kind_pool,    &tn_kind_preallocate, &tn_kind_fixed_maximum,
    &tn_kind_presize,      &tn_kind_pinning, &tn_kind_overhead,    NULL,
};
