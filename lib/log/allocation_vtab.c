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

/* Rows that a step leaves out before it hands one on all the same: some milliseconds. */
#define LEFT_OUT_MAX 100000u

enum plan {
    PLAN_ANY_ORDER,
    PLAN_ORDERED, /* by id */
    PLAN_LOOKUP,  /* one id; in a join, once for each row outside */
};

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

/* The letter for idxStr of a constraint that narrows the range; 0: one that does not help. */
static char letter_of(int column, unsigned char op)
{
    static const struct {
        int column;
        char equal, low, high;
    } known[] = {{COLUMN_SCHEMA, 's', 0, 0},  {COLUMN_PROCESS_ID, 'p', 0, 0},
                 {COLUMN_ID, 'i', 'f', 'l'},  {COLUMN_BIRTH_NS, 't', 'a', 'z'},
                 {COLUMN_SITE_ID, 'e', 0, 0}, {COLUMN_SIZE_BYTES, 'b', 'g', 'h'}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].column != column)
            continue;
        if (op == SQLITE_INDEX_CONSTRAINT_EQ)
            return known[i].equal;
        if (op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE)
            return known[i].low;
        if (op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE)
            return known[i].high;
    }
    return 0;
}

/* Conditions that leave rows out of a scan which reads them all the same: no plan becomes cheaper by them. */
#define ROW_LETTERS "ebgh"

/* Costs in units of a row. Every scan decompresses chunks, so a plan with this table in an inner loop must
 * look as expensive as it is. One id costs a chunk to unpack, unless it is near the one before. */
static void set_cost(sqlite3_index_info *info, const char *letters)
{
    info->estimatedCost = 1e7;
    info->estimatedRows = 1000000;
    for (const char *letter = letters; *letter != '\0'; letter++) {
        if (*letter == 's' || strchr(ROW_LETTERS, *letter) != NULL)
            continue;
        info->estimatedCost /= *letter == 'i' ? 1000 : 2;
        info->estimatedRows = *letter == 'i' ? 1 : info->estimatedRows / 2 + 1;
        if (*letter == 'i')
            info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    }
}

static bool wants_ids_in_order(const sqlite3_index_info *info)
{
    return info->nOrderBy == 1 && !info->aOrderBy[0].desc &&
           (info->aOrderBy[0].iColumn == COLUMN_ID || info->aOrderBy[0].iColumn == -1);
}

static enum plan plan_of(const sqlite3_index_info *info, const char *letters)
{
    if (strchr(letters, 'i') != NULL)
        return PLAN_LOOKUP;
    return wants_ids_in_order(info) ? PLAN_ORDERED : PLAN_ANY_ORDER;
}

/* SQLite reports the message of a table whose plan fails. */
static int refuse_plan(sqlite3_vtab *table)
{
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = sqlite3_mprintf(
        "SQLite does not tell a virtual table which name stood before the dot: "
        "write allocation for the main log, and allocation_of('NAME') instead "
        "of NAME.allocation");
    return SQLITE_ERROR;
}

static int best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    if (((struct tn_allocation_vtab *)table)->whose == TN_WHOSE_UNKNOWN)
        return refuse_plan(table);
    char *letters = sqlite3_malloc(info->nConstraint + 1);
    if (letters == NULL)
        return SQLITE_NOMEM;
    int count = 0;
    bool is_argument_missing = false;
    for (int i = 0; i < info->nConstraint; i++) {
        char letter = letter_of(info->aConstraint[i].iColumn, info->aConstraint[i].op);
        is_argument_missing = is_argument_missing || (letter == 's' && !info->aConstraint[i].usable);
        if (letter == 0 || !info->aConstraint[i].usable)
            continue;
        letters[count++] = letter;
        info->aConstraintUsage[i].argvIndex = count; /* SQLite still checks each row: omit stays 0 */
    }
    letters[count] = '\0';
    info->idxNum = plan_of(info, letters);
    info->orderByConsumed = info->idxNum == PLAN_ORDERED;
    info->idxStr = letters;
    info->needToFreeIdxStr = 1;
    set_cost(info, letters);
    /* The argument comes from a table that must then be the outer one. */
    return is_argument_missing ? SQLITE_CONSTRAINT : SQLITE_OK;
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
    cursor->allocations = NULL;
    cursor->ordered = NULL;
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

static int64_t position_of(const struct tn_allocation_scan *cursor)
{
    return cursor->ordered != NULL ? tn_ordered_position(cursor->ordered)
                                   : tn_allocation_cursor_position(cursor->allocations);
}

/* What a step of a cursor gave: the row is there, or the scan is at its end. */
static int end_step(struct tn_allocation_scan *cursor, int r)
{
    if (r == -EBADMSG) {
        sqlite3_free(cursor->base.pVtab->zErrMsg);
        cursor->base.pVtab->zErrMsg =
            sqlite3_mprintf("chunk %lld of the log is damaged", (long long)position_of(cursor));
    }
    return tn_allocation_vtab_code(r);
}

