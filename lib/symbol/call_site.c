/* SPDX-License-Identifier: MIT */
/* Call sites: which function a call leads to, and the jumps with which a function may end. From
 * DW_TAG_call_site (DWARF 5) and DW_TAG_GNU_call_site (before), read once a function. A target is an abstract
 * function or a declaration, mostly, and its code is found by the unit's functions or by its symbol. Called
 * by lib/finish for frames that a tail call removed. */
#include "symbol_file.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

/* Most links from a concrete function to its declaration, and the deepest nesting of blocks; a sound file has
 * fewer. */
#define ORIGIN_STEPS    8u
#define BLOCK_DEPTH_MAX 256u

/* ---------------------------------------------------------------------------------------- functions */

static uint64_t key_of(const Dwarf_Die *die)
{
    return (uint64_t)(uintptr_t)die->addr;
}

/* Replace a DIE by the abstract function that it is an instance of, or by its declaration. */
static bool follow_origin(Dwarf_Die *die)
{
    static const unsigned links[] = {DW_AT_abstract_origin, DW_AT_specification};
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        Dwarf_Attribute value;
        Dwarf_Die next;
        if (dwarf_attr(die, links[i], &value) != NULL && dwarf_formref_die(&value, &next) != NULL) {
            *die = next;
            return true;
        }
    }
    return false;
}

/* A function that was specialised or split has several instances of one abstract function: a call of it does
 * not tell which. */
static int note_instance(struct tn_symbol_file *file, const Dwarf_Die *die, uint64_t number)
{
    uint64_t *known = tn_map_find(&file->function_of, key_of(die));
    if (known == NULL)
        return tn_map_put(&file->function_of, key_of(die), number);
    if (*known != number)
        *known = 0;
    return 0;
}

static int add_function(struct tn_symbol_file *file, struct tn_symbol_unit *unit, const Dwarf_Die *die)
{
    if (tn_map_find(&file->function_of, key_of(die)) != NULL)
        return 0;
    if (file->function_count == file->function_capacity) {
        size_t capacity = file->function_capacity * 2 + 64;
        void *functions = realloc(file->functions, capacity * sizeof(file->functions[0]));
        if (functions == NULL)
            return -ENOMEM;
        file->functions = functions;
        file->function_capacity = capacity;
    }
    file->functions[file->function_count++] = (struct tn_symbol_function){.die = *die, .unit = unit};
    Dwarf_Die at = *die;
    int r = note_instance(file, &at, file->function_count);
    for (unsigned i = 0; r == 0 && i < ORIGIN_STEPS && follow_origin(&at); i++)
        r = note_instance(file, &at, file->function_count);
    return r;
}

/* Make those functions of a unit known that have been listed. */
static int index_unit(struct tn_symbol_file *file, struct tn_symbol_unit *unit)
{
    int r = 0;
    for (size_t i = 0; r == 0 && unit->indexed != unit->reach && i < unit->function_list.count; i++)
        r = add_function(file, unit, &unit->function_list.dies[i]);
    if (r == 0)
        unit->indexed = unit->reach;
    return r;
}

/* The function around an address; its number from 1, or 0. */
static int find_at(struct tn_symbol_file *file, uint64_t pc, uint64_t *ret_function)
{
    struct tn_symbol_unit *unit;
    Dwarf_Die *die = NULL;
    *ret_function = 0;
    int r = tn_symbol_find_unit(file, pc, &unit);
    if (r < 0 || unit == NULL)
        return r;
    r = tn_symbol_find_function(unit, pc - unit->bias, &die);
    if (r == 0)
        r = index_unit(file, unit);
    if (r < 0 || die == NULL)
        return r;
    const uint64_t *number = tn_map_find(&file->function_of, key_of(die));
    *ret_function = number != NULL ? *number : 0;
    return 0;
}

int tn_symbol_function_at(struct tn_symbol_file *file, uint64_t offset_bytes, uint64_t *ret_function)
{
    return find_at(file, offset_bytes - 1, ret_function);
}

/* ---------------------------------------------------------------------------------------- call sites */

static bool has_flag(Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute value;
    bool is_set = false;
    return dwarf_formflag(dwarf_attr(die, attribute, &value), &is_set) == 0 && is_set;
}

static bool has_address(Dwarf_Die *die, unsigned attribute, Dwarf_Addr *ret_address)
{
    Dwarf_Attribute value;
    return dwarf_formaddr(dwarf_attr(die, attribute, &value), ret_address) == 0;
}

/* Where the call ends. Of a jump, clang tells where it begins: one byte on is enough for a look-up. */
static bool find_end(Dwarf_Die *die, Dwarf_Addr *ret_address)
{
    if (has_address(die, DW_AT_call_return_pc, ret_address) || has_address(die, DW_AT_low_pc, ret_address))
        return true;
    if (!has_address(die, DW_AT_call_pc, ret_address))
        return false;
    ++*ret_address;
    return true;
}

