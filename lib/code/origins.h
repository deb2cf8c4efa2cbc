/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_ORIGINS_H
#define TN_CODE_ORIGINS_H

/* What a pointer was found from, of values. For stores.c. */

#include "value_ways.h"

#include "tenure/code.h"

/* The origin of a value that is used as an address. */
struct tn_code_origin tn_origin_of(const struct tn_processor *processor, struct tn_code_value value);

/* What a function found from its parameter, in the terms of the one that passed it. passed: the argument; of
 * no matter where the origin is no parameter. */
struct tn_code_origin tn_origin_translate(const struct tn_processor *processor, struct tn_code_origin inner,
                                          struct tn_code_value passed);

#endif
