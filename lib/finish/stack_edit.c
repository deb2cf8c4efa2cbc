/* SPDX-License-Identifier: MIT */
/* Adds frames to recorded stacks. A frame that a jump removed has the CFA of the function that it jumped to:
 * its frame_bytes are 0, and all positions stay what they were. Equal frames with one caller are one node.
 * Called by tail_calls.c. */
#include "stack_edit.h"

#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>

static bool add_row(struct tn_stack_edit *edit, sqlite3_stmt *rows)
{
    uint64_t id = tn_sql_count(rows, 0), frame_id = tn_sql_count(rows, 1), caller_id = tn_sql_count(rows, 2);
    uint64_t depth = tn_sql_count(rows, 4);
    if (id == 0 || id >= edit->count || frame_id > UINT32_MAX || caller_id >= id || depth > edit->count)
        return false;
    edit->rows[id] = (struct tn_stack_row){.frame_id = (uint32_t)frame_id,
                                           .caller_id = (uint32_t)caller_id,
                                           .frame_bytes = tn_sql_count(rows, 3),
                                           .depth = (uint32_t)depth,
                                           .is_cut = sqlite3_column_int(rows, 5) != 0};
    return true;
}

static int load_rows(struct tn_stack_edit *edit)
{
    sqlite3_stmt *rows;
    bool is_sound = true;
    int r = tn_finish_prepare(
        edit->job, "SELECT id, frame_id, coalesce(caller_id, 0), frame_bytes, depth, is_cut FROM stack",
        &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1 && is_sound)
        is_sound = add_row(edit, rows);
    sqlite3_finalize(rows);
    if (!is_sound)
        return -EBADMSG;
    return r < 0 ? tn_finish_fail(edit->job, r, "cannot load stacks") : 0;
}

