/* SPDX-License-Identifier: MIT */
/* Sorted address ranges with bisection, and lists of DIEs found by the code that they cover. Nested ranges
 * are allowed: the innermost one is found. Called by unit.c and inline.c. */
#include "symbol_file.h"

#include <errno.h>
#include <stdlib.h>

#define COVER_STEPS 64u

int tn_symbol_range_add(struct tn_symbol_range_list *list, uint64_t low, uint64_t high, size_t index)
{
    if (low >= high || low == 0)
        return 0;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? list->capacity * 2 : 64;
        struct tn_symbol_range *ranges = realloc(list->ranges, capacity * sizeof(ranges[0]));
        if (ranges == NULL)
            return -ENOMEM;
        list->ranges = ranges;
        list->capacity = capacity;
    }
    list->ranges[list->count++] = (struct tn_symbol_range){low, high, index};
    return 0;
}

/* For equal starts the shorter range comes last, so that the search backwards meets the innermost first. */
static int compare(const void *a, const void *b)
{
    const struct tn_symbol_range *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    if (x->high != y->high)
        return x->high > y->high ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void tn_symbol_range_sort(struct tn_symbol_range_list *list)
{
    if (list->count > 1)
        qsort(list->ranges, list->count, sizeof(list->ranges[0]), compare);
}

const struct tn_symbol_range *tn_symbol_range_find(const struct tn_symbol_range_list *list, uint64_t address)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->ranges[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i > 0 && low - i < COVER_STEPS; i--)
        if (address < list->ranges[i - 1].high)
            return &list->ranges[i - 1];
    return NULL;
}

int tn_symbol_range_add_die(struct tn_symbol_range_list *list, Dwarf_Die *die, size_t index)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t offset = 0;
    while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
        int r = tn_symbol_range_add(list, low, high, index);
        if (r < 0)
            return r;
    }
    return 0;
}

int tn_symbol_dies_add(struct tn_symbol_dies *list, Dwarf_Die *die)
{
    size_t before = list->ranges.count;
    int r = tn_symbol_range_add_die(&list->ranges, die, list->count);
    if (r < 0 || list->ranges.count == before)
        return r;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? list->capacity * 2 : 8;
        Dwarf_Die *dies = realloc(list->dies, capacity * sizeof(dies[0]));
        if (dies == NULL)
            return -ENOMEM;
        list->dies = dies;
        list->capacity = capacity;
    }
    list->dies[list->count++] = *die;
    return 0;
}

Dwarf_Die *tn_symbol_dies_find(const struct tn_symbol_dies *list, uint64_t dwarf_pc)
{
    const struct tn_symbol_range *range = tn_symbol_range_find(&list->ranges, dwarf_pc);
    return range != NULL ? &list->dies[range->index] : NULL;
}

void tn_symbol_dies_finish(struct tn_symbol_dies *list)
{
    free(list->ranges.ranges);
    free(list->dies);
    *list = (struct tn_symbol_dies){0};
}
