/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_WORDS_STORE_H
#define TENURE_REPORT_WORDS_STORE_H

/* Where sentences are made: text that is formatted here lives until the store is released, so that sentences
 * can be made of others and given to a sink without a thought for their memory. When memory runs out, a text
 * is
 * "" and the store remembers it. One thread uses a store. */

#include <stdint.h>

/* A store of sentences. Zeroed is empty. */
struct tn_words {
    struct tn_words_node *newest; /* owned; NULL: none yet */
    int result;                   /* 0, or -ENOMEM once a sentence could not be made */
};

/* Release all sentences; the store is empty again. */
void tn_words_finish(struct tn_words *words);

/* Formatted text in the store. Cost: one allocation. */
const char *tn_words_print(struct tn_words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A count with thousands separators: "12,345". */
const char *tn_words_count(struct tn_words *words, uint64_t count);

/* A size with its unit: "1.50 KiB". */
const char *tn_words_bytes(struct tn_words *words, uint64_t size_bytes);

/* A duration with its unit: "3.40 ms". */
const char *tn_words_duration(struct tn_words *words, uint64_t duration_ns);

/* part of whole: "34.5 %"; "0 %" when whole is 0; never "100 %" or "0.0 %" when it is not quite so. */
const char *tn_words_share(struct tn_words *words, uint64_t part, uint64_t whole);

#endif
