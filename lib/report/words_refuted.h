/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_WORDS_REFUTED_H
#define TENURE_REPORT_WORDS_REFUTED_H

/* The sentences about findings that a trial has contradicted, as words.h has those of the rest. Made in a
 * store, and live as long as it. */

#include "tenure/finding.h"
#include "words_store.h"

/* What the list of them means, before it. */
const char *tn_words_refuted_meaning(void);

/* One of them: its title, what contradicted it, on which stacks, and what to do now. */
const char *tn_words_refuted(struct tn_words *words, const struct tn_finding *finding);

#endif
