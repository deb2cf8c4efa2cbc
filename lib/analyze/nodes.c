/* SPDX-License-Identifier: MIT */
/* The stacks of a log as a trie in memory: each node's depth, and the distance of its outermost frame. Ids do
 * not tell the order, since a caller that a tail call had removed was added behind the others; depths do.
 * Called by sites.c. */
#include "pass.h"

#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

int tn_pass_count_rows(const struct tn_pass *pass, const char *sql, size_t *ret_limit, size_t *ret_count)
{
    sqlite3_stmt *row;
    int r = tn_pass_prepare(pass, sql, &row);
    if (r < 0)
        return r;
    int next = tn_sql_next(row);
    int64_t highest = sqlite3_column_int64(row, 0), count = sqlite3_column_int64(row, 1);
    r = tn_pass_end_rows(pass, row, next, "cannot read sites");
    if (r == 0 && (highest < 0 || highest >= UINT32_MAX - 1 || highest / 4 > count + 1024))
        r = tn_pass_refuse(pass, -EBADMSG, "cannot read sites");
    if (r == 0) {
        *ret_limit = (size_t)highest + 1;
        *ret_count = (size_t)count;
    }
    return r;
}

/* A stack of a frame that the log does not have is damage: writers commit frames first. */
static int add_node(struct tn_pass *pass, sqlite3_stmt *row, size_t frame_limit)
{
    uint64_t id = tn_sql_count(row, 0), caller_id = tn_sql_count(row, 2), depth = tn_sql_count(row, 6);
    uint64_t site_id = tn_sql_count(row, 5);
    uint64_t frame_id = tn_sql_count(row, 1);
    if (frame_id >= frame_limit)
        return -EBADMSG;
    if (id >= pass->node_count || caller_id >= pass->node_count || depth >= pass->node_count)
        return 0;
    pass->nodes[id] = (struct tn_stack_node){
        .frame_id = (uint32_t)frame_id,
        .caller_id = (uint32_t)caller_id,
        .frame_bytes = tn_sql_count(row, 3),
        .is_cut = sqlite3_column_int(row, 4) != 0,
        .site = site_id < UINT32_MAX ? (uint32_t)site_id : 0,
        .depth = (uint32_t)depth,
    };
    return 0;
}

/* Take over what follows from the caller. A node whose caller is not one frame nearer to the root is damage,
 * and so is all that it calls. */
static void join_caller(struct tn_pass *pass, struct tn_stack_node *node)
{
    const struct tn_stack_node *caller = &pass->nodes[node->caller_id];
    if (node->depth != caller->depth + 1 || (node->caller_id == 0) != (node->depth == 1)) {
        *node = (struct tn_stack_node){0};
        return;
    }
    node->is_cut = node->is_cut || caller->is_cut;
    node->total_bytes = node->frame_bytes + caller->total_bytes;
}

/* Nodes that say the same: frames that tail calls had removed were added to each stack for itself. The first
 * of them becomes the caller of all, so that two stacks with the same outer frames share these nodes. */
struct sameness {
    struct tn_map first;   /* hash of what a node says -> id of the first that says it */
    uint32_t *first_of_id; /* owned; by id */
};

static bool is_same(const struct tn_stack_node *node, const struct tn_stack_node *other)
{
    return node->caller_id == other->caller_id && node->frame_id == other->frame_id &&
           node->frame_bytes == other->frame_bytes && node->is_cut == other->is_cut;
}

/* Callers come before: theirs is known. Returns 0 or -ENOMEM. */
static int join_same(struct tn_pass *pass, struct sameness *sameness, uint32_t id)
{
    struct tn_stack_node *node = &pass->nodes[id];
    node->caller_id = sameness->first_of_id[node->caller_id];
    uint64_t key = (tn_mix((uint64_t)node->caller_id << 32 | node->frame_id) ^ (node->frame_bytes << 1)) | 1;
    const uint64_t *found = tn_map_find(&sameness->first, key);
    bool has_first = found != NULL && is_same(node, &pass->nodes[*found]);
    sameness->first_of_id[id] = has_first ? (uint32_t)*found : id;
    return found != NULL ? 0 : tn_map_put(&sameness->first, key, id);
}

/* Callers before the nodes that they call: by depth, in place of a sort. */
static int join_callers(struct tn_pass *pass)
{
    struct sameness sameness = {.first_of_id = calloc(pass->node_count + 1, sizeof(uint32_t))};
    size_t *starts = calloc(pass->node_count + 1, sizeof(starts[0]));
    uint32_t *order = malloc((pass->node_count + 1) * sizeof(order[0]));
    int r = starts != NULL && order != NULL && sameness.first_of_id != NULL ? 0 : -ENOMEM;
    for (size_t id = 0; r == 0 && id < pass->node_count; id++)
        starts[pass->nodes[id].depth + 1]++;
    for (size_t depth = 1; r == 0 && depth <= pass->node_count; depth++)
        starts[depth] += starts[depth - 1];
    for (size_t id = 0; r == 0 && id < pass->node_count; id++)
        order[starts[pass->nodes[id].depth]++] = (uint32_t)id;
    for (size_t i = 0; r == 0 && i < pass->node_count; i++)
        if (pass->nodes[order[i]].depth != 0) {
            join_caller(pass, &pass->nodes[order[i]]);
            r = join_same(pass, &sameness, order[i]);
        }
    tn_map_finish(&sameness.first);
    free(sameness.first_of_id);
    free(starts);
    free(order);
    return r;
}

int tn_pass_load_nodes(struct tn_pass *pass)
{
    size_t count, frame_limit;
    sqlite3_stmt *rows;
    int r = tn_pass_count_rows(pass, "SELECT coalesce(max(id), 0), count(*) FROM stack", &pass->node_count,
                               &count);
    if (r == 0)
        r = tn_pass_count_rows(pass, TN_PASS_FRAME_COUNT " FROM frame", &frame_limit, &count);
    if (r < 0)
        return r;
    pass->nodes = calloc(pass->node_count, sizeof(pass->nodes[0]));
    if (pass->nodes == NULL)
        return tn_pass_refuse(pass, -ENOMEM, "cannot load stacks");
    r = tn_pass_prepare(pass,
                        "SELECT id, frame_id, coalesce(caller_id, 0), frame_bytes, is_cut,"
                        " coalesce(site_id, 0), depth FROM stack",
                        &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1)
        if ((r = add_node(pass, rows, frame_limit)) < 0)
            break;
    r = tn_pass_end_rows(pass, rows, r, "cannot read sites");
    if (r == 0 && join_callers(pass) < 0)
        return tn_pass_refuse(pass, -ENOMEM, "cannot load stacks");
    return r;
}
