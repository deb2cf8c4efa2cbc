/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_WORDS_POOLS_H
#define TENURE_REPORT_WORDS_POOLS_H

/* The sentences about pools that a program describes, as words.h has those of the rest. Made in a store, and
 * live as long as it. */

#include "tenure/summary.h"
#include "words_store.h"

/* A heading. */
const char *tn_words_pools_heading(void);

/* What these pools are. */
const char *tn_words_pools_meaning(void);

/* "in 100 blocks at most; 4,000 handed out, 10 in use at the end; 64 B (96 at once), 32 B (4)". */
const char *tn_words_pool_use(struct tn_words *words, const struct tn_summary_pool *pool, bool is_closed);

/* How many pools are not shown; count >= 1. */
const char *tn_words_pools_more(struct tn_words *words, size_t count);

#endif
