/* SPDX-License-Identifier: MIT */
#ifndef TENURE_KINDS_H
#define TENURE_KINDS_H

/* The kinds of findings that this build knows. Tools pass the table to tn_analyze and to reports; neither
 * knows it otherwise. Static storage; any thread. */

#include "tenure/kind.h"

/* All kinds, ended by NULL. A kind stands after all that it yields to. */
extern const struct tn_kind *const tn_kinds[];

#endif