static int step(struct tn_allocation_scan *cursor)
{
    cursor->row = NULL;
    int r = cursor->ordered != NULL ? tn_ordered_next(cursor->ordered, &cursor->row)
                                    : tn_allocation_cursor_next(cursor->allocations, &cursor->row);
    return end_step(cursor, r);
}

/* Whether the row meets the conditions on its site and size. */
static int is_wanted(struct tn_allocation_scan *cursor, bool *ret_is_wanted)
{
    uint64_t site_id = cursor->site_id, size_bytes = cursor->row->size_bytes;
    int rc = site_id != UINT64_MAX ? tn_allocation_scan_site(cursor, &site_id) : SQLITE_OK;
    *ret_is_wanted = site_id == cursor->site_id && size_bytes >= cursor->size_min_bytes &&
                     size_bytes <= cursor->size_max_bytes;
    return rc;
}

/* SQLite looks for Ctrl-C between two rows: it gets one now and then, and leaves it out itself. */
static int next_row(sqlite3_vtab_cursor *base)
{
    struct tn_allocation_scan *cursor = (struct tn_allocation_scan *)base;
    cursor->row = NULL;
    if (cursor->is_lookup)
        return SQLITE_OK;
    bool is_found = false;
    int rc = SQLITE_OK;
    for (unsigned left_out = 0; rc == SQLITE_OK && !is_found && left_out < LEFT_OUT_MAX; left_out++) {
        rc = step(cursor);
        if (rc != SQLITE_OK || cursor->row == NULL)
            break;
        rc = is_wanted(cursor, &is_found);
    }
    return rc;
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
}

/* The same for what is asked of each row. A site below 1 is none: then SQLite sees all rows. */
static void narrow_rows(struct tn_allocation_scan *cursor, char letter, sqlite3_value *bound)
{
    if (sqlite3_value_type(bound) != SQLITE_INTEGER)
        return;
    int64_t number = sqlite3_value_int64(bound);
    uint64_t value = number > 0 ? (uint64_t)number : 0;
    if (letter == 'e' && value != 0)
        cursor->site_id = value;
    if ((letter == 'b' || letter == 'g') && value > cursor->size_min_bytes)
        cursor->size_min_bytes = value;
    if ((letter == 'b' || letter == 'h') && value < cursor->size_max_bytes)
        cursor->size_max_bytes = value;
}

static int refuse(struct tn_allocation_scan *cursor, char *message)
{
    sqlite3_free(cursor->base.pVtab->zErrMsg);
    cursor->base.pVtab->zErrMsg = message;
    return message != NULL ? SQLITE_ERROR : SQLITE_NOMEM;
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

static int refuse_no_log(struct tn_allocation_scan *cursor, int r)
{
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

static int scan(struct tn_allocation_scan *cursor, const struct tn_cursor_range *range, int plan)
{
    struct sqlite3 *database = ((struct tn_allocation_vtab *)cursor->base.pVtab)->database;
    close_rows(cursor);
    cursor->is_lookup = false;
    int r = plan == PLAN_ORDERED ? tn_ordered_open(database, range, &cursor->ordered)
                                 : tn_allocation_cursor_open_range(database, range, &cursor->allocations);
    return r < 0 ? refuse_no_log(cursor, r) : next_row(&cursor->base);
}

/* A bound that is no integer narrows nothing; for a look-up it must be one. */
static bool is_one_id(const struct tn_cursor_range *range)
{
    return range->first_id == range->last_id;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *letters, int argc, sqlite3_value **argv)
{
    struct tn_allocation_scan *cursor = (struct tn_allocation_scan *)base;
    cursor->row = NULL;
    int rc = choose_schema(cursor, letters, argv);
    if (rc != SQLITE_OK)
        return rc;
    struct tn_cursor_range range = tn_cursor_range_all(0);
    range.schema = cursor->schema;
    cursor->site_id = cursor->size_max_bytes = UINT64_MAX;
    cursor->size_min_bytes = 0;
    for (int i = 0; i < argc; i++) {
        narrow(&range, letters[i], argv[i]);
        narrow_rows(cursor, letters[i], argv[i]);
    }
    if (plan == PLAN_LOOKUP && is_one_id(&range))
        return look_up(cursor, range.first_id);
    return scan(cursor, &range, plan);
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
    return ((struct tn_allocation_scan *)base)->row == NULL;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_row_id)
{
    *ret_row_id = (sqlite3_int64)((struct tn_allocation_scan *)base)->row->id;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 1,
    .xConnect = connect_table,
    .xBestIndex = best_index,
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
