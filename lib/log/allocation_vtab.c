/* SPDX-License-Identifier: MIT */

/* The virtual tables `allocation` and `allocation_of(SCHEMA)`: the columns of the view of the first name,
 * read from the chunks. They are eponymous: nothing of them stands in the schema, so that a log opens
 * everywhere; a table or view of the name takes precedence. Memory in proportion to the blocks that live at
 * once, or bounded where rows are asked for in order of their ids or looked up by them. */

#include "allocation_vtab.h"
#include "schema.h"

#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
SQLITE_EXTENSION_INIT3

/* ---------------------------------------------------------------------------------------- table */

static int connect_table(struct sqlite3 *database, void *context, int argc, const char *const *argv,
                         sqlite3_vtab **ret_table, char **ret_error)
{
    (void)argc, (void)argv, (void)ret_error;
    int rc = sqlite3_declare_vtab(database, tn_schema_allocation_columns);
    if (rc != SQLITE_OK)
        return rc;
    struct tn_allocation_vtab *table = sqlite3_malloc(sizeof(*table));
    if (table == NULL)
        return SQLITE_NOMEM;
    *table = (struct tn_allocation_vtab){
        .database = database,
        .whose = *(const enum tn_allocation_whose *)context,
    };
    sqlite3_vtab_config(database, SQLITE_VTAB_INNOCUOUS);
    *ret_table = &table->base;
    return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* ---------------------------------------------------------------------------------------- cursor */

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    (void)table;
    struct tn_allocation_scan *cursor = sqlite3_malloc(sizeof(*cursor));
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *cursor = (struct tn_allocation_scan){0};
    *ret_cursor = &cursor->base;
    return SQLITE_OK;
}

