/* SPDX-License-Identifier: MIT */
/* Loads the tables `stack`, `frame` and `module` into a trie in memory, with each frame classified. Called
 * by attribute_sites.c. */
#include "attribute_sites.h"

#include <errno.h>

static int load_stacks(struct tn_finish_job *job, struct tn_site_trie *trie)
{
    sqlite3_stmt *rows;
    int r = tn_finish_prepare(job, "SELECT id, frame_id, coalesce(caller_id, 0) FROM stack", &rows);
    if (r < 0)
        return r;
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW)
        tn_site_trie_add_stack(trie, (uint64_t)sqlite3_column_int64(rows, 0),
                               (uint64_t)sqlite3_column_int64(rows, 1),
                               (uint64_t)sqlite3_column_int64(rows, 2));
    sqlite3_finalize(rows);
    return rc == SQLITE_DONE ? 0 : tn_finish_fail(job, rc, "cannot load stacks");
}

static int load_frames(struct tn_finish_job *job, const struct tn_site_rules *rules,
                       struct tn_site_trie *trie)
{
    sqlite3_stmt *rows;
    int r =
        tn_finish_prepare(job,
                          "SELECT f.id, coalesce(f.inlined_into, f.id), f.function, m.path, f.offset_bytes,"
                          " coalesce(f.line, 0)"
                          " FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id"
                          " ORDER BY 2, f.inlined_into IS NULL, f.inline_position",
                          &rows);
    if (r < 0)
        return r;
    int rc = SQLITE_DONE;
    while (r == 0 && (rc = sqlite3_step(rows)) == SQLITE_ROW)
        r = tn_site_trie_add_frame(
            trie, rules, (uint64_t)sqlite3_column_int64(rows, 0), (uint64_t)sqlite3_column_int64(rows, 1),
            (const char *)sqlite3_column_text(rows, 2), (uint32_t)sqlite3_column_int64(rows, 5),
            (const char *)sqlite3_column_text(rows, 3), (uint64_t)sqlite3_column_int64(rows, 4));
    sqlite3_finalize(rows);
    if (r < 0)
        return tn_finish_refuse(job, r, "cannot load frames");
    return rc == SQLITE_DONE ? 0 : tn_finish_fail(job, rc, "cannot load frames");
}

int tn_finish_load_stacks(struct tn_finish_job *job, const struct tn_site_rules *rules,
                          struct tn_site_trie *trie)
{
    int64_t last_stack, last_frame, frame_count;
    int r = tn_finish_number(job, "SELECT max(id) FROM stack", 0, 0, &last_stack);
    if (r == 0)
        r = tn_finish_number(job, "SELECT max(id) FROM frame", 0, 0, &last_frame);
    if (r == 0)
        r = tn_finish_number(job, "SELECT count(*) FROM frame", 0, 0, &frame_count);
    if (r < 0)
        return r;
    r = tn_site_trie_begin(trie, (size_t)last_stack + 1, (size_t)last_frame + 1, (size_t)frame_count);
    if (r < 0)
        return tn_finish_refuse(job, r, "cannot load stacks");
    r = load_stacks(job, trie);
    return r < 0 ? r : load_frames(job, rules, trie);
}
