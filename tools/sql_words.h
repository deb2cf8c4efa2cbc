/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SQL_WORDS_H
#define TENURE_SQL_WORDS_H

/* The names that a question to a log can use: tables, views, columns, functions and the words of SQL. For
 * completion, and for "did you mean". One thread. */

#include <stddef.h>

struct sqlite3;

/* A list of words. Begin with {0}. */
struct tn_sql_words {
    char **words; /* owned, each one, too; sorted, none twice */
    size_t count;
    size_t capacity;
};

enum tn_sql_word_kind {
    TN_SQL_WORD_TABLE = 1,  /* tables and views of all databases, and virtual tables */
    TN_SQL_WORD_COLUMN = 2, /* of these */
    TN_SQL_WORD_FUNCTION = 4,
    TN_SQL_WORD_KEYWORD = 8,
};

/* Collect words of a connection.
 *
 * kinds    enum tn_sql_word_kind, one or several
 * Returns  an SQLite result code
 * Owns     the caller owns the words; tn_sql_words_finish releases them, also after an error */
int tn_sql_words_load(struct tn_sql_words *words, struct sqlite3 *database, unsigned kinds);

/* Release the words. */
void tn_sql_words_finish(struct tn_sql_words *words);

/* What SQLite's message about an unknown name may have meant.
 *
 * message  "no such table: X", "no such column: A.X", "no such function: X"; any other has no answer
 * Returns  the name, or several with commas; NULL: there is none like it
 * Owns     the caller owns it (free) */
char *tn_sql_words_meant(struct sqlite3 *database, const char *message);

/* Which tables have the column that is unknown where it was looked for.
 *
 * message  as of tn_sql_words_meant
 * Returns  their names with commas; NULL: it is no such message, or none has it
 * Owns     the caller owns it (free) */
char *tn_sql_words_tables(struct sqlite3 *database, const char *message);

#endif
