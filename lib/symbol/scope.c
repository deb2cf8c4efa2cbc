/* SPDX-License-Identifier: MIT */
/* Prints the namespaces, classes and functions around a declaration. DWARF has no link from a DIE to its
 * parent, and dwarf_getscopes_die searches the unit from its root, some 100 us for each name in a large
 * one. So the parents of one unit's scopes are collected in one walk. Addresses come in ascending order,
 * nearly always that of units, so keeping one unit is enough. Called by name.c. */
#include "symbol_file.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

/* Deeper than any program nests scopes; bounds the walk upwards on a damaged file. */
#define SCOPE_DEPTH_MAX 64u

/* One level of the walk: the DIE to visit next, and its parent. */
struct parent_step {
    Dwarf_Die die;
    const void *parent;
};

struct parent_walk {
    struct parent_step *steps; /* owned */
    size_t depth, capacity;
};

static int descend(struct parent_walk *walk, const Dwarf_Die *die, const void *parent)
{
    if (walk->depth == walk->capacity) {
        size_t capacity = walk->capacity != 0 ? walk->capacity * 2 : 16;
        struct parent_step *steps = realloc(walk->steps, capacity * sizeof(steps[0]));
        if (steps == NULL)
            return -ENOMEM;
        walk->steps = steps;
        walk->capacity = capacity;
    }
    walk->steps[walk->depth++] = (struct parent_step){*die, parent};
    return 0;
}

static bool is_scope(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
           tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_lexical_block;
}

static int visit(struct tn_symbol_file *file, struct parent_walk *walk)
{
    struct parent_step step = walk->steps[walk->depth - 1];
    Dwarf_Die next;
    if (dwarf_siblingof(&step.die, &next) == 0)
        walk->steps[walk->depth - 1].die = next;
    else
        walk->depth--;
    if (!is_scope(dwarf_tag(&step.die)))
        return 0;
    int r = tn_map_put(&file->parents, (uint64_t)(uintptr_t)step.die.addr, (uint64_t)(uintptr_t)step.parent);
    if (r == 0 && dwarf_child(&step.die, &next) == 0)
        r = descend(walk, &next, step.die.addr);
    return r;
}

/* Collect the parents of one unit. */
static int read_parents(struct tn_symbol_file *file, Dwarf_Die *unit)
{
    if (file->parents_of == unit->addr)
        return 0;
    tn_map_finish(&file->parents);
    file->parents_of = NULL;
    struct parent_walk walk = {0};
    Dwarf_Die first;
    int r = dwarf_child(unit, &first) == 0 ? descend(&walk, &first, NULL) : 0;
    while (r == 0 && walk.depth > 0)
        r = visit(file, &walk);
    free(walk.steps);
    if (r == 0)
        file->parents_of = unit->addr;
    return r;
}

/* What a scope is called in a qualified name; NULL: it is not shown. */
static const char *scope_name(Dwarf_Die *scope)
{
    switch (dwarf_tag(scope)) {
    case DW_TAG_namespace:
        return dwarf_hasattr(scope, DW_AT_name) ? dwarf_diename(scope) : "(anonymous namespace)";
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
        /* a class with functions but no name is nearly always a closure */
        return dwarf_hasattr(scope, DW_AT_name) ? dwarf_diename(scope) : "{lambda}";
    case DW_TAG_subprogram:
        return dwarf_diename(scope);
    default:
        return NULL;
    }
}

int tn_symbol_print_scopes(struct tn_symbol_file *file, struct tn_buffer *out, Dwarf_Die *die)
{
    Dwarf_Die unit, scopes[SCOPE_DEPTH_MAX];
    if (dwarf_diecu(die, &unit, NULL, NULL) == NULL)
        return 0;
    int r = read_parents(file, &unit);
    if (r < 0)
        return r;
    unsigned count = 0;
    uint64_t *parent = tn_map_find(&file->parents, (uint64_t)(uintptr_t)die->addr);
    while (parent != NULL && *parent != 0 && count < SCOPE_DEPTH_MAX) {
        if (dwarf_die_addr_die(dwarf_cu_getdwarf(unit.cu), (void *)(uintptr_t)*parent, &scopes[count]) ==
            NULL)
            break;
        parent = tn_map_find(&file->parents, (uint64_t)(uintptr_t)scopes[count++].addr);
    }
    while (r == 0 && count-- > 0) {
        const char *name = scope_name(&scopes[count]);
        if (name != NULL)
            r = tn_buffer_print(out, "%s::", name);
    }
    return r;
}
