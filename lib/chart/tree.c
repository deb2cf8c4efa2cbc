/* SPDX-License-Identifier: MIT */

/* Trees of functions from call stacks. All stacks that allocated, or released, are entered; frames that are
 * small by every measure are left out, and count for the frame that called them, so that sums stay those of
 * the whole process. Called by charts.c. */

#include "chart_pass.h"

#include "tenure/log.h"
#include "tenure/places.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define MEASURES   5
#define SMALL_PART 2000u  /* a frame is left out below a part in so many of each measure, 0.05 % */
#define SHARES_MAX 40000u /* some 15 bytes each in the page */
#define DEPTH_MAX  65536u /* functions of one stack, inlined ones among them */

/* A tree while it grows: every frame of every stack. */
struct growing_tree {
    struct tn_chart_node *nodes; /* owned */
    uint64_t (*sums)[MEASURES];  /* owned; by node: of all stacks through it */
    uint32_t *kept;              /* owned; by node: its number in the charts, or that of a caller */
    size_t count, capacity;      /* of all three */
    struct tn_map index;         /* parent << 32 | name + 1 -> node */
    uint32_t *node_of_stack;     /* owned; by stack id; 0: did nothing */
};

/* What both trees are made from. */
struct tree_maker {
    struct tn_chart_pass *pass;
    struct tn_places places;
    uint32_t *name_of_place; /* owned */
    uint32_t *site_of_stack; /* owned; 0: none */
    uint32_t *leaf_of_stack; /* owned; of the tree of allocations */
};

/* ---------------------------------------------------------------------------------------- names */

static int compare_names(const void *left, const void *right, void *context)
{
    const struct tn_place *items = context;
    const struct tn_place *a = &items[*(const uint32_t *)left], *b = &items[*(const uint32_t *)right];
    int order = strcmp(a->function, b->function);
    if (order == 0)
        order = strcmp(a->module, b->module);
    return order != 0 ? order : (int)(a > b) - (int)(a < b);
}

