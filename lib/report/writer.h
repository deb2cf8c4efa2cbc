/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_WRITER_H
#define TENURE_REPORT_WRITER_H

/* What the text report is written with: a buffer that remembers its first failure, so that a page of prints
 * needs one check, and names that fit a line. */

#include "tenure/base.h"

#define TN_TEXT_COLUMNS    100
#define TN_TEXT_NAME_BYTES 512

struct tn_text {
    struct tn_buffer *out; /* borrowed */
    int result;            /* 0, or the first error: nothing is printed after it */
};

/* Append formatted text. */
void tn_text_print(struct tn_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append text in lines of at most TN_TEXT_COLUMNS, broken at blanks; a word that is longer has a line of its
 * own. A newline in words begins a new line.
 *
 * first   what stands before the first line; further ones are indented as far */
void tn_text_wrap(struct tn_text *text, const char *first, const char *words);

/* A name made fit to be printed: control characters become spaces, and what is longer than columns loses its
 * end, marked by "..."; a path loses its beginning, up to a slash if it has one there.
 *
 * ret_name  TN_TEXT_NAME_BYTES
 * columns   4 .. TN_TEXT_NAME_BYTES - 1
 * Returns   ret_name */
const char *tn_text_name(char *ret_name, const char *name, unsigned columns);
const char *tn_text_path(char *ret_name, const char *path, unsigned columns);

/* part of whole in percent, as "34.5 %"; "0 %" when whole is 0; never "100 %" or "0.0 %" when it is not.
 *
 * ret_share  TN_QUANTITY_TEXT_BYTES
 * Returns    ret_share */
const char *tn_text_share(char *ret_share, uint64_t part, uint64_t whole);

/* "s" unless count is 1. */
const char *tn_text_plural(uint64_t count);

#endif
