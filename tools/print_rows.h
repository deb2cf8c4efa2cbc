/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PRINT_ROWS_H
#define TENURE_PRINT_ROWS_H

/* Prints the rows of a query: an aligned table for people, CSV and JSON for programs. Memory does not grow
 * with the number of rows. One thread. */

#include <stdbool.h>
#include <stdio.h>

struct sqlite3_stmt;

enum tn_rows_format {
    TN_ROWS_TABLE = 0, /* aligned by the widths of the first rows */
    TN_ROWS_CSV = 1,   /* RFC 4180 with a header line; NULL is empty, a BLOB is hex */
    TN_ROWS_JSON = 2,  /* an array of objects; a BLOB is hex text. Readers of JSON keep numbers as doubles:
                          integers beyond 2^53 either way are text. Bytes that are no UTF-8 are U+FFFD */
};

/* How rows are printed. */
struct tn_rows_style {
    enum tn_rows_format format;
    bool has_no_header;          /* a table or CSV begins with its first row */
    void (*stepped)(void *user); /* called after each step, before anything is printed; NULL: not wanted */
    void *user;                  /* handed to stepped */
};

/* Step a statement to its end and print its rows. A statement without columns prints nothing.
 *
 * Returns  SQLITE_DONE, or the result code of the step that failed; the rows before it have been printed */
int tn_print_rows(struct sqlite3_stmt *statement, const struct tn_rows_style *style, FILE *out);

#endif
