/* SPDX-License-Identifier: MIT */

/* The SQL functions of tenure: those that print quantities as the reports do, the hash of a site, and the
 * time of a mark. Compiled twice, for the commands and for the extension. */

#include "tenure/base.h"
#include "tenure/log.h"
#include "tenure/sql.h"

#include <sqlite3ext.h>
#include <stdint.h>
#include <string.h>
SQLITE_EXTENSION_INIT3

static const struct printer {
    const char *name;
    const char *(*print)(char *text, uint64_t value);
} printers[] = {
    {"print_count", tn_print_count},
    {"print_bytes", tn_print_bytes},
    {"print_duration", tn_print_duration},
};

static void call_printer(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const struct printer *printer = sqlite3_user_data(context);
    sqlite3_int64 value = sqlite3_value_int64(values[0]);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    char text[TN_QUANTITY_TEXT_BYTES + 1];
    text[0] = '-';
    if (value < 0)
        printer->print(text + 1, -(uint64_t)value);
    else
        printer->print(text, (uint64_t)value);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/. Each text ends with its length, so that "ab",
 * "c" and "a", "bc" differ. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

static uint64_t add_bytes(uint64_t hash, const char *bytes, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * HASH_PRIME;
    return (hash ^ (size_bytes & 0xff) ^ 0x100) * HASH_PRIME;
}

/* So that every bit of the key depends on every byte: the finalizer of MurmurHash3, by Austin Appleby. */
static uint64_t finish_hash(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* libz.so.1.2.13 and libz.so.1.3 are one library. */
static size_t module_name_bytes(const char *name)
{
    const char *version = strstr(name, ".so.");
    return version != NULL ? (size_t)(version - name) + 3 : strlen(name);
}

static const char *text_of(sqlite3_value *value)
{
    const unsigned char *text = sqlite3_value_text(value);
    return text != NULL ? (const char *)text : "";
}

/* site_key(function, file, module, via, offset, number). The module, whose name a program of another version
 * may not share, counts only where there is no file. */
static void call_site_key(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const char *file = base_name(text_of(values[1]));
    uint64_t hash = HASH_START;
    hash = add_bytes(hash, text_of(values[0]), strlen(text_of(values[0])));
    hash = add_bytes(hash, file, strlen(file));
    const char *module = file[0] == '\0' ? base_name(text_of(values[2])) : "";
    hash = add_bytes(hash, module, module_name_bytes(module));
    for (int i = 3; i < 6; i++)
        hash = add_bytes(hash, text_of(values[i]), strlen(text_of(values[i])));
    char key[13];
    sqlite3_snprintf(sizeof(key), key, "%012llx",
                     (unsigned long long)(finish_hash(hash) & UINT64_C(0xffffffffffff)));
    sqlite3_result_text(context, key, -1, SQLITE_TRANSIENT);
}

/* Tell the marks that there are, for who misspelt one. */
static void refuse_mark(sqlite3_context *context, struct sqlite3 *database, const char *text)
{
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(database,
                           "SELECT group_concat(quote(text), ', ') FROM (SELECT DISTINCT text FROM"
                           " main.mark WHERE text IS NOT NULL ORDER BY time_ns LIMIT 20)",
                           &row);
    if (r == 0)
        r = tn_sql_next(row);
    const char *marks = r == 1 ? tn_sql_text(row, 0) : NULL;
    char *message = sqlite3_mprintf("the log has no mark '%s'%s%s", text,
                                    marks != NULL ? "; there are: " : "", marks != NULL ? marks : "");
    sqlite3_finalize(row);
    sqlite3_result_error(context, message != NULL ? message : "out of memory", -1);
    sqlite3_free(message);
}

/* mark_ns(text [, process_id]): when the mark was first set, ns since the log's start. An error where a
 * condition on a mark that is not there would silently leave no row. */
static void call_mark_ns(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct sqlite3 *database = sqlite3_context_db_handle(context);
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(
        database, "SELECT min(time_ns) FROM main.mark WHERE text = ?1 AND (?2 IS NULL OR process_id = ?2)",
        &row);
    if (r < 0) {
        sqlite3_result_error(context, "mark_ns needs a log as the main database", -1);
        return;
    }
    sqlite3_bind_value(row, 1, values[0]);
    if (count > 1)
        sqlite3_bind_value(row, 2, values[1]);
    r = tn_sql_next(row);
    if (r == 1 && sqlite3_column_type(row, 0) == SQLITE_INTEGER)
        sqlite3_result_int64(context, sqlite3_column_int64(row, 0));
    else if (r < 0)
        sqlite3_result_error(context, sqlite3_errmsg(database), -1);
    else
        refuse_mark(context, database, text_of(values[0]));
    sqlite3_finalize(row);
}

int tn_log_functions_register(struct sqlite3 *database)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = sqlite3_create_function(database, "site_key", 6, flags, NULL, call_site_key, NULL, NULL);
    for (int count = 1; count <= 2 && rc == SQLITE_OK; count++)
        rc = sqlite3_create_function(database, "mark_ns", count, flags, NULL, call_mark_ns, NULL, NULL);
    for (unsigned i = 0; i < sizeof(printers) / sizeof(printers[0]) && rc == SQLITE_OK; i++)
        rc = sqlite3_create_function(database, printers[i].name, 1, flags, (void *)&printers[i], call_printer,
                                     NULL, NULL);
    return rc;
}