/* One name for all lines of a function. The texts of the first one move from the places to the page. */
static int make_names(struct tree_maker *maker)
{
    struct tn_charts *charts = maker->pass->charts;
    struct tn_place *items = maker->places.items;
    size_t count = maker->places.count;
    uint32_t *order = calloc(count, sizeof(order[0]));
    maker->name_of_place = calloc(count, sizeof(maker->name_of_place[0]));
    charts->names = calloc(count, sizeof(charts->names[0]));
    if (order == NULL || maker->name_of_place == NULL || charts->names == NULL) {
        free(order);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, count, sizeof(order[0]), compare_names, items);
    for (size_t i = 0; i < count; i++) {
        const struct tn_place *place = &items[order[i]];
        const struct tn_place *last = i != 0 ? &items[order[i - 1]] : NULL;
        bool is_new = last == NULL || strcmp(last->function, place->function) != 0 ||
                      strcmp(last->module, place->module) != 0;
        charts->name_count += is_new;
        maker->name_of_place[order[i]] = (uint32_t)charts->name_count - 1;
        if (is_new)
            charts->names[charts->name_count - 1].line = order[i];
    }
    free(order);
    for (size_t i = 0; i < charts->name_count; i++) {
        struct tn_place *place = &items[charts->names[i].line];
        charts->names[i] = (struct tn_chart_name){place->function, place->file, place->module, place->line};
        place->function = place->file = place->module = NULL;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- growing */

static int make_room(struct growing_tree *tree)
{
    if (tree->count < tree->capacity)
        return 0;
    size_t capacity = tree->capacity != 0 ? 2 * tree->capacity : 4096;
    struct tn_chart_node *nodes = realloc(tree->nodes, capacity * sizeof(nodes[0]));
    if (nodes == NULL)
        return -ENOMEM;
    tree->nodes = nodes;
    void *sums = realloc(tree->sums, capacity * sizeof(tree->sums[0]));
    if (sums == NULL)
        return -ENOMEM;
    tree->sums = sums;
    tree->capacity = capacity;
    return 0;
}

static int add_node(struct growing_tree *tree, uint32_t parent, uint32_t name, uint32_t *ret_node)
{
    uint64_t key = (uint64_t)parent << 32 | (name + 1);
    const uint64_t *found = tree->count != 0 ? tn_map_find(&tree->index, key) : NULL;
    if (found != NULL) {
        *ret_node = (uint32_t)*found;
        return 0;
    }
    int r = make_room(tree);
    if (r == 0)
        r = tn_map_put(&tree->index, key, tree->count);
    if (r < 0)
        return r;
    tree->nodes[tree->count] = (struct tn_chart_node){parent, name};
    memset(tree->sums[tree->count], 0, sizeof(tree->sums[0]));
    *ret_node = (uint32_t)tree->count++;
    return 0;
}

/* What a stack weighs, by every measure. */
static void weigh(const struct tn_chart_stack *stack, bool is_release, uint64_t *ret_values)
{
    ret_values[0] = is_release ? stack->released : stack->allocations;
    ret_values[1] = is_release ? stack->released_bytes : stack->allocated_bytes;
    ret_values[2] = is_release ? 0 : stack->peak_bytes;
    ret_values[3] = is_release ? 0 : stack->short_lived;
    ret_values[4] = is_release ? 0 : stack->live_bytes;
}

static int enter_stack(struct tree_maker *maker, struct growing_tree *tree, uint64_t stack_id,
                       const uint64_t *values)
{
    const uint32_t *path;
    size_t count;
    uint32_t node = 0;
    int r = tn_places_path(&maker->places, stack_id, &path, &count);
    if (r < 0)
        return r;
    for (size_t i = count; i > 0 && r == 0 && count - i < DEPTH_MAX; i--)
        r = add_node(tree, node, maker->name_of_place[path[i - 1]], &node);
    tree->node_of_stack[stack_id] = node;
    for (int k = 0; k < MEASURES && r == 0; k++)
        tree->sums[node][k] += values[k];
    return r;
}

static int grow(struct tree_maker *maker, struct growing_tree *tree, bool is_release)
{
    const struct tn_chart_pass *pass = maker->pass;
    uint32_t root;
    tree->node_of_stack = calloc(pass->stack_count, sizeof(tree->node_of_stack[0]));
    int r = tree->node_of_stack != NULL ? add_node(tree, 0, UINT32_MAX - 1, &root) : -ENOMEM;
    for (uint64_t i = 0; i < pass->stack_count && r == 0; i++) {
        uint64_t values[MEASURES];
        weigh(&pass->stacks[i], is_release, values);
        if (values[0] != 0)
            r = enter_stack(maker, tree, i, values);
    }
    for (size_t i = r == 0 ? tree->count : 0; i-- > 1;)
        for (int k = 0; k < MEASURES; k++)
            tree->sums[tree->nodes[i].parent][k] += tree->sums[i][k];
    return r;
}

static void finish_growing(struct growing_tree *tree)
{
    free(tree->nodes);
    free(tree->sums);
    free(tree->kept);
    free(tree->node_of_stack);
    tn_map_finish(&tree->index);
}

/* ---------------------------------------------------------------------------------------- cutting */

static bool is_small(const struct growing_tree *tree, size_t node, uint64_t part)
{
    for (int k = 0; k < MEASURES; k++)
        if (tree->sums[node][k] != 0 && tree->sums[node][k] >= (tree->sums[0][k] + part - 1) / part)
            return false;
    return true;
}

static size_t count_large(const struct growing_tree *tree, uint64_t part)
{
    size_t count = 1;
    for (size_t i = 1; i < tree->count; i++)
        count += !is_small(tree, i, part);
    return count;
}

/* Choose the frames that are told, and number them. A caller weighs no less than what it calls, so whoever is
 * told has a caller that is. */
static int cut(struct growing_tree *tree, struct tn_chart_tree *ret_tree)
{
    uint64_t part = SMALL_PART;
    while (part > 1 && count_large(tree, part) > TN_CHART_NODES_MAX)
        part = part * 3 / 4;
    size_t count = count_large(tree, part);
    ret_tree->nodes = calloc(count, sizeof(ret_tree->nodes[0]));
    tree->kept = calloc(tree->count, sizeof(tree->kept[0]));
    if (ret_tree->nodes == NULL || tree->kept == NULL)
        return -ENOMEM;
    ret_tree->node_count = 1;
    for (size_t i = 1; i < tree->count; i++) {
        uint32_t parent = tree->kept[tree->nodes[i].parent];
        tree->kept[i] = parent;
        if (is_small(tree, i, part))
            continue;
        ret_tree->nodes[ret_tree->node_count] = (struct tn_chart_node){parent, tree->nodes[i].name};
        tree->kept[i] = (uint32_t)ret_tree->node_count++;
    }
    ret_tree->left_out_nodes = tree->count - count;
    return 0;
}

/* ---------------------------------------------------------------------------------------- leaves */

static int add_leaf(struct tn_chart_tree *tree, struct tn_map *index, uint32_t node, uint32_t site_id,
                    const uint64_t *values, uint32_t *ret_leaf)
{
    uint64_t key = ((uint64_t)node << 32 | site_id) + 1;
    const uint64_t *found = tn_map_find(index, key);
    size_t number = found != NULL ? (size_t)*found : tree->leaf_count;
    if (found == NULL && tn_map_put(index, key, number) < 0)
        return -ENOMEM;
    struct tn_chart_leaf *leaf = &tree->leaves[number];
    tree->leaf_count += found == NULL;
    leaf->node = node;
    leaf->site_id = site_id;
    leaf->allocations += values[0];
    leaf->allocated_bytes += values[1];
    leaf->peak_bytes += values[2];
    leaf->short_lived += values[3];
    leaf->live_bytes += values[4];
    *ret_leaf = (uint32_t)number;
    return 0;
}

static int make_leaves(struct tree_maker *maker, const struct growing_tree *grown, bool is_release,
                       struct tn_chart_tree *tree)
{
    const struct tn_chart_pass *pass = maker->pass;
    struct tn_map index = {0};
    size_t count = 0;
    int r = 0;
    uint64_t values[MEASURES];
    for (uint64_t i = 0; i < pass->stack_count; i++) {
        weigh(&pass->stacks[i], is_release, values);
        count += values[0] != 0;
    }
    tree->leaves = calloc(count + 1, sizeof(tree->leaves[0]));
    if (tree->leaves == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; i < pass->stack_count && r == 0; i++) {
        uint32_t leaf = 0;
        weigh(&pass->stacks[i], is_release, values);
        if (values[0] == 0)
            continue;
        r = add_leaf(tree, &index, grown->kept[grown->node_of_stack[i]],
                     is_release ? 0 : maker->site_of_stack[i], values, &leaf);
        if (!is_release)
            maker->leaf_of_stack[i] = leaf;
    }
    tn_map_finish(&index);
    return r;
}

static int make_tree(struct tree_maker *maker, bool is_release, struct tn_chart_tree *tree)
{
    struct growing_tree grown = {0};
    int r = grow(maker, &grown, is_release);
    if (r == 0)
        r = cut(&grown, tree);
    if (r == 0)
        r = make_leaves(maker, &grown, is_release, tree);
    finish_growing(&grown);
    return r;
}

/* ---------------------------------------------------------------------------------------- shares */

static int compare_leaves(const void *left, const void *right, void *context)
{
    const struct tn_chart_leaf *leaves = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    if (leaves[a].allocations != leaves[b].allocations)
        return leaves[a].allocations < leaves[b].allocations ? 1 : -1;
    return (a > b) - (a < b);
}

/* By leaf, whether it is among the told_max with most allocations. */
static bool *choose_leaves(const struct tn_chart_tree *tree, size_t told_max)
{
    uint32_t *order = calloc(tree->leaf_count + 1, sizeof(order[0]));
    bool *is_told = calloc(tree->leaf_count + 1, sizeof(is_told[0]));
    if (order != NULL && is_told != NULL) {
        for (size_t i = 0; i < tree->leaf_count; i++)
            order[i] = (uint32_t)i;
        qsort_r(order, tree->leaf_count, sizeof(order[0]), compare_leaves, tree->leaves);
        for (size_t i = 0; i < tree->leaf_count && i < told_max; i++)
            is_told[order[i]] = true;
    } else {
        free(is_told);
        is_told = NULL;
    }
    free(order);
    return is_told;
}

static void add_cells(struct tn_chart_share *row, size_t row_stride, const struct tn_chart_cell *cells,
                      size_t bin_count)
{
    for (size_t bin = 0; cells != NULL && bin < bin_count; bin++) {
        struct tn_chart_share *share = &row[bin * row_stride];
        share->allocations += cells[bin].allocations;
        share->allocated_bytes += cells[bin].allocated_bytes;
        share->short_lived += cells[bin].short_lived;
    }
}

/* Every leaf in every interval, whether it did anything or not; the last of each interval are the others. */
static struct tn_chart_share *fill_shares(const struct tree_maker *maker, const bool *is_told)
{
    const struct tn_chart_pass *pass = maker->pass;
    const struct tn_charts *charts = pass->charts;
    size_t stride = charts->births.leaf_count + 1;
    struct tn_chart_share *all = calloc(stride * charts->stack_bin_count, sizeof(all[0]));
    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < stride * charts->stack_bin_count; i++) {
        all[i].bin = (uint32_t)(i / stride);
        all[i].leaf = (uint32_t)(i % stride);
    }
    add_cells(&all[stride - 1], stride, pass->others, charts->stack_bin_count);
    for (uint64_t i = 0; i < pass->stack_count; i++) {
        uint32_t leaf = maker->leaf_of_stack[i];
        add_cells(&all[is_told[leaf] ? leaf : stride - 1], stride, pass->stacks[i].cells,
                  charts->stack_bin_count);
    }
    return all;
}

/* Fewer leaves are told where that many would take too much room. */
static int make_shares(const struct tree_maker *maker)
{
    struct tn_charts *charts = maker->pass->charts;
    for (size_t told_max = TN_CHART_STACKS_MAX;; told_max /= 2) {
        bool *is_told = choose_leaves(&charts->births, told_max);
        struct tn_chart_share *all = is_told != NULL ? fill_shares(maker, is_told) : NULL;
        free(is_told);
        if (all == NULL)
            return -ENOMEM;
        size_t count = 0, room = (charts->births.leaf_count + 1) * charts->stack_bin_count;
        for (size_t i = 0; i < room; i++)
            if (all[i].allocations != 0)
                all[count++] = all[i];
        charts->shares = all;
        charts->share_count = count;
        if (count <= SHARES_MAX || told_max < 2)
            return 0;
        free(all);
        charts->shares = NULL;
        charts->share_count = 0;
    }
}

/* ---------------------------------------------------------------------------------------- all */

static void renumber(struct tn_chart_tree *tree, const uint32_t *numbers)
{
    for (size_t i = 1; i < tree->node_count; i++)
        tree->nodes[i].name = numbers[tree->nodes[i].name];
}

/* Forget the names that only frames had which were left out. */
static int drop_names(struct tn_charts *charts)
{
    const struct tn_chart_tree *trees[] = {&charts->births, &charts->deaths};
    uint32_t *numbers = calloc(charts->name_count + 1, sizeof(numbers[0])); /* first 1 for those in use */
    size_t count = 0;
    if (numbers == NULL)
        return -ENOMEM;
    for (int k = 0; k < 2; k++)
        for (size_t i = 1; i < trees[k]->node_count; i++)
            numbers[trees[k]->nodes[i].name] = 1;
    for (size_t i = 0; i < charts->name_count; i++) {
        struct tn_chart_name name = charts->names[i];
        if (numbers[i] == 0) {
            free(name.function);
            free(name.file);
            free(name.module);
            continue;
        }
        numbers[i] = (uint32_t)count;
        charts->names[count++] = name;
    }
    charts->name_count = count;
    renumber(&charts->births, numbers);
    renumber(&charts->deaths, numbers);
    free(numbers);
    return 0;
}

static int load_sites(struct tree_maker *maker, struct tn_log *log)
{
    struct sqlite3_stmt *row;
    int r =
        tn_sql_prepare(tn_log_database(log), "SELECT id, site_id FROM stack WHERE site_id IS NOT NULL", &row);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(row)) == 1) {
        uint64_t stack_id = tn_sql_count(row, 0), site_id = tn_sql_count(row, 1);
        if (stack_id < maker->pass->stack_count && site_id <= UINT32_MAX)
            maker->site_of_stack[stack_id] = (uint32_t)site_id;
    }
    sqlite3_finalize(row);
    return r;
}

int tn_chart_make_trees(struct tn_chart_pass *pass, struct tn_log *log)
{
    struct tree_maker maker = {.pass = pass};
    maker.site_of_stack = calloc(pass->stack_count, sizeof(maker.site_of_stack[0]));
    maker.leaf_of_stack = calloc(pass->stack_count, sizeof(maker.leaf_of_stack[0]));
    int r = maker.site_of_stack != NULL && maker.leaf_of_stack != NULL ? load_sites(&maker, log) : -ENOMEM;
    if (r == 0)
        r = tn_places_load(log, &maker.places);
    if (r == 0)
        r = make_names(&maker);
    if (r == 0)
        r = make_tree(&maker, false, &pass->charts->births);
    if (r == 0)
        r = make_tree(&maker, true, &pass->charts->deaths);
    if (r == 0)
        r = drop_names(pass->charts);
    if (r == 0)
        r = make_shares(&maker);
    tn_places_finish(&maker.places);
    free(maker.name_of_place);
    free(maker.site_of_stack);
    free(maker.leaf_of_stack);
    return r;
}
