/* SPDX-License-Identifier: MIT */
/* Fills the frames of a look-up: the physical function, and the functions inlined at the address, each with
 * the line that it had reached. What is inlined in a function is read once and kept. Called by symbol.c. */
#include "symbol_file.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

/* Deeper than any compiler inlines; bounds the walk on a damaged file. */
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

bool tn_symbol_may_hold_code(int tag)
{
    return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
           tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

static int read_scope(Dwarf_Die *die, struct tn_symbol_dies *scope)
{
    Dwarf_Die child;
    int r = 0;
    if (dwarf_child(die, &child) != 0)
        return 0;
    do {
        if (tn_symbol_may_hold_code(dwarf_tag(&child)))
            r = tn_symbol_dies_add(scope, &child);
    } while (r == 0 && dwarf_siblingof(&child, &child) == 0);
    tn_symbol_range_sort(&scope->ranges);
    return r;
}

static int add_scope(struct tn_symbol_file *file, const struct tn_symbol_dies *scope)
{
    if (file->scope_count == file->scope_capacity) {
        size_t capacity = file->scope_capacity != 0 ? file->scope_capacity * 2 : 64;
        struct tn_symbol_dies *scopes = realloc(file->scopes, capacity * sizeof(scopes[0]));
        if (scopes == NULL)
            return -ENOMEM;
        file->scopes = scopes;
        file->scope_capacity = capacity;
    }
    file->scopes[file->scope_count++] = *scope;
    return 0;
}

/* The DIEs with code directly below a DIE. Read once and kept: walking the children of a large function takes
 * some 100 us, and large functions have many sites. */
static int scope_of(struct tn_symbol_file *file, Dwarf_Die *die, const struct tn_symbol_dies **ret_scope)
{
    static const struct tn_symbol_dies empty;
    uint64_t key = (uint64_t)(uintptr_t)die->addr;
    uint64_t *known = tn_map_find(&file->scope_of, key);
    if (known != NULL) {
        *ret_scope = *known != 0 ? &file->scopes[*known - 1] : &empty;
        return 0;
    }
    struct tn_symbol_dies scope = {0};
    int r = read_scope(die, &scope);
    if (r == 0 && scope.count != 0)
        r = add_scope(file, &scope);
    if (r < 0) {
        tn_symbol_dies_finish(&scope);
        return r;
    }
    *ret_scope = scope.count != 0 ? &file->scopes[file->scope_count - 1] : &empty;
    return tn_map_put(&file->scope_of, key, scope.count != 0 ? file->scope_count : 0);
}

void tn_symbol_finish_scopes(struct tn_symbol_file *file)
{
    for (size_t i = 0; i < file->scope_count; i++)
        tn_symbol_dies_finish(&file->scopes[i]);
    free(file->scopes);
    tn_map_finish(&file->scope_of);
}

/* Find the physical function and the functions inlined at the address, outermost first. Returns how many, or
 * -ENOMEM. */
static int find_chain(struct tn_symbol_file *file, const Dwarf_Die *function, Dwarf_Addr dwarf_pc,
                      Dwarf_Die *chain)
{
    int count = 1;
    chain[0] = *function;
    Dwarf_Die at = *function;
    for (unsigned steps = 0; steps < 8 * INLINE_DEPTH_MAX; steps++) {
        const struct tn_symbol_dies *scope;
        int r = scope_of(file, &at, &scope);
        if (r < 0)
            return r;
        Dwarf_Die *child = tn_symbol_dies_find(scope, dwarf_pc);
        if (child == NULL)
            break;
        at = *child;
        if (dwarf_tag(&at) == DW_TAG_inlined_subroutine && count < (int)INLINE_DEPTH_MAX)
            chain[count++] = at;
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

/* File, line and column of the code at the address itself. */
static int fill_line(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Addr dwarf_pc,
                     struct tn_symbol_frame *frame)
{
    Dwarf_Line *line = dwarf_getsrc_die(&unit->die, dwarf_pc);
    int number;
    if (line == NULL || dwarf_lineno(line, &number) != 0)
        return 0;
    frame->line = number > 0 ? (uint32_t)number : 0;
    int column;
    if (dwarf_linecol(line, &column) == 0 && column > 0)
        frame->column = (uint32_t)column;
    return keep_file(file, unit, dwarf_linesrc(line, NULL, NULL), &frame->file);
}

/* File, line and column of the call that was inlined. */
static int fill_call(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Die *inlined,
                     struct tn_symbol_frame *frame)
{
    Dwarf_Attribute value;
    Dwarf_Word number;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &value), &number) == 0)
        frame->line = (uint32_t)number;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_column, &value), &number) == 0)
        frame->column = (uint32_t)number;
    Dwarf_Files *files;
    size_t file_count;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &value), &number) != 0 ||
        dwarf_getsrcfiles(&unit->functions, &files, &file_count) != 0)
        return 0;
    return keep_file(file, unit, dwarf_filesrc(files, (size_t)number, NULL, NULL), &frame->file);
}

