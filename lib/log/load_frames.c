/* SPDX-License-Identifier: MIT */

/* All frames of a log with the module of each: for lib/finish and lib/analyze, which look for sites in them,
 * and find out which functions belong to the program. */

#include "tenure/log.h"
#include "tenure/sql.h"

#include <sqlite3.h>

/* Logs of older releases lack the last column, or the last two. */
#define FRAMES(is_tail_call, column_number)                                                                  \
    "SELECT f.id, coalesce(f.inlined_into, f.id), coalesce(f.module_id, 0), f.offset_bytes, f.function,"     \
    " m.path, coalesce(f.line, 0), " is_tail_call ", " column_number                                         \
    ", f.file"                                                                                               \
    " FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id"                                           \
    " ORDER BY 2, f.inlined_into IS NULL, f.inline_position"

static const char newer_columns_sql[] =
    "SELECT count(*) FROM pragma_table_info('frame') WHERE name IN ('is_tail_call', 'column_number')";

static struct tn_log_frame frame_of(struct sqlite3_stmt *row)
{
    return (struct tn_log_frame){
        .id = tn_sql_count(row, 0),
        .physical_id = tn_sql_count(row, 1),
        .module_id = tn_sql_count(row, 2),
        .offset_bytes = tn_sql_count(row, 3),
        .function = tn_sql_text(row, 4),
        .module = tn_sql_text(row, 5),
        .line = (uint32_t)tn_sql_count(row, 6),
        .is_tail_call = sqlite3_column_int(row, 7) != 0,
        .column = (uint32_t)tn_sql_count(row, 8),
        .file = tn_sql_text(row, 9),
    };
}

int tn_log_each_frame(struct sqlite3 *database, int (*see)(void *context, const struct tn_log_frame *frame),
                      void *context)
{
    struct sqlite3_stmt *rows;
    int64_t newer_columns;
    int r = tn_sql_number(database, newer_columns_sql, 0, 0, &newer_columns);
    if (r == 0)
        r = tn_sql_prepare(database,
                           newer_columns == 2   ? FRAMES("f.is_tail_call", "coalesce(f.column_number, 0)")
                           : newer_columns == 1 ? FRAMES("f.is_tail_call", "0")
                                                : FRAMES("0", "0"),
                           &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1) {
        struct tn_log_frame frame = frame_of(rows);
        r = see(context, &frame);
        if (r < 0)
            break;
    }
    sqlite3_finalize(rows);
    return r;
}
