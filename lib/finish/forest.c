/* SPDX-License-Identifier: MIT */
#include "sites.h"

#include <errno.h>
#include <stdlib.h>

static int load_nodes(struct tn_finish_job *job, struct tn_stack_forest *forest)
{
    int64_t last;
    int r = tn_finish_number(job, "SELECT max(id) FROM stack", 0, 0, &last);
    if (r < 0)
        return r;
    forest->node_count = (size_t)last + 1;
    forest->nodes = calloc(forest->node_count, sizeof(forest->nodes[0]));
    if (forest->nodes == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot load stacks");
    sqlite3_stmt *rows;
    r = tn_finish_prepare(job, "SELECT id, frame_id, coalesce(caller_id, 0) FROM stack", &rows);
    if (r < 0)
        return r;
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        uint64_t id = (uint64_t)sqlite3_column_int64(rows, 0);
        uint64_t caller_id = (uint64_t)sqlite3_column_int64(rows, 2);
        /* a stack is interned after its caller; anything else is damage, and could make a circle */
        if (id < forest->node_count && caller_id < id)
            forest->nodes[id] =
                (struct tn_stack_node){(uint32_t)sqlite3_column_int64(rows, 1), (uint32_t)caller_id};
    }
    sqlite3_finalize(rows);
    return rc == SQLITE_DONE ? 0 : tn_finish_fail(job, rc, "cannot load stacks");
}

static void add_entry(const struct tn_site_rules *rules, struct tn_stack_forest *forest, sqlite3_stmt *row)
{
    uint64_t group = (uint64_t)sqlite3_column_int64(row, 1);
    struct tn_frame_entry *entry = &forest->entries[forest->entry_count];
    entry->frame_id = (uint32_t)sqlite3_column_int64(row, 0);
    entry->is_physical = entry->frame_id == group;
    if (group >= forest->group_count)
        return;
    tn_site_classify(rules, (const char *)sqlite3_column_text(row, 2),
                     (const char *)sqlite3_column_text(row, 3), (uint64_t)sqlite3_column_int64(row, 4),
                     &entry->class);
    forest->entry_count++;
    if (forest->groups[group] == 0)
        forest->groups[group] = (uint32_t)forest->entry_count;
}

static int load_entries(struct tn_finish_job *job, const struct tn_site_rules *rules,
                        struct tn_stack_forest *forest)
{
    int64_t last, count;
    int r = tn_finish_number(job, "SELECT max(id) FROM frame", 0, 0, &last);
    if (r == 0)
        r = tn_finish_number(job, "SELECT count(*) FROM frame", 0, 0, &count);
    if (r < 0)
        return r;
    forest->group_count = (size_t)last + 1;
    forest->groups = calloc(forest->group_count, sizeof(forest->groups[0]));
    forest->entries = calloc((size_t)count + 1, sizeof(forest->entries[0]));
    if (forest->groups == NULL || forest->entries == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot load frames");
    sqlite3_stmt *rows;
    r = tn_finish_prepare(job,
                          "SELECT f.id, coalesce(f.inlined_into, f.id), f.function, m.path, f.offset_bytes"
                          " FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id"
                          " ORDER BY 2, f.inlined_into IS NULL, f.inline_position",
                          &rows);
    if (r < 0)
        return r;
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW && forest->entry_count < (size_t)count)
        add_entry(rules, forest, rows);
    sqlite3_finalize(rows);
    return rc == SQLITE_DONE ? 0 : tn_finish_fail(job, rc, "cannot load frames");
}

int tn_finish_forest_load(struct tn_finish_job *job, const struct tn_site_rules *rules,
                          struct tn_stack_forest *forest)
{
    int r = load_nodes(job, forest);
    return r < 0 ? r : load_entries(job, rules, forest);
}

void tn_finish_forest_finish(struct tn_stack_forest *forest)
{
    free(forest->nodes);
    free(forest->entries);
    free(forest->groups);
    *forest = (struct tn_stack_forest){0};
}

/* The first entry of a frame's group, or NULL. */
static struct tn_frame_entry *group_of(const struct tn_stack_forest *forest, uint32_t frame_id)
{
    if (frame_id >= forest->group_count || forest->groups[frame_id] == 0)
        return NULL;
    return &forest->entries[forest->groups[frame_id] - 1];
}

/* The next entry of the group, or NULL. In a damaged log the group may lack its physical frame. */
static struct tn_frame_entry *next_entry(const struct tn_stack_forest *forest, struct tn_frame_entry *entry)
{
    bool is_last = entry->is_physical || entry + 1 == forest->entries + forest->entry_count;
    return is_last ? NULL : entry + 1;
}

struct tn_frame_entry *tn_finish_forest_site(const struct tn_stack_forest *forest, uint64_t stack_id,
                                             const char *function, const char **ret_via)
{
    struct tn_site_walk walk = {0};
    struct tn_frame_entry *innermost = NULL;
    for (uint64_t id = stack_id; id != 0; id = forest->nodes[id].caller_id) {
        struct tn_frame_entry *entry = group_of(forest, forest->nodes[id].frame_id);
        for (; entry != NULL; entry = next_entry(forest, entry)) {
            if (innermost == NULL)
                innermost = entry;
            if (!tn_site_step(&walk, &entry->class))
                continue;
            *ret_via = walk.via != NULL ? walk.via : function;
            return entry;
        }
    }
    *ret_via = function;
    return innermost;
}
