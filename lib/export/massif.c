/* SPDX-License-Identifier: MIT */
/* The file of valgrind's Massif, for ms_print and massif-visualizer: the time line in at most a hundred
 * snapshots, and the peak with its tree of callers. Branches below a hundredth of the peak are taken
 * together, as Massif does. Times are milliseconds with three decimals. */
#include "export_format.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define SNAPSHOTS_MAX  100
#define THRESHOLD_PART 100 /* of the peak */

/* A stack that had blocks at the peak. */
struct massif_stack {
    uint32_t *path; /* owned; innermost first */
    size_t count;   /* in path */
    uint64_t bytes;
};

/* A branch of the tree: stacks that pass the same `depth` innermost places. */
struct massif_node {
    size_t first, end; /* of the sorted stacks */
    size_t depth;      /* 0: the top */
    uint64_t bytes;
    size_t folded; /* not 0: this many branches that are too small to be shown */
};

struct massif_writer {
    struct tn_export_job *job;
    struct massif_stack *stacks; /* owned; sorted by path */
    size_t stack_count;
    struct massif_node *nodes; /* owned; to be printed, the next one last */
    size_t node_count, node_capacity;
    unsigned snapshot; /* the next one's number */
};

static int compare_paths(const void *left, const void *right)
{
    const struct massif_stack *a = left, *b = right;
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (a->path[i] != b->path[i])
            return a->path[i] < b->path[i] ? -1 : 1;
    return (a->count > b->count) - (a->count < b->count);
}

/* Smallest first, so that the largest is taken from the end first. */
static int compare_nodes(const void *left, const void *right)
{
    const struct massif_node *a = left, *b = right;
    if ((a->folded != 0) != (b->folded != 0))
        return a->folded != 0 ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    return (a->first < b->first) - (a->first > b->first);
}

static int load_stacks(struct massif_writer *writer)
{
    struct tn_profile *profile = writer->job->profile;
    writer->stacks = calloc(profile->stack_count, sizeof(writer->stacks[0]));
    if (writer->stacks == NULL)
        return -ENOMEM;
    for (uint64_t id = 0; id < profile->stack_count; id++) {
        if (profile->stacks[id].peak_bytes == 0)
            continue;
        const uint32_t *path;
        struct massif_stack *stack = &writer->stacks[writer->stack_count];
        int r = tn_places_path(&profile->places, id, &path, &stack->count);
        if (r < 0)
            return r;
        stack->path = malloc(stack->count * sizeof(path[0]));
        if (stack->path == NULL)
            return -ENOMEM;
        memcpy(stack->path, path, stack->count * sizeof(path[0]));
        stack->bytes = profile->stacks[id].peak_bytes;
        writer->stack_count++;
    }
    qsort(writer->stacks, writer->stack_count, sizeof(writer->stacks[0]), compare_paths);
    return 0;
}

static int add_node(struct massif_writer *writer, struct massif_node node)
{
    if (writer->node_count == writer->node_capacity) {
        size_t capacity = writer->node_capacity != 0 ? writer->node_capacity * 2 : 64;
        struct massif_node *nodes = realloc(writer->nodes, capacity * sizeof(nodes[0]));
        if (nodes == NULL)
            return -ENOMEM;
        writer->nodes = nodes;
        writer->node_capacity = capacity;
    }
    writer->nodes[writer->node_count++] = node;
    return 0;
}

/* Put the branches of a node behind the others. A stack that ends in the node belongs to none of them. */
static int add_branches(struct massif_writer *writer, const struct massif_node *node)
{
    uint64_t least = writer->job->profile->total.peak_bytes / THRESHOLD_PART;
    size_t from = writer->node_count;
    struct massif_node folded = {.depth = node->depth + 1};
    int r = 0;
    for (size_t i = node->first; i < node->end && r == 0;) {
        const struct massif_stack *first = &writer->stacks[i];
        struct massif_node branch = {.first = i, .depth = node->depth + 1};
        if (first->count <= node->depth) {
            i++;
            continue;
        }
        for (; i < node->end && writer->stacks[i].count > node->depth &&
               writer->stacks[i].path[node->depth] == first->path[node->depth];
             i++)
            branch.bytes += writer->stacks[i].bytes;
        branch.end = i;
        if (branch.bytes >= least) {
            r = add_node(writer, branch);
            continue;
        }
        folded.bytes += branch.bytes;
        folded.folded++;
    }
    if (r == 0 && folded.folded > 0)
        r = add_node(writer, folded);
    if (writer->node_count > from)
        qsort(writer->nodes + from, writer->node_count - from, sizeof(writer->nodes[0]), compare_nodes);
    return r;
}

