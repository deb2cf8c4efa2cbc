/* SPDX-License-Identifier: MIT */

/* The virtual table `allocation`: the columns of the view of that name, read from the chunks. It is
 * eponymous: nothing of it stands in the schema, so that a log opens everywhere; a table or view of the name
 * takes precedence. Memory in proportion to the blocks that live at once, or bounded where rows are asked for
 * in order of their ids. */

#include "allocation_columns.h"
#include "cursor.h"
#include "ordered.h"
#include "schema.h"

#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3ext.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
SQLITE_EXTENSION_INIT3

/* In the order of tn_schema_allocation_columns: those that SQL shows, and the hidden ones, as allocation_row
 * has them. */
#define NUMBER(upper, ...) COLUMN_##upper,
#define NONE(...)
#define HIDDEN(upper, name, type, member, rule, upper_stored, ...) COLUMN_##upper_stored,
enum column {
    TN_ALLOCATION_COLUMNS(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER)
        TN_ALLOCATION_COLUMNS(NONE, NONE, HIDDEN, NONE, NONE)
};
#undef NUMBER
#undef HIDDEN
#undef NONE

enum plan {
    PLAN_ANY_ORDER,
    PLAN_ORDERED, /* by id */
};

struct vtab {
    sqlite3_vtab base;
    struct sqlite3 *database; /* borrowed */
};

struct row_cursor {
    sqlite3_vtab_cursor base;
    struct tn_allocation_cursor *allocations; /* owned; NULL before the first filter, or with ordered */
    struct tn_ordered *ordered;               /* owned; gives the rows in order of their ids; or NULL */
    const struct tn_allocation *row;          /* NULL at the end */
    uint64_t *site_ids;                       /* by stack id; owned; NULL until the column is asked for */
    uint64_t site_id_count;
};

static int code_of(int error)
{
    if (error >= 0)
        return SQLITE_OK;
    if (error == -ENOMEM)
        return SQLITE_NOMEM;
    if (error == -EINTR)
        return SQLITE_INTERRUPT;
    return error == -EBADMSG ? SQLITE_CORRUPT_VTAB : SQLITE_IOERR;
}

/* ---------------------------------------------------------------------------------------- table */

static int connect_table(struct sqlite3 *database, void *context, int argc, const char *const *argv,
                         sqlite3_vtab **ret_table, char **ret_error)
{
    (void)context, (void)argc, (void)argv, (void)ret_error;
    int rc = sqlite3_declare_vtab(database, tn_schema_allocation_columns);
    if (rc != SQLITE_OK)
        return rc;
    struct vtab *table = sqlite3_malloc(sizeof(*table));
    if (table == NULL)
        return SQLITE_NOMEM;
    *table = (struct vtab){.database = database};
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
    } known[] = {
        {COLUMN_PROCESS_ID, 'p', 0, 0}, {COLUMN_ID, 'i', 'f', 'l'}, {COLUMN_BIRTH_NS, 't', 'a', 'z'}};
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

/* Costs in units of a row. Every scan decompresses chunks, so a plan with this table in an inner loop must
 * look as expensive as it is, even when it asks for one id. */
static void set_cost(sqlite3_index_info *info, const char *letters)
{
    info->estimatedCost = 1e7;
    info->estimatedRows = 1000000;
    for (const char *letter = letters; *letter != '\0'; letter++) {
        info->estimatedCost /= *letter == 'i' ? 100 : 2;
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

static int best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    char *letters = sqlite3_malloc(info->nConstraint + 1);
    if (letters == NULL)
        return SQLITE_NOMEM;
    int count = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        char letter = letter_of(info->aConstraint[i].iColumn, info->aConstraint[i].op);
        if (letter == 0 || !info->aConstraint[i].usable)
            continue;
        letters[count++] = letter;
        info->aConstraintUsage[i].argvIndex = count; /* SQLite still checks each row: omit stays 0 */
    }
    letters[count] = '\0';
    info->idxNum = wants_ids_in_order(info) ? PLAN_ORDERED : PLAN_ANY_ORDER;
    info->orderByConsumed = info->idxNum == PLAN_ORDERED;
    info->idxStr = letters;
    info->needToFreeIdxStr = 1;
    set_cost(info, letters);
    return SQLITE_OK;
}

