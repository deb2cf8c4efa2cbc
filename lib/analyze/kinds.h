/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_KINDS_H
#define TN_ANALYZE_KINDS_H

/* The analyses of this folder, one file each. kinds.c puts them in order. */

#include "analysis.h"

extern const struct tn_analysis tn_analysis_combine;
extern const struct tn_analysis tn_analysis_fixed_maximum;
extern const struct tn_analysis tn_analysis_growth;
extern const struct tn_analysis tn_analysis_overhead;
extern const struct tn_analysis tn_analysis_permanent;
extern const struct tn_analysis tn_analysis_pinning;
extern const struct tn_analysis tn_analysis_pool;
extern const struct tn_analysis tn_analysis_preallocate;
extern const struct tn_analysis tn_analysis_presize;
extern const struct tn_analysis tn_analysis_stack_buffer;

#endif
