/* SPDX-License-Identifier: MIT */
/* Names the struct that a block probably is, and its member at an offset: where a unit describes exactly one
 * named type of the block's size. The types of one unit are collected in one walk and kept, since sites come
 * unit by unit. Asked by the finishing step `members`. */
#include "symbol_file.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

/* DIEs that are read in a module, for a bound on the time: half a second or so. */
#define DIES_MAX 4000000u

/* Deeper than any program nests scopes or members; bounds walks over a damaged file. */
#define DEPTH_MAX 64u

/* A DIE's address is the key: of a type -> the name that a typedef gives it. */
struct tn_symbol_types {
    struct tn_map by_size;  /* size -> address of the only type of it; 0: there are several */
    struct tn_map typedefs; /* address of a type -> address of the first typedef of it */
    const void *unit;       /* address of the unit's DIE that was read last; NULL: none */
    uint32_t die_count;     /* read in all units */
};

static uint64_t key_of(const Dwarf_Die *die)
{
    return (uint64_t)(uintptr_t)die->addr;
}

static bool is_record(int tag)
{
    return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

static bool holds_types(int tag)
{
    return is_record(tag) || tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_subprogram ||
           tag == DW_TAG_lexical_block;
}

/* The type of a DIE, without qualifiers and typedefs. */
static bool find_type(Dwarf_Die *die, Dwarf_Die *ret_type)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, DW_AT_type, &attribute) != NULL &&
           dwarf_formref_die(&attribute, ret_type) != NULL && dwarf_peel_type(ret_type, ret_type) == 0;
}

/* ---------------------------------------------------------------------------------------- the unit's types
 */

static int add_typedef(struct tn_symbol_types *types, Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Die type;
    if (dwarf_attr(die, DW_AT_type, &attribute) == NULL || dwarf_formref_die(&attribute, &type) == NULL ||
        tn_map_find(&types->typedefs, key_of(&type)) != NULL)
        return 0;
    return tn_map_put(&types->typedefs, key_of(&type), key_of(die));
}

/* What has no name and lies in another type is a part of that, and nobody's block. */
static int add_record(struct tn_symbol_types *types, Dwarf_Die *die, bool is_inner)
{
    int size_bytes = dwarf_bytesize(die);
    if (size_bytes <= 0 || dwarf_hasattr(die, DW_AT_declaration) ||
        (is_inner && !dwarf_hasattr(die, DW_AT_name)))
        return 0;
    uint64_t *known = tn_map_find(&types->by_size, (uint64_t)size_bytes);
    if (known == NULL)
        return tn_map_put(&types->by_size, (uint64_t)size_bytes, key_of(die));
    *known = 0;
    return 0;
}

/* Collect the types below the first of some siblings. Returns 0; -E2BIG: too many DIEs were read; -ENOMEM. */
static int read_types(struct tn_symbol_types *types, Dwarf_Die first)
{
    struct {
        Dwarf_Die die;
        bool is_inner; /* of a type */
    } path[DEPTH_MAX] = {{first, false}};
    uint32_t depth = 1;
    int r = 0;
    while (depth > 0 && r == 0) {
        Dwarf_Die die = path[depth - 1].die, next;
        bool is_inner = path[depth - 1].is_inner;
        int tag = dwarf_tag(&die);
        if (types->die_count++ >= DIES_MAX)
            return -E2BIG;
        if (dwarf_siblingof(&die, &next) == 0)
            path[depth - 1].die = next;
        else
            depth--;
        if (is_record(tag))
            r = add_record(types, &die, is_inner);
        else if (tag == DW_TAG_typedef)
            r = add_typedef(types, &die);
        if (holds_types(tag) && depth < DEPTH_MAX && dwarf_child(&die, &next) == 0) {
            path[depth].die = next;
            path[depth++].is_inner = is_record(tag);
        }
    }
    return r;
}

static void forget_unit(struct tn_symbol_types *types)
{
    tn_map_finish(&types->by_size);
    tn_map_finish(&types->typedefs);
    types->unit = NULL;
}

void tn_symbol_finish_types(struct tn_symbol_file *file)
{
    if (file->types == NULL)
        return;
    forget_unit(file->types);
    free(file->types);
    file->types = NULL;
}