/* ---------------------------------------------------------------------------------------- cursor */

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    (void)table;
    struct row_cursor *cursor = sqlite3_malloc(sizeof(*cursor));
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *cursor = (struct row_cursor){0};
    *ret_cursor = &cursor->base;
    return SQLITE_OK;
}

static void close_rows(struct row_cursor *cursor)
{
    tn_allocation_cursor_close(cursor->allocations);
    tn_ordered_close(cursor->ordered);
    cursor->allocations = NULL;
    cursor->ordered = NULL;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct row_cursor *cursor = (struct row_cursor *)base;
    close_rows(cursor);
    free(cursor->site_ids);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int64_t position_of(const struct row_cursor *cursor)
{
    return cursor->ordered != NULL ? tn_ordered_position(cursor->ordered)
                                   : tn_allocation_cursor_position(cursor->allocations);
}

static int next_row(sqlite3_vtab_cursor *base)
{
    struct row_cursor *cursor = (struct row_cursor *)base;
    cursor->row = NULL;
    int r = cursor->ordered != NULL ? tn_ordered_next(cursor->ordered, &cursor->row)
                                    : tn_allocation_cursor_next(cursor->allocations, &cursor->row);
    if (r == -EBADMSG) {
        sqlite3_free(base->pVtab->zErrMsg);
        base->pVtab->zErrMsg =
            sqlite3_mprintf("chunk %lld of the log is damaged", (long long)position_of(cursor));
    }
    return code_of(r);
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

static int filter(sqlite3_vtab_cursor *base, int plan, const char *letters, int argc, sqlite3_value **argv)
{
    struct row_cursor *cursor = (struct row_cursor *)base;
    struct tn_cursor_range range = tn_cursor_range_all(0);
    for (int i = 0; i < argc; i++)
        narrow(&range, letters[i], argv[i]);
    close_rows(cursor);
    struct sqlite3 *database = ((struct vtab *)base->pVtab)->database;
    int r = plan == PLAN_ORDERED ? tn_ordered_open(database, &range, &cursor->ordered)
                                 : tn_allocation_cursor_open_range(database, &range, &cursor->allocations);
    if (r < 0) {
        base->pVtab->zErrMsg = sqlite3_mprintf("this database is no log of tenure: it has no table chunk");
        return r == -EBADMSG ? SQLITE_ERROR : code_of(r);
    }
    return next_row(base);
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
    return ((struct row_cursor *)base)->row == NULL;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_row_id)
{
    *ret_row_id = (sqlite3_int64)((struct row_cursor *)base)->row->id;
    return SQLITE_OK;
}

/* ---------------------------------------------------------------------------------------- columns */

/* The sites of all stacks, read when the column is first asked for: looking one up in the table `stack` for
 * each row would cost ten times the rest of it. */
static int load_sites(struct row_cursor *cursor)
{
    struct sqlite3 *database = ((struct vtab *)cursor->base.pVtab)->database;
    uint64_t count = 0;
    struct sqlite3_stmt *statement = NULL;
    int r = tn_sql_id_count(database, "stack", &count);
    if (r == 0)
        r = tn_sql_prepare(database, "SELECT id, site_id FROM stack WHERE site_id IS NOT NULL", &statement);
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

static int show_site(struct row_cursor *cursor, sqlite3_context *result)
{
    int r = cursor->site_ids == NULL ? load_sites(cursor) : 0;
    if (r < 0)
        return code_of(r);
    uint64_t stack_id = cursor->row->stack_id;
    uint64_t site_id = stack_id < cursor->site_id_count ? cursor->site_ids[stack_id] : 0;
    if (site_id != 0)
        sqlite3_result_int64(result, (sqlite3_int64)site_id);
    return SQLITE_OK;
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
} shown[] = {TN_ALLOCATION_COLUMNS(NUMBER, NUMBER, STORED_AS, TYPED, NUMBER)};

static __attribute__((noinline)) int show_other(struct row_cursor *cursor, sqlite3_context *result,
                                                int column)
{
    const struct tn_allocation *row = cursor->row;
    if (column == COLUMN_SITE_ID)
        return show_site(cursor, result);
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

static int show_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int column)
{
    struct row_cursor *cursor = (struct row_cursor *)base;
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
    .xColumn = show_column,
    .xRowid = row_id,
};

int tn_allocation_vtab_register(struct sqlite3 *database)
{
    return sqlite3_create_module_v2(database, "allocation", &module, NULL, NULL);
}
