/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SYMBOL_STRING_STORE_H
#define TENURE_SYMBOL_STRING_STORE_H

/* Keeps strings until the store is released; equal ones once. One thread. */

#include "tenure/map.h"

#include <stddef.h>

struct tn_string_block;

/* Zeroed is empty. */
struct tn_string_store {
    struct tn_string_block *blocks; /* owned, newest first */
    struct tn_map by_hash;          /* hash of a string -> its address */
};

/* Keep a copy of length bytes of text, NUL added.
 *
 * Returns  the kept string, valid until tn_string_store_finish; NULL: out of memory */
const char *tn_string_store_keep(struct tn_string_store *store, const char *text, size_t length);

/* Release everything. */
void tn_string_store_finish(struct tn_string_store *store);

#endif
