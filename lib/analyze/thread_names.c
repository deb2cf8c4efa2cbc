/* SPDX-License-Identifier: MIT */
/* Names threads for people. Threads of one name, as those of a pool of workers, are told together. Kinds call
 * this once a finding. */
#include "pass.h"

#include "tenure/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>

#define NAMES_MAX 4u /* told by name; the others are counted */

static bool is_in(const uint64_t *set, size_t index)
{
    return (set[index / 64] >> index % 64 & 1) != 0;
}

/* "1, 5, 9": the rows of the threads in the set. */
static int list_rows(const struct tn_pass *pass, const uint64_t *set, struct tn_buffer *out)
{
    int r = 0;
    for (size_t i = 0; i < pass->thread_count && r == 0; i++)
        if (is_in(set, i))
            r = tn_buffer_print(out, "%s%" PRIu64, out->size_bytes != 0 ? ", " : "",
                                pass->threads[i].thread_id);
    return r == 0 && out->size_bytes == 0 ? tn_buffer_print(out, "0") : r;
}

/* One name with how many threads bear it. */
static int append_name(sqlite3_stmt *row, struct tn_buffer *out)
{
    const char *name = tn_sql_text(row, 0);
    uint64_t count = tn_sql_count(row, 1);
    int r = tn_buffer_print(out, "%s%s", out->size_bytes != 0 ? ", " : "",
                            name != NULL && name[0] != '\0' ? name : "one without a name");
    return r == 0 && count > 1 ? tn_buffer_print(out, " (%" PRIu64 ")", count) : r;
}

static int append_names(const struct tn_pass *pass, sqlite3_stmt *rows, struct tn_buffer *out)
{
    uint64_t names = 0;
    int next, r = 0;
    while ((next = tn_sql_next(rows)) == 1 && r == 0)
        if (names++ < NAMES_MAX)
            r = append_name(rows, out);
    if (r == 0 && names > NAMES_MAX)
        r = tn_buffer_print(out, " and %" PRIu64 " other%s", names - NAMES_MAX,
                            names == NAMES_MAX + 1 ? "" : "s");
    return next < 0 ? tn_pass_refuse(pass, next, "cannot read the threads") : r;
}

int tn_pass_name_threads(const struct tn_pass *pass, const uint64_t *set, struct tn_buffer *out)
{
    struct tn_buffer ids = {0}, sql = {0};
    sqlite3_stmt *rows = NULL;
    int r = list_rows(pass, set, &ids);
    if (r == 0)
        r = tn_buffer_print(&sql,
                            "SELECT name, count(*) FROM thread WHERE id IN (%s) GROUP BY name ORDER BY "
                            "min(id)",
                            (const char *)ids.data);
    if (r == 0)
        r = tn_pass_prepare(pass, (const char *)sql.data, &rows);
    if (r == 0)
        r = append_names(pass, rows, out);
    sqlite3_finalize(rows);
    tn_buffer_finish(&ids);
    tn_buffer_finish(&sql);
    return r;
}