static int print_node(struct massif_writer *writer, const struct massif_node *node, size_t branches)
{
    struct tn_buffer *out = &writer->job->out;
    int r = tn_buffer_print(out, "%*sn%zu: %" PRIu64 " ", (int)node->depth, "", branches, node->bytes);
    if (r == 0 && node->folded > 0)
        r = tn_buffer_print(out, "in %zu place%s, all below massif's threshold (1.00%%)", node->folded,
                            node->folded > 1 ? "s" : "");
    else if (r == 0 && node->depth == 0)
        r = tn_buffer_print(out, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.");
    else if (r == 0)
        r = tn_export_print_place(
            out, &writer->job->profile->places.items[writer->stacks[node->first].path[node->depth - 1]]);
    return r == 0 ? tn_buffer_print(out, "\n") : r;
}

static int print_tree(struct massif_writer *writer)
{
    struct massif_node top = {.end = writer->stack_count, .bytes = writer->job->profile->total.peak_bytes};
    int r = add_node(writer, top);
    while (r == 0 && writer->node_count > 0) {
        struct massif_node node = writer->nodes[--writer->node_count];
        size_t before = writer->node_count;
        if (node.folded == 0)
            r = add_branches(writer, &node);
        if (r == 0)
            r = print_node(writer, &node, writer->node_count - before);
        if (r == 0)
            r = tn_export_drain(writer->job);
    }
    return r;
}

static int print_snapshot(struct massif_writer *writer, uint64_t time_ns, uint64_t live_bytes,
                          const char *tree)
{
    return tn_buffer_print(&writer->job->out,
                           "#-----------\nsnapshot=%u\n#-----------\ntime=%.3f\nmem_heap_B=%" PRIu64
                           "\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n",
                           writer->snapshot++, (double)time_ns / 1e6, live_bytes, tree);
}

static int print_peak(struct massif_writer *writer)
{
    const struct tn_profile *profile = writer->job->profile;
    int r = print_snapshot(writer, profile->peak_ns, profile->total.peak_bytes, "peak");
    return r == 0 ? print_tree(writer) : r;
}

/* Points of the time line that are evenly spread, and the last one; the peak among them in its order. */
static int print_snapshots(struct massif_writer *writer, struct sqlite3_stmt *point)
{
    uint64_t peak_ns = writer->job->profile->peak_ns;
    bool has_peak = writer->job->profile->total.peak_bytes == 0;
    int r = 0, next;
    tn_sql_bind_count(point, 1, writer->job->profile->process_id);
    tn_sql_bind_count(point, 2, SNAPSHOTS_MAX);
    while (r == 0 && (next = tn_sql_next(point)) != 0) {
        uint64_t time_ns = tn_sql_count(point, 0);
        if (next < 0)
            return next;
        if (!has_peak && time_ns >= peak_ns)
            r = print_peak(writer);
        has_peak |= time_ns >= peak_ns;
        if (r == 0 && time_ns != peak_ns)
            r = print_snapshot(writer, time_ns, tn_sql_count(point, 1), "empty");
    }
    return r == 0 && !has_peak ? print_peak(writer) : r;
}

static int write_massif(struct tn_export_job *job)
{
    struct massif_writer writer = {.job = job};
    struct sqlite3_stmt *point = NULL;
    int r = tn_buffer_print(&job->out, "desc: recorded by tenure\ncmd: %s\ntime_unit: ms\n",
                            job->profile->command_line);
    if (r == 0)
        r = load_stacks(&writer);
    if (r == 0)
        r = tn_sql_prepare(
            tn_log_database(job->log),
            "SELECT time_ns, live_bytes FROM (SELECT time_ns, live_bytes, row_number() OVER (ORDER BY"
            " time_ns) AS number, count(*) OVER () AS points FROM timeline WHERE process_id = ?1)"
            " WHERE number % (points / ?2 + 1) = 0 OR number = points ORDER BY time_ns",
            &point);
    if (r == 0)
        r = print_snapshots(&writer, point);
    sqlite3_finalize(point);
    for (size_t i = 0; i < writer.stack_count; i++)
        free(writer.stacks[i].path);
    free(writer.stacks);
    free(writer.nodes);
    return r;
}

const struct tn_export_format tn_export_massif = {.name = "massif", .write = write_massif};
