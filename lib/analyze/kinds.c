/* SPDX-License-Identifier: MIT */
#include "kinds.h"

#include <stddef.h>

/* In the order of design: the strongest tactic first. */
/* clang-format off */
const struct tn_analysis *const tn_analyses[] = {
    &tn_analysis_stack_buffer,
    &tn_analysis_combine,
    &tn_analysis_pool,
    &tn_analysis_preallocate,
    &tn_analysis_permanent,
    &tn_analysis_fixed_maximum,
    &tn_analysis_presize,
    &tn_analysis_pinning,
    &tn_analysis_overhead,
    &tn_analysis_growth,
    NULL,
};
/* clang-format on */
