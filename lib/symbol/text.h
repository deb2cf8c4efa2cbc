/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SYMBOL_TEXT_H
#define TENURE_SYMBOL_TEXT_H

/* A store of strings that live as long as it does; equal strings are kept once. */

#include "tenure/map.h"

#include <stddef.h>

struct tn_text_block;

/* Zeroed is empty. */
struct tn_text_store {
    struct tn_text_block *blocks; /* owned, newest first */
    struct tn_map by_hash;        /* hash of a string -> its address */
};

/* Keep a copy of length bytes of text, NUL added.
 *
 * Returns  the kept string, valid until tn_text_finish; NULL: out of memory */
const char *tn_text_keep(struct tn_text_store *store, const char *text, size_t length);

/* Release everything. */
void tn_text_finish(struct tn_text_store *store);

#endif
