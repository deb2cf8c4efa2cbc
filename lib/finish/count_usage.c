/* SPDX-License-Identifier: MIT */
/* Counts for each stack how many births and releases have it, by which function, and of what sizes. A stack
 * that several functions share, as after identical code folding, is credited to the most frequent one.
 * Called by attribute_sites.c. */
#include "attribute_sites.h"
#include "usages.h"

#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>

/* Key of a count in the map: a stack and a function (fewer than 32). */
#define FUNCTION_BITS 5u

struct usage_counts {
    struct tn_stack_use *uses; /* borrowed; each stack's first function */
    struct tn_site_use *sizes; /* borrowed */
    size_t node_count;
    struct tn_map others;
    bool has_stackless;
};

_Static_assert(TN_FUNCTION_COUNT <= 1u << FUNCTION_BITS, "a function fits its bits");

/* Nearly every stack calls one allocation function, counted in `uses`; any other goes to the map. */
static int count_calls(struct usage_counts *counts, uint64_t stack_id, unsigned function, uint64_t more)
{
    struct tn_stack_use *use = &counts->uses[stack_id];
    if (use->function == function || use->function == 0) {
        use->function = (uint8_t)function;
        use->count += more;
        return 0;
    }
    uint64_t key = stack_id << FUNCTION_BITS | function;
    uint64_t *count = tn_map_find(&counts->others, key);
    if (count == NULL)
        return tn_map_put(&counts->others, key, more);
    *count += more;
    return 0;
}

static void count_sizes(struct tn_site_use *sizes, const struct tn_stack_usage *use)
{
    if (sizes->births == 0 || use->min_size_bytes < sizes->min_size_bytes)
        sizes->min_size_bytes = use->min_size_bytes;
    if (use->max_size_bytes > sizes->max_size_bytes)
        sizes->max_size_bytes = use->max_size_bytes;
    sizes->births += use->count;
}

static int count_use(void *context, const struct tn_stack_usage *use)
{
    struct usage_counts *counts = context;
    bool is_known = use->stack_id < counts->node_count;
    if (use->is_birth && is_known)
        count_sizes(&counts->sizes[use->stack_id], use);
    if (use->stack_id != 0 && is_known)
        return count_calls(counts, use->stack_id, use->function, use->count);
    counts->has_stackless |= use->is_birth;
    return 0;
}

static bool is_release(unsigned function)
{
    return function >= TN_FUNCTION_FREE;
}

/* Births come before releases; then the higher count; then the lower function number. */
static bool is_better(const struct tn_stack_use *use, unsigned function, uint64_t count)
{
    bool is_birth = !is_release(function);
    if (use->function == 0 || use->is_birth != is_birth)
        return use->function == 0 || is_birth;
    return count > use->count || (count == use->count && function < use->function);
}

/* Failed calls have stacks, too, which no birth may share. */
static int count_failures(struct tn_finish_job *job, struct usage_counts *counts)
{
    sqlite3_stmt *rows;
    int r = tn_finish_prepare(job,
                              "SELECT a.stack_id, f.id FROM allocation_failure AS a"
                              " JOIN function AS f ON f.name = a.function WHERE a.stack_id IS NOT NULL",
                              &rows);
    if (r < 0)
        return r;
    int next = 0;
    while (r == 0 && (next = tn_sql_next(rows)) == 1) {
        uint64_t stack_id = tn_sql_count(rows, 0);
        unsigned function = (unsigned)sqlite3_column_int(rows, 1);
        if (stack_id < counts->node_count && function < TN_FUNCTION_COUNT)
            r = count_calls(counts, stack_id, function, 1);
    }
    sqlite3_finalize(rows);
    if (r == 0 && next < 0)
        return tn_finish_fail(job, next, "cannot count failures");
    return r < 0 ? tn_finish_refuse(job, r, "cannot count failures") : 0;
}

int tn_finish_count_usage(struct tn_finish_job *job, struct tn_stack_use *uses, struct tn_site_use *sizes,
                          size_t node_count, bool *ret_has_stackless)
{
    struct usage_counts counts = {.uses = uses, .sizes = sizes, .node_count = node_count};
    int r = tn_finish_each_usage(job, count_use, &counts);
    if (r < 0)
        r = tn_finish_refuse(job, r, "cannot count events");
    if (r == 0)
        r = count_failures(job, &counts);
    for (size_t i = 0; r == 0 && i < node_count; i++)
        uses[i].is_birth = uses[i].function != 0 && !is_release(uses[i].function);
    for (size_t i = 0; r == 0 && i < counts.others.capacity; i++) {
        uint64_t key = counts.others.entries[i].key;
        unsigned function = (unsigned)(key & ((1u << FUNCTION_BITS) - 1));
        struct tn_stack_use *use = &uses[key >> FUNCTION_BITS];
        uint64_t count = counts.others.entries[i].value;
        if (key != 0 && is_better(use, function, count))
            *use = (struct tn_stack_use){count, (uint8_t)function, !is_release(function)};
    }
    *ret_has_stackless = counts.has_stackless;
    tn_map_finish(&counts.others);
    return r;
}
