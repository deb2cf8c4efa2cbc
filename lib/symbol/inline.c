/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

/* More than any compiler inlines into each other; bounds the walk on a damaged file. */
#define INLINE_DEPTH_MAX 256u

static int reserve_frames(struct tn_symbol_file *file, size_t count)
{
    if (count <= file->frame_capacity)
        return 0;
    size_t capacity = count * 2;
    struct tn_symbol_frame *frames = realloc(file->frames, capacity * sizeof(frames[0]));
    if (frames == NULL)
        return -ENOMEM;
    file->frames = frames;
    file->frame_capacity = capacity;
    return 0;
}

static bool may_hold_code(int tag)
{
    return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
           tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* The child of die around the address. */
static bool find_child(Dwarf_Die *die, Dwarf_Addr dwarf_pc, Dwarf_Die *ret_child)
{
    Dwarf_Die child;
    if (dwarf_child(die, &child) != 0)
        return false;
    do {
        if (may_hold_code(dwarf_tag(&child)) && dwarf_haspc(&child, dwarf_pc) > 0) {
            *ret_child = child;
            return true;
        }
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

/* The physical function and what is inlined at the address, outermost first. Returns how many. */
static unsigned find_chain(Dwarf_Die *function, Dwarf_Addr dwarf_pc, Dwarf_Die *chain)
{
    unsigned count = 1;
    chain[0] = *function;
    Dwarf_Die at = *function, child;
    for (unsigned steps = 0; steps < 8 * INLINE_DEPTH_MAX && find_child(&at, dwarf_pc, &child); steps++) {
        at = child;
        if (dwarf_tag(&child) == DW_TAG_inlined_subroutine && count < INLINE_DEPTH_MAX)
            chain[count++] = child;
    }
    return count;
}

static int keep_file(struct tn_symbol_file *file, struct tn_symbol_unit *unit, const char *path,
                     const char **ret_file)
{
    *ret_file = NULL;
    if (path == NULL || path[0] == '\0')
        return 0;
    Dwarf_Attribute value;
    return tn_symbol_keep_path(file, dwarf_formstring(dwarf_attr(&unit->die, DW_AT_comp_dir, &value)), path,
                               ret_file);
}

/* Where the code at the address itself comes from. */
static int fill_place(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Addr dwarf_pc,
                      struct tn_symbol_frame *frame)
{
    Dwarf_Line *line = dwarf_getsrc_die(&unit->die, dwarf_pc);
    int number;
    if (line == NULL || dwarf_lineno(line, &number) != 0)
        return 0;
    frame->line = number > 0 ? (uint32_t)number : 0;
    return keep_file(file, unit, dwarf_linesrc(line, NULL, NULL), &frame->file);
}

/* Where an inlined function was called. */
static int fill_call(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Die *inlined,
                     struct tn_symbol_frame *frame)
{
    Dwarf_Attribute value;
    Dwarf_Word number;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &value), &number) == 0)
        frame->line = (uint32_t)number;
    Dwarf_Files *files;
    size_t file_count;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &value), &number) != 0 ||
        dwarf_getsrcfiles(&unit->functions, &files, &file_count) != 0)
        return 0;
    return keep_file(file, unit, dwarf_filesrc(files, (size_t)number, NULL, NULL), &frame->file);
}

int tn_symbol_fill_frames(struct tn_symbol_file *file, struct tn_symbol_unit *unit, uint64_t pc)
{
    Dwarf_Addr dwarf_pc = pc - unit->bias;
    Dwarf_Die chain[INLINE_DEPTH_MAX];
    Dwarf_Die *function = NULL;
    int r = tn_symbol_find_function(unit, dwarf_pc, &function);
    unsigned count = function != NULL ? find_chain(function, dwarf_pc, chain) : 1;
    if (r == 0)
        r = reserve_frames(file, count);
    for (unsigned i = 0; i < count && r == 0; i++) {
        struct tn_symbol_frame *frame = &file->frames[i];
        *frame = (struct tn_symbol_frame){0};
        if (function != NULL)
            r = tn_symbol_name_die(file, unit, &chain[count - 1 - i], &frame->function);
        if (r == 0)
            r = i == 0 ? fill_place(file, unit, dwarf_pc, frame)
                       : fill_call(file, unit, &chain[count - i], frame);
    }
    return r < 0 ? r : (int)count;
}
