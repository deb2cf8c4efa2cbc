/* SPDX-License-Identifier: MIT */
/* Collects the names of a connection and finds the one that was meant; see sql_words.h. Called by sql_run.c
 * and sql_shell.c. */
#include "sql_words.h"

#include "options.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* More names than this would be a list, not an answer. */
#define MEANT_MAX 3

/* Two letters make any shorter name another one. */
#define MISSPELT_BYTES_MIN 5

/* One query for each kind, in the order of its bits. A connection has no list of its eponymous tables: those
 * of tenure are named here. */
static const char *const queries[] = {
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    " UNION SELECT name FROM sqlite_temp_schema WHERE type IN ('table', 'view')"
    " UNION SELECT name FROM pragma_database_list"
    " UNION VALUES ('allocation'), ('allocation_of'), ('stack_below')",
    "SELECT DISTINCT c.name FROM (SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
    " UNION SELECT name FROM sqlite_temp_schema WHERE type IN ('table', 'view') UNION VALUES"
    " ('stack_below')) AS t JOIN pragma_table_info(t.name) AS c",
    "SELECT DISTINCT name FROM pragma_function_list WHERE name GLOB '[a-z]*'",
    "VALUES ('SELECT'), ('FROM'), ('WHERE'), ('GROUP BY'), ('ORDER BY'), ('LIMIT'), ('JOIN'), ('LEFT JOIN'),"
    " ('WITH'), ('RECURSIVE'), ('MATERIALIZED'), ('AS'), ('ON'), ('USING'), ('HAVING'), ('DISTINCT'),"
    " ('UNION ALL'), ('EXCEPT'), ('INTERSECT'), ('BETWEEN'), ('AND'), ('OR'), ('NOT'), ('NULL'), ('IS'),"
    " ('IN'), ('LIKE'), ('GLOB'), ('CASE'), ('WHEN'), ('THEN'), ('ELSE'), ('END'), ('DESC'), ('OVER'),"
    " ('PARTITION BY'), ('ATTACH'), ('DETACH'), ('EXPLAIN QUERY PLAN'), ('CREATE TEMP TABLE'), ('VALUES')",
};

static int add_word(struct tn_sql_words *words, const char *word)
{
    if (words->count == words->capacity) {
        size_t capacity = words->capacity != 0 ? 2 * words->capacity : 256;
        char **larger = realloc(words->words, capacity * sizeof(larger[0]));
        if (larger == NULL)
            return SQLITE_NOMEM;
        words->words = larger;
        words->capacity = capacity;
    }
    words->words[words->count] = strdup(word);
    if (words->words[words->count] == NULL)
        return SQLITE_NOMEM;
    words->count++;
    return SQLITE_OK;
}

static int add_words(struct tn_sql_words *words, sqlite3 *database, const char *query)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(database, query, -1, &statement, NULL);
    while (r == SQLITE_OK && (r = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *word = (const char *)sqlite3_column_text(statement, 0);
        r = word != NULL ? add_word(words, word) : SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void remove_repeats(struct tn_sql_words *words)
{
    size_t kept = 0;
    for (size_t i = 0; i < words->count; i++) {
        if (kept != 0 && strcmp(words->words[i], words->words[kept - 1]) == 0)
            free(words->words[i]);
        else
            words->words[kept++] = words->words[i];
    }
    words->count = kept;
}

int tn_sql_words_load(struct tn_sql_words *words, sqlite3 *database, unsigned kinds)
{
    int r = SQLITE_OK;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]) && r == SQLITE_OK; i++)
        if ((kinds & 1u << i) != 0)
            r = add_words(words, database, queries[i]);
    if (words->count != 0)
        qsort(words->words, words->count, sizeof(words->words[0]), compare_words);
    remove_repeats(words);
    return r;
}

void tn_sql_words_finish(struct tn_sql_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->words[i]);
    free(words->words);
    *words = (struct tn_sql_words){0};
}

/* ---------------------------------------------------------------------------------------- meant */

/* The unknown name in a message, without an alias before it, and where to look for it; 0: another message. */
static unsigned kind_of_unknown(const char *message, const char **ret_name)
{
    static const struct {
        const char *start;
        unsigned kinds;
    } messages[] = {
        {"no such table: ", TN_SQL_WORD_TABLE},
        {"no such column: ", TN_SQL_WORD_COLUMN},
        {"no such function: ", TN_SQL_WORD_FUNCTION},
    };
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        size_t length = strlen(messages[i].start);
        if (strncmp(message, messages[i].start, length) != 0)
            continue;
        const char *dot = strrchr(message + length, '.');
        *ret_name = dot != NULL ? dot + 1 : message + length;
        return messages[i].kinds;
    }
    return 0;
}

/* Bytes of a name without the s of its plural. */
static size_t stem_bytes(const char *name)
{
    size_t length = strlen(name);
    return length > 3 && name[length - 1] == 's' ? length - 1 : length;
}

/* `size` or `sizes` for size_bytes, `allocation_s` is none: the word is the name's stem, or it and a unit. */
static bool is_like(const char *name, const char *word)
{
    size_t length = stem_bytes(name);
    return length >= 3 && sqlite3_stricmp(name, word) != 0 && strncmp(name, word, length) == 0 &&
           (word[length] == '_' || stem_bytes(word) == length);
}

static char *join_like(const struct tn_sql_words *words, const char *name)
{
    struct tn_buffer text = {0};
    size_t count = 0;
    int r = 0;
    for (size_t i = 0; i < words->count && count < MEANT_MAX && r == 0; i++)
        if (is_like(name, words->words[i]))
            r = tn_buffer_print(&text, "%s%s", count++ == 0 ? "" : ", ", words->words[i]);
    if (r == 0 && count != 0)
        return (char *)text.data;
    tn_buffer_finish(&text);
    return NULL;
}

char *tn_sql_words_meant(sqlite3 *database, const char *message)
{
    const char *name = NULL;
    unsigned kinds = kind_of_unknown(message, &name);
    struct tn_sql_words words = {0};
    char *meant = NULL;
    if (kinds != 0 && tn_sql_words_load(&words, database, kinds) == SQLITE_OK) {
        meant = join_like(&words, name);
        const char *nearest =
            meant == NULL && words.count != 0 && strlen(name) >= MISSPELT_BYTES_MIN
                ? tn_nearest_word(name, (const char *const *)words.words, words.count, sizeof(words.words[0]))
                : NULL;
        /* A column of that name is there, but not where it was looked for. */
        if (nearest != NULL && sqlite3_stricmp(nearest, name) != 0)
            meant = strdup(nearest);
    }
    tn_sql_words_finish(&words);
    return meant;
}

char *tn_sql_words_tables(sqlite3 *database, const char *message)
{
    static const char query[] =
        "SELECT group_concat(name, ', ') FROM (SELECT t.name FROM (SELECT name FROM sqlite_schema WHERE type"
        " IN ('table', 'view') UNION SELECT name FROM sqlite_temp_schema WHERE type IN ('table', 'view')) AS "
        "t"
        " JOIN pragma_table_info(t.name) AS c ON c.name = ?1 COLLATE NOCASE ORDER BY t.name)";
    const char *name = NULL;
    if (kind_of_unknown(message, &name) != TN_SQL_WORD_COLUMN)
        return NULL;
    sqlite3_stmt *statement = NULL;
    char *tables = NULL;
    if (sqlite3_prepare_v2(database, query, -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL)
            tables = strdup((const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return tables;
}
