/* SPDX-License-Identifier: MIT */
/* Finds the compilation unit and the function at an address. dwarf_getscopes walks a unit's whole tree for
 * each address (milliseconds in a large C++ unit), and dwfl_module_addrdie relies in elfutils 0.188 on
 * .debug_aranges, which clang does not write. So a unit's functions are listed once and found by bisection.
 * Called by symbol.c and inline.c. */
#include "symbol_file.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

static int add_unit(struct tn_symbol_file *file, Dwarf_Die *die, Dwarf_Addr bias)
{
    if (file->unit_count == file->unit_capacity) {
        size_t capacity = file->unit_capacity != 0 ? file->unit_capacity * 2 : 64;
        struct tn_symbol_unit *units = realloc(file->units, capacity * sizeof(units[0]));
        if (units == NULL)
            return -ENOMEM;
        file->units = units;
        file->unit_capacity = capacity;
    }
    struct tn_symbol_unit *unit = &file->units[file->unit_count];
    *unit = (struct tn_symbol_unit){.die = *die, .functions = *die, .bias = bias};
    return tn_symbol_range_add_die(&file->unit_ranges, die, file->unit_count++);
}

int tn_symbol_read_units(struct tn_symbol_file *file)
{
    if (file->has_units)
        return 0;
    Dwarf_Die *die = NULL;
    Dwarf_Addr bias;
    while ((die = dwfl_module_nextcu(file->module, die, &bias)) != NULL) {
        int tag = dwarf_tag(die);
        if (tag != DW_TAG_compile_unit && tag != DW_TAG_skeleton_unit)
            continue;
        int r = add_unit(file, die, bias);
        if (r < 0)
            return r;
    }
    tn_symbol_range_sort(&file->unit_ranges);
    file->has_units = true;
    return 0;
}

/* Whether a DIE may contain functions with code. Functions inside functions (GCC's nested ones, members of
 * local classes) are listed only when an address is in no other: most of a unit lies within functions. */
static bool holds_functions(int tag, enum tn_symbol_reach reach)
{
    if (reach == TN_SYMBOL_REACH_ALL && (tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block))
        return true;
    return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
           tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* The path from the unit to the current DIE. */
struct unit_walk {
    Dwarf_Die *dies; /* owned */
    size_t depth, capacity;
};

static int descend(struct unit_walk *walk, const Dwarf_Die *die)
{
    if (walk->depth == walk->capacity) {
        size_t capacity = walk->capacity != 0 ? walk->capacity * 2 : 16;
        Dwarf_Die *dies = realloc(walk->dies, capacity * sizeof(dies[0]));
        if (dies == NULL)
            return -ENOMEM;
        walk->dies = dies;
        walk->capacity = capacity;
    }
    walk->dies[walk->depth++] = *die;
    return 0;
}

static int visit(struct tn_symbol_unit *unit, struct unit_walk *walk, enum tn_symbol_reach reach)
{
    Dwarf_Die die = walk->dies[walk->depth - 1], next;
    if (dwarf_siblingof(&die, &next) == 0)
        walk->dies[walk->depth - 1] = next;
    else
        walk->depth--;
    int tag = dwarf_tag(&die);
    int r = tag == DW_TAG_subprogram ? tn_symbol_dies_add(&unit->function_list, &die) : 0;
    if (r == 0 && holds_functions(tag, reach) && dwarf_child(&die, &next) == 0)
        r = descend(walk, &next);
    return r;
}

/* Find where the unit's functions are described: in its .dwo file, if it was compiled with split DWARF. */
static void find_split(struct tn_symbol_unit *unit)
{
    uint8_t type;
    Dwarf_Die split;
    if (dwarf_cu_info(unit->die.cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
        type == DW_UT_skeleton && split.addr != NULL)
        unit->functions = split;
}

static int read_functions(struct tn_symbol_unit *unit, enum tn_symbol_reach reach)
{
    Dwarf_Die first;
    struct unit_walk walk = {0};
    int r = 0;
    find_split(unit);
    unit->function_list.ranges.count = unit->function_list.count = 0;
    if (dwarf_child(&unit->functions, &first) == 0)
        r = descend(&walk, &first);
    while (r == 0 && walk.depth > 0)
        r = visit(unit, &walk, reach);
    free(walk.dies);
    tn_symbol_range_sort(&unit->function_list.ranges);
    if (r == 0)
        unit->reach = reach;
    return r;
}

int tn_symbol_find_function(struct tn_symbol_unit *unit, uint64_t dwarf_pc, Dwarf_Die **ret_die)
{
    *ret_die = NULL;
    for (int reach = TN_SYMBOL_REACH_OUTER; *ret_die == NULL && reach <= TN_SYMBOL_REACH_ALL; reach++) {
        int r = (int)unit->reach < reach ? read_functions(unit, (enum tn_symbol_reach)reach) : 0;
        if (r < 0)
            return r;
        *ret_die = tn_symbol_dies_find(&unit->function_list, dwarf_pc);
    }
    return 0;
}

int tn_symbol_find_unit(struct tn_symbol_file *file, uint64_t pc, struct tn_symbol_unit **ret_unit)
{
    int r = tn_symbol_read_units(file);
    if (r < 0)
        return r;
    *ret_unit = NULL;
    if (file->unit_count == 0)
        return 0;
    const struct tn_symbol_range *range = tn_symbol_range_find(&file->unit_ranges, pc - file->units[0].bias);
    if (range == NULL)
        return 0;
    *ret_unit = &file->units[range->index];
    return 0;
}

void tn_symbol_finish_units(struct tn_symbol_file *file)
{
    for (size_t i = 0; i < file->unit_count; i++)
        tn_symbol_dies_finish(&file->units[i].function_list);
    free(file->units);
    free(file->unit_ranges.ranges);
}