static int add_call(struct tn_symbol_function *function, Dwarf_Die *die)
{
    struct tn_symbol_call call = {0};
    Dwarf_Attribute value;
    Dwarf_Addr end;
    if (!find_end(die, &end))
        return 0;
    if (function->call_count == function->call_capacity) {
        size_t capacity = function->call_capacity * 2 + 8;
        void *calls = realloc(function->calls, capacity * sizeof(function->calls[0]));
        if (calls == NULL)
            return -ENOMEM;
        function->calls = calls;
        function->call_capacity = capacity;
    }
    unsigned origin = dwarf_tag(die) == DW_TAG_call_site ? DW_AT_call_origin : DW_AT_abstract_origin;
    call.offset_bytes = end + function->unit->bias;
    call.is_jump = has_flag(die, DW_AT_call_tail_call) || has_flag(die, DW_AT_GNU_tail_call);
    call.has_callee = dwarf_formref_die(dwarf_attr(die, origin, &value), &call.callee) != NULL;
    function->calls[function->call_count++] = call;
    return 0;
}

static bool is_call_site(int tag)
{
    return tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site;
}

static int compare_calls(const void *a, const void *b)
{
    const struct tn_symbol_call *x = a, *y = b;
    return (x->offset_bytes > y->offset_bytes) - (x->offset_bytes < y->offset_bytes);
}

/* Walk the blocks of a function, and what is inlined in it, for call sites. */
static int walk_blocks(struct tn_symbol_function *function)
{
    Dwarf_Die path[BLOCK_DEPTH_MAX], child;
    unsigned depth = 0;
    int r = 0;
    if (dwarf_child(&function->die, &path[0]) == 0)
        depth = 1;
    while (r == 0 && depth > 0) {
        Dwarf_Die die = path[depth - 1];
        if (dwarf_siblingof(&die, &path[depth - 1]) != 0)
            depth--;
        int tag = dwarf_tag(&die);
        if (is_call_site(tag))
            r = add_call(function, &die);
        else if (tn_symbol_may_hold_code(tag) && depth < BLOCK_DEPTH_MAX && dwarf_child(&die, &child) == 0)
            path[depth++] = child;
    }
    return r;
}

static int read_calls(struct tn_symbol_function *function)
{
    static const unsigned all[] = {DW_AT_call_all_calls,          DW_AT_call_all_tail_calls,
                                   DW_AT_call_all_source_calls,   DW_AT_GNU_all_call_sites,
                                   DW_AT_GNU_all_tail_call_sites, DW_AT_GNU_all_source_call_sites};
    if (function->has_calls)
        return 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        function->tells_all_jumps |= has_flag(&function->die, all[i]);
    int r = walk_blocks(function);
    if (function->call_count > 1)
        qsort(function->calls, function->call_count, sizeof(function->calls[0]), compare_calls);
    function->has_calls = r == 0;
    return r;
}

/* ---------------------------------------------------------------------------------------- targets */

/* The name by which symbol tables know a function. */
static const char *symbol_of(Dwarf_Die *die)
{
    static const unsigned names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        Dwarf_Attribute value;
        const char *name = dwarf_formstring(dwarf_attr_integrate(die, names[i], &value));
        if (name != NULL)
            return name;
    }
    return NULL;
}

static bool is_external(Dwarf_Die *die)
{
    Dwarf_Attribute value;
    bool is_set = false;
    return dwarf_formflag(dwarf_attr_integrate(die, DW_AT_external, &value), &is_set) == 0 && is_set;
}

/* A declaration's code is in another unit, if in this module at all: the symbol tells where. */
static int resolve(struct tn_symbol_file *file, const struct tn_symbol_call *call,
                   struct tn_symbol_target *ret_target)
{
    uint64_t pc = 0;
    int r = 0;
    *ret_target = (struct tn_symbol_target){0};
    if (!call->has_callee)
        return 0;
    Dwarf_Die callee = call->callee;
    const char *symbol = symbol_of(&callee);
    const uint64_t *number = tn_map_find(&file->function_of, key_of(&callee));
    if (number != NULL)
        ret_target->function = *number;
    else if (symbol != NULL)
        r = tn_symbol_find_named(file, symbol, &pc);
    if (r == 0 && pc != 0)
        r = find_at(file, pc, &ret_target->function);
    /* of several instances, the name says no more than the call did */
    bool has_instances = number != NULL && *number == 0;
    if (is_external(&callee) && !has_instances)
        ret_target->symbol = symbol;
    return r;
}

int tn_symbol_call_target(struct tn_symbol_file *file, uint64_t offset_bytes,
                          struct tn_symbol_target *ret_target)
{
    uint64_t number;
    *ret_target = (struct tn_symbol_target){0};
    int r = find_at(file, offset_bytes - 1, &number);
    if (r < 0 || number == 0)
        return r;
    r = read_calls(&file->functions[number - 1]);
    if (r < 0)
        return r;
    const struct tn_symbol_function *function = &file->functions[number - 1];
    struct tn_symbol_call wanted = {.offset_bytes = offset_bytes};
    const struct tn_symbol_call *call = function->call_count == 0
                                            ? NULL
                                            : bsearch(&wanted, function->calls, function->call_count,
                                                      sizeof(function->calls[0]), compare_calls);
    return call != NULL && !call->is_jump ? resolve(file, call, ret_target) : 0;
}

