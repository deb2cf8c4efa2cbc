/* SPDX-License-Identifier: MIT */
/* Names of functions for a reader: demangled, without version and compiler suffixes, std::string shortened;
 * qualified from the debug information where no mangled name was written. Each name is made once and kept.
 * Called by symbol.c and inline.c. */
#include "symbol_file.h"

#include <ctype.h>
#include <dwarf.h>
#include <errno.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

/* Suffixes that GCC and LLVM append to the name when they split or specialise a function: it is still that
 * function for a reader. */
static const char *const part_suffixes[] = {".cold",  ".part.",     ".constprop.", ".isra.",
                                            ".llvm.", ".lto_priv.", ".localalias", ".warm"};

/* Length of a symbol without its version ("@@GLIBC_2.2.5") and such suffixes. */
static size_t base_length(const char *symbol)
{
    size_t length = strcspn(symbol, "@");
    if (length == 0)
        return strlen(symbol);
    for (size_t i = 0; i < sizeof(part_suffixes) / sizeof(part_suffixes[0]); i++) {
        const char *at = strstr(symbol + 1, part_suffixes[i]);
        if (at != NULL && (size_t)(at - symbol) < length)
            length = (size_t)(at - symbol);
    }
    /* "nested.0": GCC numbers functions that are local to another */
    size_t digits = 0;
    while (digits < length && isdigit((unsigned char)symbol[length - 1 - digits]))
        digits++;
    if (digits > 0 && length > digits + 1 && symbol[length - 1 - digits] == '.')
        length -= digits + 1;
    return length;
}

static bool is_mangled(const char *symbol)
{
    return symbol[0] == '_' && (symbol[1] == 'Z' || symbol[1] == 'R');
}

/* The demangled form of symbol, or NULL; the caller frees it. */
static char *demangle(const char *symbol, size_t length)
{
    if (!is_mangled(symbol))
        return NULL;
    char *copy = strndup(symbol, length);
    if (copy == NULL)
        return NULL;
    char *name = cplus_demangle(copy, DMGL_AUTO | DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP);
    free(copy);
    return name;
}

/* Full names of std::string, which the demangler leaves: half the length of many C++ names, and nothing that
 * a programmer wrote. */
static const char *const string_names[] = {
    "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
    "std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char> >",
    "std::basic_string<char, std::char_traits<char>, std::allocator<char> >",
};

/* Replace these by std::string, in place. */
static void shorten(char *name)
{
    for (size_t i = 0; i < sizeof(string_names) / sizeof(string_names[0]); i++) {
        size_t length = strlen(string_names[i]), short_length = strlen("std::string");
        char *at = name;
        while ((at = strstr(at, string_names[i])) != NULL) {
            memcpy(at, "std::string", short_length);
            at += short_length;
            char *rest = at + length - short_length;
            /* the space separated two angle brackets, one of which is gone */
            if (rest[0] == ' ' && rest[1] == '>')
                rest++;
            memmove(at, rest, strlen(rest) + 1);
        }
    }
}

static int keep(struct tn_symbol_file *file, const char *name, size_t length, const char **ret_name)
{
    const char *kept = tn_string_store_keep(&file->strings, name, length);
    if (kept == NULL)
        return -ENOMEM;
    *ret_name = kept;
    return 0;
}

int tn_symbol_name_entry(struct tn_symbol_file *file, const char *symbol, const char **ret_name)
{
    uint64_t key = (uint64_t)(uintptr_t)symbol;
    uint64_t *known = tn_map_find(&file->symbol_names, key);
    if (known != NULL) {
        *ret_name = (const char *)(uintptr_t)*known;
        return 0;
    }
    size_t length = base_length(symbol);
    char *plain = demangle(symbol, length);
    if (plain != NULL)
        shorten(plain);
    int r = plain != NULL ? keep(file, plain, strlen(plain), ret_name) : keep(file, symbol, length, ret_name);
    free(plain);
    return r < 0 ? r : tn_map_put(&file->symbol_names, key, (uint64_t)(uintptr_t)*ret_name);
}

static const char *string_of(Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute value;
    return dwarf_formstring(dwarf_attr_integrate(die, attribute, &value));
}

/* Replace a DIE by the one that an attribute refers to. Returns whether there is one. */
static bool follow(Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute value;
    Dwarf_Die next;
    if (dwarf_attr(die, attribute, &value) == NULL || dwarf_formref_die(&value, &next) == NULL)
        return false;
    *die = next;
    return true;
}

/* Most links followed from a concrete function to its abstract one; a sound file has few. */
#define ORIGIN_STEPS 8

static void follow_origin(Dwarf_Die *die)
{
    for (int i = 0; i < ORIGIN_STEPS && follow(die, DW_AT_abstract_origin); i++)
        continue;
}

/* Go to the declaration, which stands in the namespace or class that the function belongs to. */
static void find_declaration(Dwarf_Die *die)
{
    follow_origin(die);
    follow(die, DW_AT_specification);
}

/* Name a C++ function that has no mangled name in the debug information (lambdas, local classes). */
static int keep_qualified(struct tn_symbol_file *file, Dwarf_Die die, const char *name, const char **ret_name)
{
    struct tn_buffer out = {0};
    find_declaration(&die);
    int r = tn_symbol_print_scopes(file, &out, &die);
    if (r == 0)
        r = tn_buffer_print(&out, "%s", name);
    if (r == 0)
        r = keep(file, (char *)out.data, out.size_bytes, ret_name);
    tn_buffer_finish(&out);
    return r;
}

bool tn_symbol_is_cplusplus(struct tn_symbol_unit *unit)
{
    switch (dwarf_srclang(&unit->die)) {
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
        return true;
    default:
        return false;
    }
}

static int make_name(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Die *die,
                     const char **ret_name)
{
    const char *linkage = string_of(die, DW_AT_linkage_name);
    if (linkage == NULL)
        linkage = string_of(die, DW_AT_MIPS_linkage_name);
    const char *plain = string_of(die, DW_AT_name);
    if (linkage != NULL && (plain == NULL || is_mangled(linkage)))
        return tn_symbol_name_entry(file, linkage, ret_name);
    if (plain == NULL) {
        *ret_name = NULL;
        return 0;
    }
    if (linkage == NULL && tn_symbol_is_cplusplus(unit))
        return keep_qualified(file, *die, plain, ret_name);
    return keep(file, plain, strlen(plain), ret_name);
}

/* The name is kept by the abstract function: one that was inlined a thousand times has one name, and finding
 * the scopes around it takes a walk over its unit. A concrete function may have a mangled name of its own, as
 * constructors do. */
int tn_symbol_name_die(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Die *die,
                       const char **ret_name)
{
    Dwarf_Die named = *die;
    if (!dwarf_hasattr(die, DW_AT_linkage_name) && !dwarf_hasattr(die, DW_AT_MIPS_linkage_name))
        follow_origin(&named);
    uint64_t key = (uint64_t)(uintptr_t)named.addr;
    uint64_t *known = tn_map_find(&file->die_names, key);
    if (known != NULL) {
        *ret_name = (const char *)(uintptr_t)*known;
        return 0;
    }
    const char *name = NULL;
    int r = make_name(file, unit, &named, &name);
    if (r == 0)
        r = tn_map_put(&file->die_names, key, (uint64_t)(uintptr_t)name);
    if (r == 0)
        *ret_name = name;
    return r;
}
