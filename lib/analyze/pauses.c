/* SPDX-License-Identifier: MIT */
/* When recording was paused, as the marks of the process say, and how much of its time was recorded. Called
 * by load.c, pass.c and kinds. */
#include "pass.h"

#include "tenure/log_write.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static int add_pause(struct tn_pass *pass, uint64_t start_ns)
{
    size_t bytes = (pass->pause_count + 1) * sizeof(pass->pauses[0]);
    struct tn_pass_pause *pauses = realloc(pass->pauses, bytes);
    if (pauses == NULL)
        return -ENOMEM;
    pauses[pass->pause_count++] = (struct tn_pass_pause){start_ns, UINT64_MAX};
    pass->pauses = pauses;
    return 0;
}

static bool is_paused(const struct tn_pass *pass)
{
    return pass->pause_count != 0 && pass->pauses[pass->pause_count - 1].end_ns == UINT64_MAX;
}

static int read_marks(struct tn_pass *pass, sqlite3_stmt *rows)
{
    int r;
    while ((r = tn_sql_next(rows)) == 1) {
        uint64_t time_ns = tn_sql_count(rows, 1);
        bool is_start = sqlite3_column_int(rows, 0) != 0;
        if (is_start && !is_paused(pass))
            r = add_pause(pass, time_ns);
        else if (!is_start && is_paused(pass))
            pass->pauses[pass->pause_count - 1].end_ns = time_ns;
        pass->lacks_start |= pass->pause_count == 1 && time_ns <= tn_sql_count(rows, 2);
        if (r < 0)
            return r;
    }
    return r;
}

int tn_pass_load_pauses(struct tn_pass *pass)
{
    sqlite3_stmt *rows;
    int r = tn_pass_prepare(
        pass,
        "SELECT text = '" TN_MARK_PAUSED
        "', time_ns,"
        " coalesce((SELECT min(first_ns) FROM chunk WHERE process_id = ?1 AND births > 0), 0) FROM mark"
        " WHERE process_id = ?1 AND text IN ('" TN_MARK_PAUSED "', '" TN_MARK_RESUMED
        "') ORDER BY time_ns, id",
        &rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(rows, 1, pass->process_id);
    return tn_pass_end_rows(pass, rows, read_marks(pass, rows), "cannot read");
}

bool tn_pass_ends_paused(const struct tn_pass *pass)
{
    return is_paused(pass);
}

uint64_t tn_pass_recorded_ns(const struct tn_pass *pass, uint64_t time_ns)
{
    uint64_t paused_ns = 0;
    for (size_t i = 0; i < pass->pause_count && pass->pauses[i].start_ns < time_ns; i++) {
        const struct tn_pass_pause *pause = &pass->pauses[i];
        paused_ns += (pause->end_ns < time_ns ? pause->end_ns : time_ns) - pause->start_ns;
    }
    return time_ns - paused_ns;
}