/* Read a unit's types, unless they were read last. A unit that cannot be read to its end has none. */
static int read_unit(struct tn_symbol_file *file, const struct tn_symbol_unit *unit)
{
    Dwarf_Die root = unit->functions, first;
    if (file->types == NULL)
        file->types = calloc(1, sizeof(*file->types));
    if (file->types == NULL)
        return -ENOMEM;
    if (file->types->unit == root.addr)
        return 0;
    forget_unit(file->types);
    int r = dwarf_child(&root, &first) == 0 ? read_types(file->types, first) : 0;
    if (r < 0)
        forget_unit(file->types);
    if (r == 0 || r == -E2BIG)
        file->types->unit = root.addr;
    return r == -ENOMEM ? r : 0;
}

/* ---------------------------------------------------------------------------------------- members */

/* What lies at an offset of a type. */
enum place_kind {
    PLACE_OTHER,   /* no address: a number, or a gap */
    PLACE_ADDRESS, /* a member that is a pointer; its name is written */
    PLACE_UNION,   /* of several members that share it, one is */
};

static enum place_kind look_into(Dwarf_Die *type, uint64_t offset_bytes, struct tn_buffer *name,
                                 uint32_t depth);

/* The offset of a member or a base class, where it is a plain number. */
static bool find_offset(Dwarf_Die *member, uint64_t *ret_bytes)
{
    Dwarf_Attribute attribute;
    Dwarf_Word bytes = 0;
    if (dwarf_hasattr(member, DW_AT_bit_size) || dwarf_hasattr(member, DW_AT_external) ||
        (dwarf_attr(member, DW_AT_data_member_location, &attribute) != NULL &&
         dwarf_formudata(&attribute, &bytes) != 0))
        return false;
    *ret_bytes = bytes;
    return true;
}

static enum place_kind look_into_member(Dwarf_Die *member, uint64_t offset_bytes, struct tn_buffer *name,
                                        uint32_t depth)
{
    Dwarf_Die type;
    uint64_t begin_bytes;
    Dwarf_Word size_bytes;
    if (!find_offset(member, &begin_bytes) || begin_bytes > offset_bytes || !find_type(member, &type) ||
        dwarf_aggregate_size(&type, &size_bytes) != 0 || offset_bytes - begin_bytes >= size_bytes)
        return PLACE_OTHER;
    const char *own = dwarf_tag(member) == DW_TAG_member ? dwarf_diename(member) : NULL;
    if (own != NULL && tn_buffer_print(name, ".%s", own) < 0)
        return PLACE_OTHER;
    return look_into(&type, offset_bytes - begin_bytes, name, depth + 1);
}

static enum place_kind look_into_record(Dwarf_Die *type, uint64_t offset_bytes, struct tn_buffer *name,
                                        uint32_t depth)
{
    Dwarf_Die member;
    enum place_kind kind = PLACE_OTHER;
    size_t name_bytes = name->size_bytes;
    bool is_union = dwarf_tag(type) == DW_TAG_union_type;
    if (dwarf_child(type, &member) != 0)
        return PLACE_OTHER;
    do {
        if (dwarf_tag(&member) != DW_TAG_member && dwarf_tag(&member) != DW_TAG_inheritance)
            continue;
        size_t begin_bytes = name->size_bytes;
        enum place_kind found = look_into_member(&member, offset_bytes, name, depth);
        if (found == PLACE_OTHER)
            name->size_bytes = begin_bytes;
        else
            kind = is_union ? PLACE_UNION : found;
    } while (kind == PLACE_OTHER && dwarf_siblingof(&member, &member) == 0);
    if (kind != PLACE_ADDRESS)
        name->size_bytes = name_bytes;
    return kind;
}

/* Arrays of one dimension. */
static enum place_kind look_into_array(Dwarf_Die *type, uint64_t offset_bytes, struct tn_buffer *name,
                                       uint32_t depth)
{
    Dwarf_Die element, range;
    Dwarf_Word size_bytes;
    if (!find_type(type, &element) || dwarf_aggregate_size(&element, &size_bytes) != 0 || size_bytes == 0 ||
        dwarf_child(type, &range) != 0 || dwarf_siblingof(&range, &range) == 0 ||
        tn_buffer_print(name, "[%llu]", (unsigned long long)(offset_bytes / size_bytes)) < 0)
        return PLACE_OTHER;
    return look_into(&element, offset_bytes % size_bytes, name, depth + 1);
}

