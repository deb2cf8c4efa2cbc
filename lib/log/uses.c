/* SPDX-License-Identifier: MIT */
#include "sql.h"
#include "unpack.h"

#include <errno.h>
#include <sqlite3.h>

#define CHUNKS "SELECT process_id, births, deaths, first_ns, checksum, codec, data FROM chunk"

static struct tn_chunk chunk_of(struct sqlite3_stmt *row)
{
    return (struct tn_chunk){
        .process_id = (uint64_t)sqlite3_column_int64(row, 0),
        .births = (uint64_t)sqlite3_column_int64(row, 1),
        .deaths = (uint64_t)sqlite3_column_int64(row, 2),
        .first_ns = (uint64_t)sqlite3_column_int64(row, 3),
        .checksum = (uint64_t)sqlite3_column_int64(row, 4),
        .codec = (const char *)sqlite3_column_text(row, 5),
        .data = sqlite3_column_blob(row, 6),
        .data_bytes = (size_t)sqlite3_column_bytes(row, 6),
    };
}

static struct tn_log_use use_of(const struct tn_place *place, const struct tn_unpack_use *use)
{
    return (struct tn_log_use){
        .stack_id = place->stack_id,
        .function = (enum tn_function)(place->op >> TN_OP_FUNCTION_BIT & TN_OP_FUNCTION_MASK),
        .is_birth = (place->op & TN_OP_BIRTH) != 0,
        .count = use->count,
        .min_size_bytes = use->min_size_bytes,
        .max_size_bytes = use->max_size_bytes,
    };
}

int tn_log_each_use(struct sqlite3 *database, int (*see)(void *context, const struct tn_log_use *use),
                    void *context)
{
    struct tn_unpack unpack = {0};
    struct tn_buffer buffer = {0};
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(database, CHUNKS, &row);
    if (r < 0)
        return r == -EIO ? -EBADMSG : r; /* SQLITE_ERROR: there is no such table */
    int rc = SQLITE_DONE;
    while (r >= 0 && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct tn_chunk chunk = chunk_of(row);
        int count = r = tn_unpack_uses(&unpack, &chunk, &buffer);
        for (int i = 0; r >= 0 && i < count; i++) {
            struct tn_log_use use =
                use_of(&unpack.predict.places[i], (const struct tn_unpack_use *)buffer.data + i);
            r = see(context, &use);
        }
    }
    sqlite3_finalize(row);
    tn_unpack_finish(&unpack);
    tn_buffer_finish(&buffer);
    if (r < 0)
        return r;
    return rc == SQLITE_DONE ? 0 : tn_log_errno(database, rc);
}
