/* SPDX-License-Identifier: MIT */

/* Who holds whose address, by sites: the links of a finished log that chance does not explain, each place
 * once. For summary.c and the reports. */

#include "summary_parts.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_COLUMNS(site)                                                                                  \
    site ".id, " site ".function, " site ".file, " site ".line, " site ".module, " site                      \
         ".offset_bytes, " site ".via"

/* A place is a holder, an offset in it, and a site that is held there. Of its moments and inner offsets the
 * strongest tells. */
#define LINKS_SQL(member_columns, member_table)                                                              \
    "SELECT l.looks, l.looks_made, l.share, l.distinct_held_blocks, l.offset_bytes, l.inner_offset_bytes,"   \
    " l.moment, m.path, " PLACE_COLUMNS("h") ", " PLACE_COLUMNS(                                             \
        "d") ", " member_columns                                                                             \
             " FROM"                                                                                         \
             " (SELECT *, row_number() OVER (PARTITION BY holder_site_id, module_id, offset_bytes, "         \
             "held_site_id"                                                                                  \
             "   ORDER BY share DESC, looks DESC, moment, inner_offset_bytes) AS place"                      \
             "  FROM (SELECT *, min(1.0, 1.0 * looks / looks_made) AS share FROM site_link WHERE "           \
             "process_id = ?1"                                                                               \
             "   AND distinct_held_blocks >= ?2 AND looks_made >= ?3 AND looks >= ?4 * looks_made"           \
             "   AND (holder_site_id IS NOT NULL OR module_id IS NOT NULL))) AS l"                           \
             " JOIN site AS d ON d.id = l.held_site_id"                                                      \
             " LEFT JOIN site AS h ON h.id = l.holder_site_id"                                               \
             " LEFT JOIN module AS m ON m.id = l.module_id" member_table                                     \
             " WHERE l.place = 1"                                                                            \
             " ORDER BY l.share DESC, l.distinct_held_blocks DESC, l.looks DESC, l.holder_site_id, "         \
             "l.module_id,"                                                                                  \
             " l.offset_bytes, l.held_site_id"

static const char links_sql[] =
    LINKS_SQL("t.type_name, t.member_name",
              " LEFT JOIN struct_member AS t"
              " ON t.site_id = l.holder_site_id AND t.offset_bytes = l.offset_bytes");

/* Of logs in which no members were named. */
static const char nameless_links_sql[] = LINKS_SQL("NULL, NULL", "");

static void finish_place(struct tn_summary_place *place)
{
    free(place->function);
    free(place->file);
    free(place->module);
    free(place->via);
}

static void finish_link(struct tn_summary_link *link)
{
    finish_place(&link->holder);
    finish_place(&link->held);
    free(link->global_module);
    free(link->moment);
    free(link->holder_type);
    free(link->holder_member);
}

void tn_summary_finish_links(struct tn_summary *summary)
{
    for (size_t i = 0; i < summary->link_count; i++)
        finish_link(&summary->links[i]);
    free(summary->links);
    summary->links = NULL;
    summary->link_count = 0;
}

static struct tn_summary_place read_place(struct sqlite3_stmt *row, int column)
{
    return (struct tn_summary_place){.site_id = tn_sql_count(row, column),
                                     .function = tn_sql_copy_text(row, column + 1),
                                     .file = tn_sql_copy_text(row, column + 2),
                                     .line = (uint32_t)tn_sql_count(row, column + 3),
                                     .module = tn_sql_copy_text(row, column + 4),
                                     .offset_bytes = tn_sql_count(row, column + 5),
                                     .via = tn_sql_copy_text(row, column + 6)};
}

static bool has_texts(const struct tn_summary_place *place)
{
    return place->function != NULL && place->file != NULL && place->module != NULL && place->via != NULL;
}

static int read_link(struct sqlite3_stmt *row, struct tn_summary_link *link)
{
    *link = (struct tn_summary_link){.looks = tn_sql_count(row, 0),
                                     .looks_made = tn_sql_count(row, 1),
                                     .share = sqlite3_column_double(row, 2),
                                     .distinct_held_blocks = tn_sql_count(row, 3),
                                     .offset_bytes = tn_sql_count(row, 4),
                                     .inner_offset_bytes = tn_sql_count(row, 5),
                                     .moment = tn_sql_copy_text(row, 6),
                                     .global_module = tn_sql_copy_text(row, 7),
                                     .holder = read_place(row, 8),
                                     .held = read_place(row, 15),
                                     .holder_type = tn_sql_copy_text(row, 22),
                                     .holder_member = tn_sql_copy_text(row, 23)};
    if (has_texts(&link->holder) && has_texts(&link->held) && link->moment != NULL &&
        link->global_module != NULL && link->holder_type != NULL && link->holder_member != NULL)
        return 0;
    finish_link(link);
    return -ENOMEM;
}

static int read_links(struct sqlite3_stmt *rows, struct tn_summary *summary)
{
    size_t capacity = 0;
    int r;
    while ((r = tn_sql_next(rows)) == 1) {
        if (summary->link_count == capacity) {
            capacity = capacity * 2 + 64;
            void *links = realloc(summary->links, capacity * sizeof(summary->links[0]));
            if (links == NULL)
                return -ENOMEM;
            summary->links = links;
        }
        r = read_link(rows, &summary->links[summary->link_count]);
        if (r < 0)
            return r;
        summary->link_count++;
    }
    return r;
}

static int load_links(struct sqlite3 *database, struct tn_summary *summary)
{
    struct sqlite3_stmt *rows;
    int64_t views, tables = 0;
    int r =
        tn_sql_number(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'site_link'", 0, 0, &views);
    if (r < 0 || views == 0) /* logs before version 5 */
        return r;
    r = tn_sql_number(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'struct_member'", 0, 0,
                      &tables);
    if (r == 0)
        r = tn_sql_prepare(database, tables != 0 ? links_sql : nameless_links_sql, &rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(rows, 1, summary->process_id);
    tn_sql_bind_count(rows, 2, TN_LINK_DISTINCT_MIN);
    tn_sql_bind_count(rows, 3, TN_LINK_LOOKS_MIN);
    sqlite3_bind_double(rows, 4, TN_LINK_SHARE_MIN);
    r = read_links(rows, summary);
    sqlite3_finalize(rows);
    return r;
}

int tn_summary_load_links(struct tn_log *log, struct tn_summary *summary, struct tn_error *error)
{
    int r = summary->is_finished && summary->process_id != 0 ? load_links(tn_log_database(log), summary) : 0;
    if (r == 0)
        return 0;
    tn_summary_finish_links(summary);
    if (r == -EBADMSG)
        return tn_error_set(
            error, r,
            "the log is damaged, %s: who holds whose address cannot be read; take another copy, or "
            "record again",
            tn_log_path(log));
    return tn_error_set(error, r, "cannot read the log, %s: %s", tn_log_path(log), strerror(-r));
}