static enum place_kind look_into(Dwarf_Die *type, uint64_t offset_bytes, struct tn_buffer *name,
                                 uint32_t depth)
{
    if (depth == DEPTH_MAX)
        return PLACE_OTHER;
    switch (dwarf_tag(type)) {
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
        return offset_bytes == 0 ? PLACE_ADDRESS : PLACE_OTHER;
    case DW_TAG_array_type:
        return look_into_array(type, offset_bytes, name, depth);
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
        return look_into_record(type, offset_bytes, name, depth);
    default:
        return PLACE_OTHER;
    }
}

/* ---------------------------------------------------------------------------------------- names */

/* "struct txn", "union value", "ns::Txn", or what a typedef calls it; nothing is written for a type without a
 * name. */
static int print_type(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Die *type,
                      struct tn_buffer *out)
{
    const char *name = dwarf_diename(type);
    if (name == NULL) {
        const uint64_t *alias = tn_map_find(&file->types->typedefs, key_of(type));
        Dwarf_Die die;
        if (alias == NULL ||
            dwarf_die_addr_die(dwarf_cu_getdwarf(type->cu), (void *)(uintptr_t)*alias, &die) == NULL)
            return 0;
        name = dwarf_diename(&die);
        return name != NULL ? tn_buffer_print(out, "%s", name) : 0;
    }
    if (!tn_symbol_is_cplusplus(unit))
        return tn_buffer_print(out, "%s %s", dwarf_tag(type) == DW_TAG_union_type ? "union" : "struct", name);
    int r = tn_symbol_print_scopes(file, out, type);
    return r < 0 ? r : tn_buffer_print(out, "%s", name);
}

static int keep(struct tn_symbol_file *file, const struct tn_buffer *text, const char **ret_text)
{
    if (text->size_bytes == 0)
        return 0;
    *ret_text = tn_string_store_keep(&file->strings, (const char *)text->data, text->size_bytes);
    return *ret_text != NULL ? 0 : -ENOMEM;
}

static int name_member(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Die *type,
                       uint64_t offset_bytes, struct tn_symbol_member *ret_member)
{
    struct tn_buffer type_name = {0}, name = {0};
    enum place_kind kind = look_into(type, offset_bytes, &name, 0);
    ret_member->is_refuted = kind == PLACE_OTHER;
    int r = ret_member->is_refuted ? 0 : print_type(file, unit, type, &type_name);
    if (r == 0)
        r = keep(file, &type_name, &ret_member->type);
    if (r == 0 && ret_member->type != NULL && kind == PLACE_ADDRESS && name.size_bytes > 1) {
        struct tn_buffer behind_dot = {.data = name.data + 1, .size_bytes = name.size_bytes - 1};
        r = keep(file, &behind_dot, &ret_member->name);
    }
    tn_buffer_finish(&type_name);
    tn_buffer_finish(&name);
    return r;
}

int tn_symbol_member_at(struct tn_symbol_file *file, uint64_t offset_bytes, uint64_t size_bytes,
                        uint64_t member_offset_bytes, struct tn_symbol_member *ret_member)
{
    struct tn_symbol_unit *unit;
    Dwarf_Die *function, type;
    *ret_member = (struct tn_symbol_member){0};
    int r = tn_symbol_find_unit(file, offset_bytes - 1, &unit);
    if (r < 0 || unit == NULL)
        return r;
    r = tn_symbol_find_function(unit, offset_bytes - 1 - unit->bias, &function); /* also finds .dwo files */
    if (r == 0)
        r = read_unit(file, unit);
    const uint64_t *only = r == 0 ? tn_map_find(&file->types->by_size, size_bytes) : NULL;
    if (only == NULL || *only == 0 ||
        dwarf_die_addr_die(dwarf_cu_getdwarf(unit->functions.cu), (void *)(uintptr_t)*only, &type) == NULL)
        return r;
    return name_member(file, unit, &type, member_offset_bytes, ret_member);
}
