/* SPDX-License-Identifier: MIT */
/* Loads the tables `stack`, `frame` and `module` into a trie in memory, with each frame classified. Called
 * by attribute_sites.c. */
#include "attribute_sites.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>

static int load_stacks(struct tn_finish_job *job, struct tn_site_trie *trie)
{
    sqlite3_stmt *rows;
    int r = tn_finish_prepare(job, "SELECT id, frame_id, coalesce(caller_id, 0), depth FROM stack", &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1)
        tn_site_trie_add_stack(trie, tn_sql_count(rows, 0), tn_sql_count(rows, 1), tn_sql_count(rows, 2),
                               tn_sql_count(rows, 3));
    sqlite3_finalize(rows);
    tn_site_trie_end_stacks(trie);
    return r < 0 ? tn_finish_fail(job, r, "cannot load stacks") : 0;
}

/* What each frame is added to, and by which rules. */
struct frame_sink {
    struct tn_site_trie *trie;         /* borrowed */
    const struct tn_site_rules *rules; /* borrowed */
};

static int add_frame(void *context, const struct tn_log_frame *frame)
{
    const struct frame_sink *sink = context;
    struct tn_site_source source = {frame->function, frame->file, frame->line, frame->module,
                                    frame->offset_bytes};
    return tn_site_trie_add_frame(sink->trie, sink->rules, frame->id, frame->physical_id, &source);
}

static int load_frames(struct tn_finish_job *job, const struct tn_site_rules *rules,
                       struct tn_site_trie *trie)
{
    struct frame_sink sink = {trie, rules};
    int r = tn_log_each_frame(job->database, add_frame, &sink);
    return r < 0 ? tn_finish_refuse(job, r, "cannot load frames") : 0;
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
