/* SPDX-License-Identifier: MIT */

/* Adds the rows about links: who held whose address, and how often it was looked. Called by the recorder,
 * which keeps the counts and renews them. */

#include "writer.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <sqlite3.h>

static void bind_moment(struct sqlite3_stmt *statement, int index, enum tn_link_moment moment)
{
    sqlite3_bind_text(statement, index, tn_link_moment_name(moment), -1, SQLITE_STATIC);
}

int tn_log_set_link(struct tn_log_writer *writer, const struct tn_log_link *link, uint64_t *id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_LINK);
    if (statement == NULL)
        return writer->error.code;
    uint64_t row = *id != 0 ? *id : writer->link_count + 1;
    tn_sql_bind_count(statement, 1, row);
    tn_sql_bind_id(statement, 2, link->process_id);
    bind_moment(statement, 3, link->moment);
    tn_sql_bind_id(statement, 4, link->holder_stack_id);
    tn_sql_bind_id(statement, 5, link->module_id);
    tn_sql_bind_count(statement, 6, link->offset_bytes);
    tn_sql_bind_id(statement, 7, link->held_stack_id);
    tn_sql_bind_count(statement, 8, link->inner_offset_bytes);
    tn_sql_bind_count(statement, 9, link->looks);
    tn_sql_bind_count(statement, 10, link->distinct_held_blocks);
    tn_sql_bind_id(statement, 11, link->holder_id);
    tn_sql_bind_id(statement, 12, link->held_id);
    int r = tn_writer_step(writer, statement);
    if (r == 0 && *id == 0)
        *id = writer->link_count = row;
    return r;
}

int tn_log_set_look(struct tn_log_writer *writer, const struct tn_log_look *look)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_LINK_LOOK);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_id(statement, 1, look->process_id);
    tn_sql_bind_id(statement, 2, look->stack_id);
    bind_moment(statement, 3, look->moment);
    tn_sql_bind_count(statement, 4, look->looks);
    return tn_writer_step(writer, statement);
}