static int reserve_jumps(struct tn_symbol_file *file, size_t count)
{
    if (count <= file->jump_capacity)
        return 0;
    void *jumps = realloc(file->jumps, count * sizeof(file->jumps[0]));
    if (jumps == NULL)
        return -ENOMEM;
    file->jumps = jumps;
    file->jump_capacity = count;
    return 0;
}

int tn_symbol_jumps(struct tn_symbol_file *file, uint64_t function, const struct tn_symbol_jump **ret_jumps,
                    size_t *ret_count, bool *ret_is_complete)
{
    size_t count = 0;
    int r = read_calls(&file->functions[function - 1]);
    if (r == 0)
        r = reserve_jumps(file, file->functions[function - 1].call_count);
    for (size_t i = 0; r == 0 && i < file->functions[function - 1].call_count; i++) {
        /* finding a target may index another unit, and move the functions */
        struct tn_symbol_call call = file->functions[function - 1].calls[i];
        if (!call.is_jump)
            continue;
        file->jumps[count].offset_bytes = call.offset_bytes;
        r = resolve(file, &call, &file->jumps[count].target);
        count++;
    }
    if (r < 0)
        return r;
    *ret_jumps = file->jumps;
    *ret_count = count;
    *ret_is_complete = file->functions[function - 1].tells_all_jumps;
    return 0;
}

uint64_t tn_symbol_function_begin(struct tn_symbol_file *file, uint64_t function)
{
    struct tn_symbol_function *known = &file->functions[function - 1];
    Dwarf_Addr begin;
    return dwarf_lowpc(&known->die, &begin) == 0 ? begin + known->unit->bias + 1 : 0;
}

int tn_symbol_function_named(struct tn_symbol_file *file, const char *symbol, uint64_t *ret_function)
{
    uint64_t pc;
    *ret_function = 0;
    int r = tn_symbol_find_named(file, symbol, &pc);
    return r < 0 || pc == 0 ? r : find_at(file, pc, ret_function);
}

int tn_symbol_is_named(struct tn_symbol_file *file, uint64_t offset_bytes, const char *symbol)
{
    uint64_t pc, function, named;
    int r = tn_symbol_find_named(file, symbol, &pc);
    if (r < 0 || pc == 0)
        return r;
    r = find_at(file, offset_bytes - 1, &function);
    if (r == 0)
        r = find_at(file, pc, &named);
    if (r < 0)
        return r;
    if (function != 0 || named != 0)
        return function == named;
    r = tn_symbol_read_table(file);
    if (r < 0)
        return r;
    const struct tn_symbol_table_entry *entry = tn_symbol_find_entry(&file->table, offset_bytes - 1);
    return entry != NULL && entry->start == pc;
}

void tn_symbol_finish_calls(struct tn_symbol_file *file)
{
    for (size_t i = 0; i < file->function_count; i++)
        free(file->functions[i].calls);
    free(file->functions);
    free(file->jumps);
    tn_map_finish(&file->function_of);
}

/* ---------------------------------------------------------------------------------------- results */

#define ADDRESS_BYTES 8u

static enum tn_symbol_result result_of(Dwarf_Die *type)
{
    Dwarf_Word size_bytes;
    switch (dwarf_tag(type)) {
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
        return TN_SYMBOL_RESULT_WORD;
    case DW_TAG_base_type:
    case DW_TAG_enumeration_type:
        return dwarf_aggregate_size(type, &size_bytes) == 0 && size_bytes == ADDRESS_BYTES
                   ? TN_SYMBOL_RESULT_WORD
                   : TN_SYMBOL_RESULT_NOTHING;
    default:
        return TN_SYMBOL_RESULT_OBJECT;
    }
}

int tn_symbol_result_at(struct tn_symbol_file *file, uint64_t offset_bytes, enum tn_symbol_result *ret_result)
{
    uint64_t number;
    *ret_result = TN_SYMBOL_RESULT_UNKNOWN;
    int r = find_at(file, offset_bytes - 1, &number);
    if (r < 0 || number == 0)
        return r;
    struct tn_symbol_function *function = &file->functions[number - 1];
    Dwarf_Attribute value;
    Dwarf_Die type, peeled;
    /* assembly is described without types */
    if (dwarf_srclang(&function->unit->die) == DW_LANG_Mips_Assembler)
        return 0;
    *ret_result = TN_SYMBOL_RESULT_NOTHING;
    if (dwarf_attr_integrate(&function->die, DW_AT_type, &value) == NULL)
        return 0;
    if (dwarf_formref_die(&value, &type) == NULL || dwarf_peel_type(&type, &peeled) != 0)
        *ret_result = TN_SYMBOL_RESULT_UNKNOWN;
    else
        *ret_result = result_of(&peeled);
    return 0;
}