/* Whether the compiler wrote a member function, such as a copy constructor: the line that the debug
 * information gives for it is that of the class, where there is nothing to change. */
static bool is_implicit(Dwarf_Die die)
{
    Dwarf_Attribute value;
    Dwarf_Die next;
    for (int i = 0; i < 2 && dwarf_attr(&die, DW_AT_abstract_origin, &value) != NULL; i++)
        if (dwarf_formref_die(&value, &die) == NULL)
            return false;
    if (dwarf_attr(&die, DW_AT_specification, &value) == NULL || dwarf_formref_die(&value, &next) == NULL)
        return false;
    return dwarf_hasattr(&next, DW_AT_artificial) || dwarf_hasattr(&next, DW_AT_defaulted);
}

int tn_symbol_fill_frames(struct tn_symbol_file *file, struct tn_symbol_unit *unit, uint64_t pc)
{
    Dwarf_Addr dwarf_pc = pc - unit->bias;
    Dwarf_Die chain[INLINE_DEPTH_MAX];
    Dwarf_Die *function = NULL;
    int r = tn_symbol_find_function(unit, dwarf_pc, &function);
    if (r < 0)
        return r;
    int count = function != NULL ? find_chain(file, function, dwarf_pc, chain) : 1;
    r = count < 0 ? count : reserve_frames(file, (size_t)count);
    for (int i = 0; i < count && r == 0; i++) {
        struct tn_symbol_frame *frame = &file->frames[i];
        *frame = (struct tn_symbol_frame){0};
        if (function != NULL)
            r = tn_symbol_name_die(file, unit, &chain[count - 1 - i], &frame->function);
        if (r == 0)
            r = i == 0 ? fill_line(file, unit, dwarf_pc, frame)
                       : fill_call(file, unit, &chain[count - i], frame);
        if (function != NULL && is_implicit(chain[count - 1 - i])) {
            frame->file = NULL;
            frame->line = 0;
        }
    }
    return r < 0 ? r : count;
}

/* Of code in several parts, the first one that is told holds the entry, unless that is told by itself. */
static bool find_entry(Dwarf_Die *die, Dwarf_Addr *ret_entry)
{
    Dwarf_Addr base, end;
    return dwarf_entrypc(die, ret_entry) == 0 || dwarf_ranges(die, 0, &base, ret_entry, &end) > 0;
}

int tn_symbol_inlined_entry(struct tn_symbol_file *file, uint64_t offset_bytes, unsigned depth,
                            uint64_t *ret_entry)
{
    struct tn_symbol_unit *unit;
    Dwarf_Die chain[INLINE_DEPTH_MAX], *function = NULL;
    Dwarf_Addr entry;
    *ret_entry = 0;
    int r = tn_symbol_find_unit(file, offset_bytes - 1, &unit);
    if (r < 0 || unit == NULL)
        return r;
    Dwarf_Addr dwarf_pc = offset_bytes - 1 - unit->bias;
    r = tn_symbol_find_function(unit, dwarf_pc, &function);
    if (r < 0 || function == NULL)
        return r;
    int count = find_chain(file, function, dwarf_pc, chain);
    if (count > (int)depth && find_entry(&chain[depth], &entry))
        *ret_entry = entry + unit->bias;
    return count < 0 ? count : 0;
}
