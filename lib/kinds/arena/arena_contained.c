/* SPDX-License-Identifier: MIT */
/* The kind `arena`: tells the plan which calls contained the blocks of each stack. Called by the engine,
 * through the entry in arenas.c. */
#include "arenas.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const struct tn_contained_part *left = a, *right = b;
    if (left->stack_id != right->stack_id)
        return left->stack_id < right->stack_id ? -1 : 1;
    return (left->level > right->level) - (left->level < right->level);
}

static void fill_parts(const struct tn_arenas *arenas, struct tn_contained *contained)
{
    for (size_t i = 0; i < arenas->owners.capacity; i++) {
        const struct tn_map_entry *entry = &arenas->owners.entries[i];
        if (entry->key == 0)
            continue;
        contained->parts[contained->part_count++] = (struct tn_contained_part){
            .stack_id = (uint32_t)(entry->key >> 32),
            .level = (uint32_t)entry->key - 1,
            .blocks = entry->value,
        };
    }
    qsort(contained->parts, contained->part_count, sizeof(contained->parts[0]), compare);
}

int tn_arena_contained(void *state, const struct tn_pass *pass, struct tn_contained *ret_contained)
{
    struct tn_arenas *arenas = state;
    size_t function_count = arenas->frames->function_count;
    (void)pass;
    ret_contained->parts = calloc(arenas->owners.capacity + 1, sizeof(ret_contained->parts[0]));
    ret_contained->functions = calloc(function_count + 1, sizeof(ret_contained->functions[0]));
    if (ret_contained->parts == NULL || ret_contained->functions == NULL)
        return -ENOMEM;
    fill_parts(arenas, ret_contained);
    for (size_t i = 0; i < function_count; i++)
        ret_contained->functions[i] = (struct tn_contained_function){
            .calls = arenas->functions[i].calls, .at_once = arenas->functions[i].max_holding};
    ret_contained->frames = arenas->frames;
    return 0;
}
