/* SPDX-License-Identifier: MIT */

/* The links of a log: who held whose address, and how often it was looked. For the analyses and the reports;
 * the names of the moments are also the writer's. */

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

static const char *const moment_names[TN_LINK_MOMENT_COUNT] = {
    [TN_LINK_NEVER] = "",
    [TN_LINK_HOLDER_DEATH] = "holder death",
    [TN_LINK_EVENT_1] = "event 1",
    [TN_LINK_EVENT_2] = "event 2",
    [TN_LINK_EVENT_4] = "event 4",
    [TN_LINK_EVENT_8] = "event 8",
    [TN_LINK_EVENT_16] = "event 16",
    [TN_LINK_EVENT_32] = "event 32",
    [TN_LINK_HELD_DEATH] = "held death",
    [TN_LINK_OUTPUT] = "output",
};

const char *tn_link_moment_name(enum tn_link_moment moment)
{
    return (uint32_t)moment < TN_LINK_MOMENT_COUNT ? moment_names[moment] : "";
}

enum tn_link_moment tn_link_moment_of(const char *name)
{
    for (int i = TN_LINK_NEVER + 1; name != NULL && i < TN_LINK_MOMENT_COUNT; i++) {
        if (strcmp(name, moment_names[i]) == 0)
            return (enum tn_link_moment)i;
    }
    return TN_LINK_NEVER;
}

/* Logs before version 5 have no such tables: then there are no rows.
 *
 * count_sql  counts what must be there, which gives 2
 * Returns    1: *ret_rows is ready; 0: no table; or a negative errno */
static int open_rows(struct sqlite3 *database, const char *count_sql, const char *sql, uint64_t process_id,
                     struct sqlite3_stmt **ret_rows)
{
    int64_t tables;
    int r = tn_sql_number(database, count_sql, 0, 0, &tables);
    if (r < 0 || tables != 2)
        return r;
    r = tn_sql_prepare(database, sql, ret_rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(*ret_rows, 1, process_id);
    return 1;
}

#define COUNT_TABLES(names) "SELECT count(*) FROM sqlite_schema WHERE name IN (" names ")"
#define COUNT_LINK_TABLES   COUNT_TABLES("'link', 'link_look'")

static int see_link_row(struct sqlite3_stmt *row, uint64_t process_id,
                        int (*see)(void *context, const struct tn_log_link *link), void *context)
{
    struct tn_log_link link = {
        .process_id = process_id,
        .moment = tn_link_moment_of(tn_sql_text(row, 0)),
        .holder_stack_id = tn_sql_count(row, 1),
        .module_id = tn_sql_count(row, 2),
        .offset_bytes = tn_sql_count(row, 3),
        .held_stack_id = tn_sql_count(row, 4),
        .inner_offset_bytes = (uint32_t)tn_sql_count(row, 5),
        .looks = tn_sql_count(row, 6),
        .distinct_held_blocks = (uint32_t)tn_sql_count(row, 7),
        .holder_id = tn_sql_count(row, 8),
        .held_id = tn_sql_count(row, 9),
    };
    return link.moment != TN_LINK_NEVER ? see(context, &link) : -EBADMSG;
}

int tn_log_each_link(struct sqlite3 *database, uint64_t process_id,
                     int (*see)(void *context, const struct tn_log_link *link), void *context)
{
    struct sqlite3_stmt *rows;
    int r = open_rows(database, COUNT_LINK_TABLES,
                      "SELECT moment, holder_stack_id, module_id, offset_bytes, held_stack_id,"
                      " inner_offset_bytes, looks, distinct_held_blocks, holder_id, held_id"
                      " FROM link WHERE process_id = ?1 ORDER BY id",
                      process_id, &rows);
    if (r <= 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1) {
        r = see_link_row(rows, process_id, see, context);
        if (r < 0)
            break;
    }
    sqlite3_finalize(rows);
    return r;
}

int tn_log_each_look(struct sqlite3 *database, uint64_t process_id,
                     int (*see)(void *context, const struct tn_log_look *look), void *context)
{
    struct sqlite3_stmt *rows;
    int r = open_rows(database, COUNT_LINK_TABLES,
                      "SELECT stack_id, moment, looks FROM link_look WHERE process_id = ?1"
                      " ORDER BY stack_id, moment",
                      process_id, &rows);
    if (r <= 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1) {
        struct tn_log_look look = {process_id, tn_sql_count(rows, 0), tn_link_moment_of(tn_sql_text(rows, 1)),
                                   tn_sql_count(rows, 2)};
        r = look.moment != TN_LINK_NEVER ? see(context, &look) : -EBADMSG;
        if (r < 0)
            break;
    }
    sqlite3_finalize(rows);
    return r;
}

int tn_log_each_member(struct sqlite3 *database,
                       int (*see)(void *context, const struct tn_log_member *member), void *context)
{
    struct sqlite3_stmt *rows;
    int r = open_rows(database, COUNT_TABLES("'link', 'struct_member'"),
                      "SELECT site_id, offset_bytes, ifnull(type_name, ''), member_name FROM struct_member"
                      " ORDER BY site_id, offset_bytes",
                      0, &rows);
    if (r <= 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1) {
        struct tn_log_member member = {tn_sql_count(rows, 0), tn_sql_count(rows, 1), tn_sql_text(rows, 2),
                                       tn_sql_text(rows, 3)};
        r = see(context, &member);
        if (r < 0)
            break;
    }
    sqlite3_finalize(rows);
    return r;
}
