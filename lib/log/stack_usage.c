/* SPDX-License-Identifier: MIT */

/* How often each stack of a log called each function: chunk by chunk, without unpacking the events. For
 * lib/finish, which finds wrappers by it before the sites are known. */

#include "tenure/chunk.h"
#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>

#define CHUNKS "SELECT process_id, births, deaths, first_ns, checksum, codec, data FROM chunk"

static struct tn_chunk chunk_of(struct sqlite3_stmt *row)
{
    return (struct tn_chunk){
        .process_id = tn_sql_count(row, 0),
        .births = tn_sql_count(row, 1),
        .deaths = tn_sql_count(row, 2),
        .first_ns = tn_sql_count(row, 3),
        .checksum = tn_sql_count(row, 4),
        .codec = tn_sql_text(row, 5),
        .data = sqlite3_column_blob(row, 6),
        .data_bytes = (size_t)sqlite3_column_bytes(row, 6),
    };
}

int tn_log_each_stack_usage(struct sqlite3 *database,
                            int (*see)(void *context, const struct tn_stack_usage *usage), void *context)
{
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(database, CHUNKS, &row);
    if (r < 0)
        return r;
    struct tn_unpack *unpack = tn_unpack_create();
    r = unpack != NULL ? 0 : -ENOMEM;
    int rc = SQLITE_DONE;
    while (r == 0 && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct tn_chunk chunk = chunk_of(row);
        r = tn_unpack_counts(unpack, &chunk, see, context);
    }
    sqlite3_finalize(row);
    tn_unpack_destroy(unpack);
    if (r < 0)
        return r;
    return rc == SQLITE_DONE ? 0 : tn_sql_errno(database, rc);
}
