/* SPDX-License-Identifier: MIT */

/* How the virtual table `allocation` is to be scanned, for a statement that SQLite prepares: which conditions
 * narrow the scan, in which order the rows come, and what of them is unpacked. Read by allocation_vtab.c. */

#include "allocation_vtab.h"

#include <stdlib.h>
#include <string.h>
SQLITE_EXTENSION_INIT3

#define BIT(column) (UINT64_C(1) << (column))

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

/* What of each allocation the statement can ask for. */
static enum tn_cursor_need need_of(const sqlite3_index_info *info)
{
    uint64_t births = tn_grouped_columns() | BIT(COLUMN_ID) | BIT(COLUMN_BIRTH_NS);
    if ((info->colUsed & ~births) != 0)
        return TN_NEED_ALL;
    return (info->colUsed & BIT(COLUMN_BIRTH_NS)) != 0 ? TN_NEED_BIRTHS : TN_NEED_COUNTS;
}

/* Whether an order is asked for, and all columns, those of the order included, have few different values. Not
 * where there is no order: the row ids of equal rows are not told apart, which SQLite needs where it joins
 * the parts of an OR. */
static bool can_group(const sqlite3_index_info *info)
{
    bool is_possible = info->nOrderBy != 0 && info->nOrderBy <= (int)TN_GROUPED_ORDER_MAX &&
                       (info->colUsed & ~tn_grouped_columns()) == 0;
    for (int i = 0; i < info->nOrderBy; i++)
        is_possible = is_possible && info->aOrderBy[i].iColumn >= 0;
    return is_possible;
}

static enum tn_allocation_plan plan_of(const sqlite3_index_info *info, const char *letters)
{
    if (strchr(letters, 'i') != NULL)
        return TN_PLAN_LOOKUP;
    if (can_group(info))
        return TN_PLAN_GROUPED;
    return wants_ids_in_order(info) ? TN_PLAN_ORDERED : TN_PLAN_ANY_ORDER;
}

/* Behind the letters, what a grouped scan has to know: ":COLUMNS", then ",COLUMN+" or ",COLUMN-" for each
 * column of the order. Capitals and signs are no letters. */
static char *print_wish(const sqlite3_index_info *info, const char *letters)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendf(text, "%s:%llX", letters, (unsigned long long)info->colUsed);
    for (int i = 0; i < info->nOrderBy; i++)
        sqlite3_str_appendf(text, ",%d%c", info->aOrderBy[i].iColumn, info->aOrderBy[i].desc ? '-' : '+');
    return sqlite3_str_finish(text);
}

void tn_allocation_plan_wish(const char *text, struct tn_grouped_wish *ret_wish)
{
    char *rest = strchr(text, ':');
    *ret_wish = (struct tn_grouped_wish){0};
    if (rest == NULL)
        return;
    ret_wish->columns = strtoull(rest + 1, &rest, 16);
    while (*rest == ',' && ret_wish->order_count < TN_GROUPED_ORDER_MAX) {
        struct tn_grouped_order *order = &ret_wish->order[ret_wish->order_count++];
        order->column = (uint8_t)strtoul(rest + 1, &rest, 10);
        order->is_descending = *rest == '-';
        rest += *rest != '\0';
    }
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

int tn_allocation_plan(sqlite3_vtab *table, sqlite3_index_info *info)
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
        info->aConstraintUsage[i].argvIndex = count;
        info->aConstraintUsage[i].omit = letter == 's'; /* the others SQLite still checks in each row */
    }
    letters[count] = '\0';
    enum tn_allocation_plan way = plan_of(info, letters);
    info->idxNum = TN_PLAN_NUMBER(way, need_of(info));
    info->orderByConsumed = way == TN_PLAN_ORDERED || way == TN_PLAN_GROUPED;
    set_cost(info, letters);
    info->idxStr = way == TN_PLAN_GROUPED ? print_wish(info, letters) : letters;
    info->needToFreeIdxStr = 1;
    if (info->idxStr != letters)
        sqlite3_free(letters);
    if (info->idxStr == NULL)
        return SQLITE_NOMEM;
    /* The argument comes from a table that must then be the outer one. */
    return is_argument_missing ? SQLITE_CONSTRAINT : SQLITE_OK;
}