static void close_rows(struct tn_allocation_scan *cursor)
{
    tn_allocation_cursor_close(cursor->allocations);
    tn_ordered_close(cursor->ordered);
    tn_grouped_close(cursor->grouped);
    cursor->allocations = NULL;
    cursor->ordered = NULL;
    cursor->grouped = NULL;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct tn_allocation_scan *cursor = (struct tn_allocation_scan *)base;
    close_rows(cursor);
    free(cursor->site_ids);
    sqlite3_free(cursor->schema);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int refuse(struct tn_allocation_scan *cursor, char *message)
{
    sqlite3_free(cursor->base.pVtab->zErrMsg);
    cursor->base.pVtab->zErrMsg = message;
    return message != NULL ? SQLITE_ERROR : SQLITE_NOMEM;
}

static int64_t position_of(const struct tn_allocation_scan *cursor)
{
    if (cursor->grouped != NULL)
        return tn_grouped_position(cursor->grouped);
    return cursor->ordered != NULL ? tn_ordered_position(cursor->ordered)
                                   : tn_allocation_cursor_position(cursor->allocations);
}

/* What a step of a cursor gave: the row is there, or the scan is at its end. */
static int end_step(struct tn_allocation_scan *cursor, int r)
{
    if (r == -EBADMSG)
        refuse(cursor, sqlite3_mprintf("chunk %lld of the log is damaged", (long long)position_of(cursor)));
    return tn_allocation_vtab_code(r);
}

static int step(struct tn_allocation_scan *cursor)
{
    if (cursor->grouped != NULL)
        return end_step(cursor, tn_grouped_next(cursor->grouped, &cursor->row));
    int r = cursor->ordered != NULL ? tn_ordered_next(cursor->ordered, &cursor->row)
                                    : tn_allocation_cursor_next(cursor->allocations, &cursor->row);
    return end_step(cursor, r);
}

/* SQLite looks for Ctrl-C between two rows, and the cursors meet it where they read the next chunk. */
static int next_row(sqlite3_vtab_cursor *base)
{
    struct tn_allocation_scan *cursor = (struct tn_allocation_scan *)base;
    cursor->row = NULL;
    return cursor->is_lookup ? SQLITE_OK : step(cursor);
}

/* Apply one bound to the range. SQLite checks every row again, so a bound may be applied too wide, and one
 * that is no integer may be ignored. */
static void narrow(struct tn_cursor_range *range, char letter, sqlite3_value *bound)
{
    if (sqlite3_value_type(bound) != SQLITE_INTEGER)
        return;
    int64_t number = sqlite3_value_int64(bound);
    uint64_t value = number > 0 ? (uint64_t)number : 0;
    if (letter == 'p')
        range->process_id = value != 0 ? value : UINT64_MAX; /* there is no process 0 */
    if ((letter == 'i' || letter == 'f') && value > range->first_id)
        range->first_id = value;
    if ((letter == 'i' || letter == 'l') && value < range->last_id)
        range->last_id = value;
    if ((letter == 't' || letter == 'a') && value > range->first_birth_ns)
        range->first_birth_ns = value;
    if ((letter == 't' || letter == 'z') && value < range->last_birth_ns)
        range->last_birth_ns = value;
    if (letter == 'e')
        range->site_id = value; /* below 1 there is none: then SQLite sees all rows */
    if ((letter == 'b' || letter == 'g') && value > range->size_min_bytes)
        range->size_min_bytes = value;
    if ((letter == 'b' || letter == 'h') && value < range->size_max_bytes)
        range->size_max_bytes = value;
}

/* Take another log than that of the last filter: nothing that was kept is of use. Takes over schema. */
static int use_schema(struct tn_allocation_scan *cursor, char *schema)
{
    if (schema == NULL)
        return SQLITE_NOMEM;
    if (cursor->schema != NULL && strcmp(cursor->schema, schema) == 0) {
        sqlite3_free(schema);
        return SQLITE_OK;
    }
    close_rows(cursor);
    free(cursor->site_ids);
    sqlite3_free(cursor->schema);
    cursor->site_ids = NULL;
    cursor->schema = schema;
    return SQLITE_OK;
}

static int choose_schema(struct tn_allocation_scan *cursor, const char *letters, sqlite3_value **argv)
{
    const char *letter = strchr(letters, 's');
    if (letter != NULL) {
        const unsigned char *name = sqlite3_value_text(argv[letter - letters]);
        return use_schema(cursor, sqlite3_mprintf("%s", name != NULL ? (const char *)name : ""));
    }
    if (((struct tn_allocation_vtab *)cursor->base.pVtab)->whose == TN_WHOSE_ARGUMENT)
        return refuse(cursor, sqlite3_mprintf("allocation_of needs a name: allocation_of('main'), or that of "
                                              "an attached log"));
    return use_schema(cursor, sqlite3_mprintf("main"));
}

static bool is_database(struct sqlite3 *database, const char *name)
{
    const char *other;
    for (int i = 0; (other = sqlite3_db_name(database, i)) != NULL; i++)
        if (sqlite3_stricmp(other, name) == 0)
            return true;
    return false;
}

static int refuse_no_log(struct tn_allocation_scan *cursor, int r)
{
    struct sqlite3 *database = ((struct tn_allocation_vtab *)cursor->base.pVtab)->database;
    if (r == -EBADMSG && !is_database(database, cursor->schema))
        return refuse(cursor, sqlite3_mprintf("no log is attached as '%s': ATTACH 'FILE' AS %s first",
                                              cursor->schema, cursor->schema));
    return r == -EBADMSG
               ? refuse(cursor, sqlite3_mprintf("the database '%s' is no log of tenure: it has no table "
                                                "chunk; an attached log is allocation_of('NAME')",
                                                cursor->schema))
               : tn_allocation_vtab_code(r);
}

/* The allocation with an id. What was unpacked for it is kept: in a join, the next id is often near. */
static int look_up(struct tn_allocation_scan *cursor, uint64_t id)
{
    struct sqlite3 *database = ((struct tn_allocation_vtab *)cursor->base.pVtab)->database;
    if (!cursor->is_lookup || cursor->ordered == NULL) {
        close_rows(cursor);
        struct tn_cursor_range all = tn_cursor_range_all(0);
        all.schema = cursor->schema;
        int r = tn_ordered_open(database, &all, &cursor->ordered);
        if (r < 0)
            return refuse_no_log(cursor, r);
        cursor->is_lookup = true;
    }
    return end_step(cursor, tn_ordered_find(cursor->ordered, id, &cursor->row));
}

static int scan(struct tn_allocation_scan *cursor, const struct tn_cursor_range *range,
                enum tn_allocation_plan plan, const char *letters)
{
    struct sqlite3 *database = ((struct tn_allocation_vtab *)cursor->base.pVtab)->database;
    struct tn_grouped_wish wish;
    int r;
    close_rows(cursor);
    cursor->is_lookup = false;
    tn_allocation_plan_wish(letters, &wish);
    if (plan == TN_PLAN_GROUPED)
        r = tn_grouped_open(database, range, &wish, &cursor->grouped);
    else if (plan == TN_PLAN_ORDERED)
        r = tn_ordered_open(database, range, &cursor->ordered);
    else
        r = tn_allocation_cursor_open_range(database, range, &cursor->allocations);
    return r < 0 ? refuse_no_log(cursor, r) : next_row(&cursor->base);
}

/* A bound that is no integer narrows nothing; for a look-up it must be one. */
static bool is_one_id(const struct tn_cursor_range *range)
{
    return range->first_id == range->last_id;
}

/* Where the sites of all stacks are needed before a row is there. */
static int fill_sites(struct tn_allocation_scan *cursor, const char *letters, struct tn_cursor_range *range)
{
    struct tn_grouped_wish wish;
    tn_allocation_plan_wish(letters, &wish);
    if (range->site_id == 0 && (wish.columns >> COLUMN_SITE_ID & 1) == 0)
        return SQLITE_OK;
    int r = tn_allocation_scan_load_sites(cursor);
    range->site_ids = cursor->site_ids;
    range->site_id_count = cursor->site_id_count;
    if (r == -EBADMSG)
        return refuse_no_log(cursor, r);
    return tn_allocation_vtab_code(r);
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *letters, int argc, sqlite3_value **argv)
{
    struct tn_allocation_scan *cursor = (struct tn_allocation_scan *)base;
    enum tn_allocation_plan plan = TN_PLAN_OF(number);
    cursor->row = NULL;
    int rc = choose_schema(cursor, letters, argv);
    if (rc != SQLITE_OK)
        return rc;
    struct tn_cursor_range range = tn_cursor_range_all(0);
    range.schema = cursor->schema;
    range.need = TN_PLAN_NEED(number);
    for (int i = 0; i < argc; i++)
        narrow(&range, letters[i], argv[i]);
    if (plan == TN_PLAN_LOOKUP && is_one_id(&range))
        return look_up(cursor, range.first_id);
    rc = fill_sites(cursor, letters, &range);
    return rc == SQLITE_OK ? scan(cursor, &range, plan, letters) : rc;
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
    return ((struct tn_allocation_scan *)base)->row == NULL;
}

/* SQLite does not say beforehand whether a statement asks for it. */
static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_row_id)
{
    struct tn_allocation_scan *cursor = (struct tn_allocation_scan *)base;
    if (cursor->grouped != NULL)
        return refuse(cursor,
                      sqlite3_mprintf("allocation has no rowid where its rows are grouped: write id"));
    *ret_row_id = (sqlite3_int64)cursor->row->id;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 1,
    .xConnect = connect_table,
    .xBestIndex = tn_allocation_plan,
    .xDisconnect = disconnect_table,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next_row,
    .xEof = is_at_end,
    .xColumn = tn_allocation_scan_column,
    .xRowid = row_id,
};

static int register_table(struct sqlite3 *database, const char *name, const enum tn_allocation_whose *whose)
{
    return sqlite3_create_module_v2(database, name, &module, (void *)whose, NULL);
}

int tn_allocation_vtab_register(struct sqlite3 *database)
{
    static const enum tn_allocation_whose main_log = TN_WHOSE_MAIN, argument = TN_WHOSE_ARGUMENT;
    int rc = register_table(database, "allocation", &main_log);
    return rc == SQLITE_OK ? register_table(database, "allocation_of", &argument) : rc;
}

int tn_allocation_vtab_refuse_dots(struct sqlite3 *database)
{
    static const enum tn_allocation_whose unknown = TN_WHOSE_UNKNOWN;
    return register_table(database, "allocation", &unknown);
}