int tn_stack_edit_load(struct tn_stack_edit *edit, struct tn_finish_job *job)
{
    int64_t last, count;
    *edit = (struct tn_stack_edit){.job = job};
    int r = tn_finish_number(job, "SELECT max(id) FROM stack", 0, 0, &last);
    if (r == 0)
        r = tn_finish_number(job, "SELECT count(*) FROM stack", 0, 0, &count);
    if (r < 0)
        return r;
    /* ids have no gaps: the recorder numbers stacks one after the other */
    if (last != count || last >= UINT32_MAX / 4)
        return -EBADMSG;
    edit->count = edit->recorded_count = edit->capacity = (size_t)last + 1;
    edit->rows = calloc(edit->capacity, sizeof(edit->rows[0]));
    edit->moved = calloc(edit->recorded_count, sizeof(edit->moved[0]));
    if (edit->rows == NULL || edit->moved == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot load stacks");
    return load_rows(edit);
}

static int add_node(struct tn_stack_edit *edit, struct tn_stack_row row, uint32_t *ret_id)
{
    if (edit->count == edit->capacity) {
        size_t capacity = edit->capacity + edit->capacity / 2 + 64;
        void *rows = realloc(edit->rows, capacity * sizeof(edit->rows[0]));
        if (rows == NULL)
            return -ENOMEM;
        edit->rows = rows;
        edit->capacity = capacity;
    }
    row.is_changed = true;
    edit->rows[edit->count] = row;
    *ret_id = (uint32_t)edit->count++;
    return 0;
}

/* A node of a frame that a jump removed, below a caller. */
static int find_or_add(struct tn_stack_edit *edit, uint32_t frame_id, uint32_t caller_id, uint32_t *ret_id)
{
    uint64_t key = (uint64_t)caller_id << 32 | frame_id;
    const uint64_t *known = tn_map_find(&edit->added, key);
    if (known != NULL) {
        *ret_id = (uint32_t)*known;
        return 0;
    }
    int r = add_node(edit, (struct tn_stack_row){.frame_id = frame_id, .caller_id = caller_id}, ret_id);
    return r < 0 ? r : tn_map_put(&edit->added, key, *ret_id);
}

int tn_stack_edit_insert(struct tn_stack_edit *edit, uint32_t id, const uint32_t *frame_ids, size_t count)
{
    uint32_t caller_id = edit->rows[id].caller_id;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = find_or_add(edit, frame_ids[i], caller_id, &caller_id);
    if (r == 0) {
        edit->rows[id].caller_id = caller_id;
        edit->rows[id].is_changed = true;
    }
    return r;
}

int tn_stack_edit_append(struct tn_stack_edit *edit, uint32_t id, const uint32_t *frame_ids, size_t count)
{
    uint32_t caller_id;
    int r = add_node(edit, edit->rows[id], &caller_id);
    if (r < 0)
        return r;
    edit->moved[id] = caller_id;
    for (size_t i = 0; r == 0 && i + 1 < count; i++)
        r = find_or_add(edit, frame_ids[i], caller_id, &caller_id);
    if (r == 0)
        edit->rows[id] = (struct tn_stack_row){
            .frame_id = frame_ids[count - 1], .caller_id = caller_id, .is_changed = true};
    return r;
}

/* A node that frames were put inside of is still the caller of those that it called. */
static void follow_moves(struct tn_stack_edit *edit)
{
    for (size_t id = 1; id < edit->count; id++) {
        struct tn_stack_row *row = &edit->rows[id];
        if (row->caller_id >= edit->recorded_count || edit->moved[row->caller_id] == 0)
            continue;
        row->caller_id = edit->moved[row->caller_id];
        row->is_changed = true;
    }
}

/* Depths anew. Ids do not tell the order any more, so each node's callers are gathered up to one whose depth
 * is known. */
static int set_depths(struct tn_stack_edit *edit)
{
    uint32_t *depths = calloc(edit->count, sizeof(depths[0]));
    uint32_t *path = malloc(edit->count * sizeof(path[0]));
    int r = depths != NULL && path != NULL ? 0 : tn_finish_refuse(edit->job, -ENOMEM, "cannot write stacks");
    for (size_t id = 1; r == 0 && id < edit->count; id++) {
        size_t length = 0;
        uint32_t node = (uint32_t)id;
        for (; node != 0 && depths[node] == 0; node = edit->rows[node].caller_id)
            path[length++] = node;
        for (uint32_t depth = depths[node]; length > 0; length--)
            depths[path[length - 1]] = ++depth;
        struct tn_stack_row *row = &edit->rows[id];
        row->is_changed |= row->depth != depths[id];
        row->depth = depths[id];
    }
    free(depths);
    free(path);
    return r;
}

static int write_row(struct tn_stack_edit *edit, sqlite3_stmt *put, size_t id)
{
    const struct tn_stack_row *row = &edit->rows[id];
    tn_sql_bind_count(put, 1, id);
    tn_sql_bind_count(put, 2, row->frame_id);
    tn_sql_bind_id(put, 3, row->caller_id);
    tn_sql_bind_count(put, 4, row->frame_bytes);
    tn_sql_bind_count(put, 5, row->depth);
    sqlite3_bind_int(put, 6, row->is_cut);
    return tn_finish_execute(edit->job, put);
}

int tn_stack_edit_write(struct tn_stack_edit *edit)
{
    sqlite3_stmt *put;
    follow_moves(edit);
    int r = set_depths(edit);
    if (r < 0)
        return r;
    r = tn_finish_prepare(edit->job,
                          "INSERT OR REPLACE INTO stack (id, frame_id, caller_id, frame_bytes, depth, is_cut)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                          &put);
    if (r < 0)
        return r;
    for (size_t id = 1; r == 0 && id < edit->count; id++)
        if (edit->rows[id].is_changed)
            r = write_row(edit, put, id);
    sqlite3_finalize(put);
    return r;
}

void tn_stack_edit_finish(struct tn_stack_edit *edit)
{
    free(edit->rows);
    free(edit->moved);
    tn_map_finish(&edit->added);
    *edit = (struct tn_stack_edit){0};
}
