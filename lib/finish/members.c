/* SPDX-License-Identifier: MIT */
/* The step `members`: where blocks of a site were seen to hold addresses, names the struct that they probably
 * are, and the members. Only where all blocks of the site have one size, the unit of the site's line has one
 * type of that size, and that has a pointer at each of the places: two candidates, or none, give no name.
 * Called by finish.c. */
#include "module_files.h"
#include "steps.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>

/* Places of one site; further ones get no name. A site with as many is no struct. */
#define PLACES_MAX 64u

/* Sites that are looked up, for a bound on the time. */
#define SITES_MAX 1000u

/* Places by site, in an order in which those of one unit come together. The frame is the one at the site's
 * line, in a stack that asked for a holding block. */
static const char places_sql[] =
    "WITH firm AS (SELECT DISTINCT holder_site_id AS site_id, offset_bytes FROM site_link"
    "  WHERE holder_site_id IS NOT NULL AND distinct_held_blocks >= ?1 AND looks_made >= ?2"
    "  AND looks >= ?3 * looks_made),"
    " holder AS (SELECT s.site_id, min(l.holder_stack_id) AS stack_id FROM link AS l"
    "  JOIN stack AS s ON s.id = l.holder_stack_id WHERE s.site_id IN (SELECT site_id FROM firm) GROUP BY 1),"
    " sized AS (SELECT site_id, min(min_size_bytes) AS size_bytes FROM site_summary"
    "  WHERE site_id IN (SELECT site_id FROM firm) GROUP BY 1 HAVING min(min_size_bytes) ="
    "  max(max_size_bytes)),"
    " placed AS (SELECT h.site_id, z.size_bytes, (SELECT coalesce(f.inlined_into, f.id) FROM stack_frame AS g"
    "   JOIN frame AS f ON f.id = g.frame_id WHERE g.stack_id = h.stack_id AND g.file = t.file"
    "   AND g.line = t.line ORDER BY g.position LIMIT 1) AS frame_id"
    "  FROM holder AS h JOIN sized AS z ON z.site_id = h.site_id JOIN site AS t ON t.id = h.site_id)"
    " SELECT p.site_id, p.size_bytes, r.module_id, r.offset_bytes, firm.offset_bytes FROM placed AS p"
    " JOIN frame AS r ON r.id = p.frame_id JOIN firm ON firm.site_id = p.site_id"
    " WHERE r.module_id IS NOT NULL ORDER BY r.module_id, r.offset_bytes, p.site_id, firm.offset_bytes";

/* The places of one site. */
struct site_places {
    uint64_t site_id, size_bytes, module_id, frame_offset_bytes;
    uint64_t offsets[PLACES_MAX];
    uint32_t count; /* in offsets */
};

struct member_naming {
    struct tn_finish_job *job;
    sqlite3_stmt *add; /* owned */
    uint32_t site_count;
};

static int write_member(struct member_naming *naming, const struct site_places *places, uint64_t offset_bytes,
                        const struct tn_symbol_member *member)
{
    tn_sql_bind_count(naming->add, 1, places->site_id);
    tn_sql_bind_count(naming->add, 2, offset_bytes);
    tn_sql_bind_text(naming->add, 3, member->type);
    tn_sql_bind_text(naming->add, 4, member->name);
    return tn_finish_execute(naming->job, naming->add);
}

/* A type that has no pointer at one of the places is another one. */
static int name_places(struct member_naming *naming, const struct site_places *places)
{
    struct tn_symbol_member members[PLACES_MAX];
    struct tn_symbol_file *file = NULL;
    if (places->count == 0 || naming->site_count++ >= SITES_MAX)
        return 0;
    int r = tn_finish_files_get(naming->job, places->module_id, &file, NULL);
    if (r < 0 || file == NULL)
        return r;
    for (uint32_t i = 0; i < places->count; i++) {
        r = tn_symbol_member_at(file, places->frame_offset_bytes, places->size_bytes, places->offsets[i],
                                &members[i]);
        if (r < 0)
            return tn_finish_refuse(naming->job, r, "cannot name members");
        if (members[i].type == NULL)
            return 0;
    }
    for (uint32_t i = 0; i < places->count && r == 0; i++)
        r = write_member(naming, places, places->offsets[i], &members[i]);
    return r;
}

static int name_all(struct member_naming *naming, sqlite3_stmt *rows)
{
    struct site_places places = {0};
    int r;
    while ((r = tn_sql_next(rows)) == 1) {
        uint64_t site_id = tn_sql_count(rows, 0);
        if (site_id != places.site_id) {
            r = name_places(naming, &places);
            if (r < 0)
                return r;
            places = (struct site_places){.site_id = site_id,
                                          .size_bytes = tn_sql_count(rows, 1),
                                          .module_id = tn_sql_count(rows, 2),
                                          .frame_offset_bytes = tn_sql_count(rows, 3)};
        }
        if (places.count < PLACES_MAX)
            places.offsets[places.count++] = tn_sql_count(rows, 4);
    }
    return r < 0 ? tn_finish_fail(naming->job, r, "cannot name members") : name_places(naming, &places);
}

static int read_places(struct member_naming *naming)
{
    sqlite3_stmt *rows;
    int r = tn_finish_prepare(naming->job, places_sql, &rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(rows, 1, TN_LINK_DISTINCT_MIN);
    tn_sql_bind_count(rows, 2, TN_LINK_LOOKS_MIN);
    sqlite3_bind_double(rows, 3, TN_LINK_SHARE_MIN);
    r = name_all(naming, rows);
    sqlite3_finalize(rows);
    return r;
}

int tn_finish_members(struct tn_finish_job *job)
{
    struct member_naming naming = {.job = job};
    int64_t has_table;
    int r = tn_finish_number(job, "SELECT count(*) FROM sqlite_schema WHERE name = 'struct_member'", 0, 0,
                             &has_table);
    if (r < 0 || has_table == 0) /* an older log */
        return r;
    r = tn_finish_prepare(job,
                          "INSERT OR REPLACE INTO struct_member (site_id, offset_bytes, type_name,"
                          " member_name) VALUES (?1, ?2, ?3, ?4)",
                          &naming.add);
    if (r == 0)
        r = read_places(&naming);
    sqlite3_finalize(naming.add);
    return r;
}
