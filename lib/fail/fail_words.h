/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_WORDS_H
#define TENURE_FAIL_WORDS_H

/* The sentences of all formats. */

#include "tenure/fail.h"

/* "What the program did", one line without a full stop: "ended by SIGSEGV in use (a.c:12), called from main
 * (a.c:30)". Returns 0 or -ENOMEM. */
int tn_fail_print_end(const struct tn_fail_result *result, struct tn_buffer *out);

/* What a class means, for people. Static. */
const char *tn_fail_class_words(enum tn_fail_class class);

/* The command that makes the same allocation fail again. Returns 0 or -ENOMEM. */
int tn_fail_print_repeat(const struct tn_fail_report *report, const struct tn_fail_result *result,
                         struct tn_buffer *out);

/* The same two as texts of their own, for formats that escape; NULL: no memory. The caller frees them. */
char *tn_fail_end_text(const struct tn_fail_result *result);
char *tn_fail_repeat_text(const struct tn_fail_report *report, const struct tn_fail_result *result);

/* How many results are of a class. */
size_t tn_fail_count(const struct tn_fail_results *results, enum tn_fail_class class);

#endif
