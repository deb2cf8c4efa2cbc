/* SPDX-License-Identifier: MIT */

/* The values of the virtual table `allocation`: each column of the row that a scan stands at. Called by
 * SQLite for every column of every row, so that most of them are read by a table of offsets. */

#include "allocation_vtab.h"

#include "tenure/sql.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
SQLITE_EXTENSION_INIT3

int tn_allocation_vtab_code(int error)
{
    if (error >= 0)
        return SQLITE_OK;
    if (error == -ENOMEM)
        return SQLITE_NOMEM;
    if (error == -EINTR)
        return SQLITE_INTERRUPT;
    return error == -EBADMSG ? SQLITE_CORRUPT_VTAB : SQLITE_IOERR;
}

/* The sites of all stacks, read when the column is first asked for: looking one up in the table `stack` for
 * each row would cost ten times the rest of it. */
int tn_allocation_scan_load_sites(struct tn_allocation_scan *cursor)
{
    if (cursor->site_ids != NULL)
        return 0;
    struct sqlite3 *database = ((struct tn_allocation_vtab *)cursor->base.pVtab)->database;
    uint64_t count = 0;
    struct sqlite3_stmt *statement = NULL;
    char *table = sqlite3_mprintf("\"%w\".stack", cursor->schema);
    int r = table != NULL ? tn_sql_id_count(database, table, &count) : -ENOMEM;
    sqlite3_free(table);
    if (r == 0)
        r = tn_sql_prepare_in(database, "SELECT id, site_id FROM \"%w\".stack WHERE site_id IS NOT NULL",
                              cursor->schema, &statement);
    uint64_t *site_ids = r == 0 ? calloc(count, sizeof(site_ids[0])) : NULL;
    if (site_ids == NULL) {
        sqlite3_finalize(statement);
        return r == 0 ? -ENOMEM : r;
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
        uint64_t id = (uint64_t)sqlite3_column_int64(statement, 0);
        if (id < count)
            site_ids[id] = (uint64_t)sqlite3_column_int64(statement, 1);
    }
    cursor->site_ids = site_ids;
    cursor->site_id_count = count;
    return tn_sql_errno(database, sqlite3_finalize(statement));
}

static int show_site(struct tn_allocation_scan *cursor, sqlite3_context *result)
{
    int r = tn_allocation_scan_load_sites(cursor);
    uint64_t stack_id = cursor->row->stack_id;
    if (r == 0 && stack_id < cursor->site_id_count && cursor->site_ids[stack_id] != 0)
        sqlite3_result_int64(result, (sqlite3_int64)cursor->site_ids[stack_id]);
    return tn_allocation_vtab_code(r);
}

static void show_name(sqlite3_context *result, enum tn_function function)
{
    const char *name = tn_function_name(function);
    if (name[0] != '\0')
        sqlite3_result_text(result, name, -1, SQLITE_STATIC);
}

/* Where the number of a column stands in struct tn_allocation, and when it is shown. Filling the rows asks
 * for some twenty columns of each: a table look-up costs less than a switch whose branch cannot be
 * predicted. */
enum rule {
    RULE_OTHER = 0,        /* by show_other */
    RULE_ALWAYS = 1,       /* a number */
    RULE_ID = 2,           /* NULL instead of 0 */
    RULE_DEATH = 4,        /* NULL while live */
    RULE_DEATH_ID = 2 | 4, /* both */
};

/* clang-format off: versions 14 and 19 do not agree on braces in macros. */
#define NUMBER(upper, name, member, rule, comment)                                                           \
    [COLUMN_##upper] = {offsetof(struct tn_allocation, member), RULE_##rule},
#define TYPED(upper, name, type, member, rule, ...)                                                          \
    [COLUMN_##upper] = {offsetof(struct tn_allocation, member), RULE_##rule},
#define STORED_AS(upper, name, type, member, rule, upper_stored, ...)                                        \
    [COLUMN_##upper] = {offsetof(struct tn_allocation, member), RULE_##rule},                                \
    [COLUMN_##upper_stored] = {0, RULE_OTHER},
/* clang-format on */

static const struct {
    uint16_t offset_bytes;
    uint8_t rule;
} shown[] = {
    TN_ALLOCATION_COLUMNS(NUMBER, NUMBER, STORED_AS, TYPED, NUMBER)[COLUMN_SCHEMA] = {0, RULE_OTHER}};

static __attribute__((noinline)) int show_other(struct tn_allocation_scan *cursor, sqlite3_context *result,
                                                int column)
{
    const struct tn_allocation *row = cursor->row;
    if (column == COLUMN_SITE_ID)
        return show_site(cursor, result);
    if (column == COLUMN_SCHEMA)
        sqlite3_result_text(result, cursor->schema, -1, SQLITE_TRANSIENT);
    if (column == COLUMN_FUNCTION)
        show_name(result, row->function);
    if (column == COLUMN_FUNCTION_ID)
        sqlite3_result_int(result, (int)row->function);
    if (column == COLUMN_EXCESS_BYTES)
        sqlite3_result_int64(result, (sqlite3_int64)(row->usable_size_bytes - row->size_bytes));
    if (row->is_live)
        return SQLITE_OK;
    if (column == COLUMN_LIFETIME_NS)
        sqlite3_result_int64(result, (sqlite3_int64)(row->death_ns - row->birth_ns));
    if (column == COLUMN_FREE_FUNCTION)
        show_name(result, row->free_function);
    if (column == COLUMN_FREE_FUNCTION_ID)
        sqlite3_result_int(result, (int)row->free_function);
    return SQLITE_OK;
}

int tn_allocation_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int column)
{
    struct tn_allocation_scan *cursor = (struct tn_allocation_scan *)base;
    unsigned rule = shown[column].rule;
    if (rule == RULE_OTHER)
        return show_other(cursor, result, column);
    uint64_t number;
    memcpy(&number, (const char *)cursor->row + shown[column].offset_bytes, sizeof(number));
    bool is_null =
        ((rule & RULE_DEATH) != 0 && cursor->row->is_live) || ((rule & RULE_ID) != 0 && number == 0);
    if (!is_null)
        sqlite3_result_int64(result, (sqlite3_int64)number);
    return SQLITE_OK;
}
