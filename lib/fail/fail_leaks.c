/* SPDX-License-Identifier: MIT */
/* Names what a run has leaked: a site of which more blocks live at the end than in the log of the run without
 * a failure. Sites are found again by their keys, which two recordings share. */
#include "tenure/fail.h"

#include "tenure/log.h"
#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_SITES 5

/* Not of images that another one replaced: what they had is gone, and env(1) is one of them. Nor what the
 * loader asked for on behalf of this tool's library. */
static const char sql[] =
    "SELECT s.key, sum(m.live_at_end), p.place, s.file, s.line FROM site AS s JOIN site_summary AS m ON "
    "m.site_id = s.id JOIN site_place AS p ON p.site_id = s.id JOIN process AS q ON q.id = m.process_id "
    "WHERE s.key IS NOT NULL AND q.exit_kind IS NOT 'exec' AND coalesce(s.module, '') NOT LIKE "
    "'%/libtenure_inject.so' GROUP BY s.key ORDER BY 2 DESC, s.id";

/* Keys are text of 12 hexadecimal digits. */
static uint64_t key_of(sqlite3_stmt *row)
{
    const char *text = tn_sql_text(row, 0);
    return text != NULL ? strtoull(text, NULL, 16) + 1 : 1;
}

static int load_live(struct tn_log *log, struct tn_map *live)
{
    sqlite3_stmt *row = NULL;
    int r = tn_sql_prepare(tn_log_database(log), sql, &row), more = r;
    while (r == 0 && (more = tn_sql_next(row)) == 1)
        r = tn_map_put(live, key_of(row), tn_sql_count(row, 1));
    sqlite3_finalize(row);
    return r < 0 ? r : more;
}

static int print_site(struct tn_buffer *out, sqlite3_stmt *row, uint64_t more_count, bool is_first)
{
    const char *place = tn_sql_text(row, 2), *file = tn_sql_text(row, 3);
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    int r = tn_buffer_print(out, "%s%" PRIu64 " of ", is_first ? "" : ", ", more_count);
    if (r == 0)
        r = tn_buffer_show(out, place != NULL ? place : "?", "");
    if (r == 0 && file != NULL) {
        r = tn_buffer_print(out, " (");
        if (r == 0)
            r = tn_buffer_show(out, slash != NULL ? slash + 1 : file, "");
        if (r == 0)
            r = tn_buffer_print(out, ":%" PRIu64 ")", tn_sql_count(row, 4));
    }
    return r;
}

static int print_sites(struct tn_buffer *out, struct tn_log *recorded, const struct tn_map *live)
{
    sqlite3_stmt *row = NULL;
    unsigned told = 0;
    int r = tn_sql_prepare(tn_log_database(recorded), sql, &row), more = r;
    while (r == 0 && told < TOLD_SITES && (more = tn_sql_next(row)) == 1) {
        const uint64_t *before = tn_map_find(live, key_of(row));
        uint64_t before_count = before != NULL ? *before : 0, count = tn_sql_count(row, 1);
        if (count > before_count)
            r = print_site(out, row, count - before_count, told++ == 0);
    }
    sqlite3_finalize(row);
    return r < 0 ? r : more < 0 ? more : 0;
}

int tn_fail_name_leaks(struct tn_log *log, struct tn_log *recorded, char **ret_text)
{
    struct tn_buffer out = {0};
    struct tn_map live = {0};
    int r = tn_buffer_print(&out, "%s", "");
    if (r == 0)
        r = load_live(log, &live);
    if (r == 0)
        r = print_sites(&out, recorded, &live);
    tn_map_finish(&live);
    if (r < 0) {
        tn_buffer_finish(&out);
        return r;
    }
    *ret_text = (char *)out.data;
    return 0;
}
