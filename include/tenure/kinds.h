/* SPDX-License-Identifier: MIT */
#ifndef TENURE_KINDS_H
#define TENURE_KINDS_H

/* The kinds of findings that this build knows. Tools pass the table to tn_analyze and to reports; neither
 * knows it otherwise. Static storage; any thread. */

#include "tenure/kind.h"

/* The entries, one a kind; for the kinds' own files and tests. */
extern const struct tn_kind tn_kind_stack_buffer;
extern const struct tn_kind tn_kind_growth;
extern const struct tn_kind tn_kind_combine;
extern const struct tn_kind tn_kind_permanent;
extern const struct tn_kind tn_kind_arena;
extern const struct tn_kind tn_kind_pool;
extern const struct tn_kind tn_kind_preallocate;
extern const struct tn_kind tn_kind_fixed_maximum;
extern const struct tn_kind tn_kind_presize;
extern const struct tn_kind tn_kind_pinning;
extern const struct tn_kind tn_kind_overhead;

/* All kinds, ended by NULL. A kind stands after all that it yields to. */
extern const struct tn_kind *const tn_kinds[];

#endif
