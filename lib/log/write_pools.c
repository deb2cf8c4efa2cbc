/* SPDX-License-Identifier: MIT */

/* Adds the rows about pools of the program's own. Called by the recorder, which keeps the counts and renews
 * them. */

#include "writer.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <sqlite3.h>

int tn_log_set_pool(struct tn_log_writer *writer, const struct tn_log_pool *pool, uint64_t *id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_POOL);
    if (statement == NULL)
        return writer->error.code;
    uint64_t row = *id != 0 ? *id : writer->pool_count + 1;
    const uint64_t counts[] = {pool->first_ns,       pool->allocations,     pool->frees,
                               pool->resets,         pool->total_bytes,     pool->live_count,
                               pool->live_bytes,     pool->peak_live_count, pool->peak_live_bytes,
                               pool->peak_ns,        pool->unknown_frees,   pool->unseen_frees,
                               pool->blocks_left_out};
    tn_sql_bind_count(statement, 1, row);
    tn_sql_bind_id(statement, 2, pool->process_id);
    tn_sql_bind_count(statement, 3, pool->address);
    for (int i = 0; i < (int)(sizeof(counts) / sizeof(counts[0])); i++)
        tn_sql_bind_count(statement, 5 + i, counts[i]);
    int r = 0;
    if (pool->name == NULL)
        sqlite3_bind_null(statement, 4);
    else
        r = tn_writer_bind_text(writer, statement, 4, pool->name);
    if (r == 0)
        r = tn_writer_step(writer, statement);
    if (r == 0 && *id == 0)
        *id = writer->pool_count = row;
    return r;
}

int tn_log_set_pool_size(struct tn_log_writer *writer, const struct tn_log_pool_size *size)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_POOL_SIZE);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_id(statement, 1, size->pool_id);
    tn_sql_bind_count(statement, 2, size->size_bytes);
    tn_sql_bind_count(statement, 3, size->allocations);
    tn_sql_bind_count(statement, 4, size->live_count);
    tn_sql_bind_count(statement, 5, size->peak_live_count);
    return tn_writer_step(writer, statement);
}

int tn_log_add_pool_block(struct tn_log_writer *writer, const struct tn_log_pool_block *block,
                          uint64_t *ret_id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_POOL_BLOCK);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_count(statement, 1, writer->pool_block_count + 1);
    tn_sql_bind_id(statement, 2, block->pool_id);
    tn_sql_bind_id(statement, 3, block->thread_id);
    tn_sql_bind_id(statement, 4, block->stack_id);
    tn_sql_bind_count(statement, 5, block->address);
    tn_sql_bind_count(statement, 6, block->size_bytes);
    tn_sql_bind_count(statement, 7, block->birth_ns);
    int r = tn_writer_step(writer, statement);
    if (r == 0)
        *ret_id = ++writer->pool_block_count;
    if (block->birth_ns > writer->last_ns)
        writer->last_ns = block->birth_ns;
    return r;
}

int tn_log_end_pool_block(struct tn_log_writer *writer, uint64_t id, uint64_t thread_id, uint64_t stack_id,
                          uint64_t death_ns)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_POOL_BLOCK_END);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_id(statement, 1, id);
    tn_sql_bind_count(statement, 2, death_ns);
    tn_sql_bind_id(statement, 3, thread_id);
    tn_sql_bind_id(statement, 4, stack_id);
    if (death_ns > writer->last_ns)
        writer->last_ns = death_ns;
    return tn_writer_step(writer, statement);
}
