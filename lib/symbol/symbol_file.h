/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SYMBOL_SYMBOL_FILE_H
#define TENURE_SYMBOL_SYMBOL_FILE_H

/* An open module, and what the files of this folder share. Addresses: `pc` is an address in the module's
 * file, without load bias; `dwarf_pc` is the same address as the debug information counts it, which may
 * differ when the debug file was made from a prelinked module. One thread at a time for each module. */

#include "string_store.h"
#include "tenure/map.h"
#include "tenure/symbol.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* One name in a symbol table. */
struct tn_symbol_table_entry {
    uint64_t start, end; /* [start, end) in the file; end == start: the symbol has no size */
    const char *name;    /* as the file has it; borrowed from libelf until the module is closed */
    int rank;            /* of several names of one start the lowest is kept */
};

/* Symbols of functions, sorted by start; one for each start. */
struct tn_symbol_table {
    struct tn_symbol_table_entry *entries; /* owned */
    size_t count;
};

/* Address ranges to an index, sorted by low. */
struct tn_symbol_range {
    uint64_t low, high; /* [low, high), as the debug information counts (dwarf_pc) */
    size_t index;       /* into the array of the list's owner */
};

struct tn_symbol_range_list {
    struct tn_symbol_range *ranges; /* owned */
    size_t count, capacity;
};

/* DIEs, found by the code that they cover. Zeroed is empty. */
struct tn_symbol_dies {
    struct tn_symbol_range_list ranges; /* index into dies */
    Dwarf_Die *dies;                    /* owned */
    size_t count, capacity;
};

/* Which functions of a unit have been listed. */
enum tn_symbol_reach {
    TN_SYMBOL_REACH_NONE,
    TN_SYMBOL_REACH_OUTER, /* those that are not inside another function */
    TN_SYMBOL_REACH_ALL,
};

/* A call or a jump out of a function, as the debug information describes it. */
struct tn_symbol_call {
    uint64_t offset_bytes; /* the byte before it belongs to the call; without load bias */
    Dwarf_Die callee;      /* the function that is called, or its declaration; valid if has_callee */
    bool has_callee;       /* false: through a pointer */
    bool is_jump;          /* it does not come back */
};

/* A function with code of its own, and what it calls. */
struct tn_symbol_function {
    Dwarf_Die die;                /* concrete */
    struct tn_symbol_unit *unit;  /* borrowed from the file */
    struct tn_symbol_call *calls; /* owned; none before has_calls */
    size_t call_count, call_capacity;
    bool has_calls;       /* calls were read */
    bool tells_all_jumps; /* the compiler says that no jump to another function is missing */
};

/* One compilation unit. */
struct tn_symbol_unit {
    Dwarf_Die die;              /* the unit in the main file: line table, directory */
    Dwarf_Die functions;        /* where its functions are: the same, or the root of its .dwo file */
    Dwarf_Addr bias;            /* pc = dwarf_pc + bias */
    enum tn_symbol_reach reach; /* what function_list holds */
    struct tn_symbol_dies function_list;
    enum tn_symbol_reach indexed; /* which of its functions are in tn_symbol_file.functions */
};

struct tn_symbol_types;

struct tn_symbol_file {
    Dwfl *dwfl;                           /* owned; holds exactly one module */
    Dwfl_Module *module;                  /* borrowed from dwfl */
    bool has_table, has_units, has_names; /* already read */
    struct tn_symbol_table table;
    struct tn_symbol_table names; /* all names of functions, sorted by name */
    struct tn_symbol_unit *units; /* owned */
    size_t unit_count, unit_capacity;
    struct tn_symbol_range_list unit_ranges; /* index into units */
    struct tn_symbol_dies *scopes;           /* owned; what is inlined in a function, or in an inlined one */
    size_t scope_count, scope_capacity;
    struct tn_map scope_of; /* address of a DIE -> 1 + index into scopes; 0: nothing is inlined there */
    struct tn_symbol_function *functions; /* owned; of the units that calls were asked about */
    size_t function_count, function_capacity;
    struct tn_map function_of;    /* address of a DIE, or of its declaration or abstract function -> 1 + index
                                     into    functions; 0: several have it */
    struct tn_symbol_jump *jumps; /* owned; result of the last tn_symbol_jumps */
    size_t jump_capacity;
    struct tn_string_store strings;
    struct tn_symbol_types *types;  /* owned; of one unit (member.c); NULL: of none */
    struct tn_map parents;          /* address of a DIE -> address of its parent DIE, of one unit */
    const void *parents_of;         /* address of that unit's DIE; NULL: none yet */
    struct tn_map die_names;        /* address of a DIE -> its function's name, kept in strings */
    struct tn_map symbol_names;     /* address of a raw symbol name -> demangled, kept in strings */
    struct tn_symbol_frame *frames; /* owned; result of the last look-up */
    size_t frame_capacity;
};

/* Directories for debug files by build-id, separated by colons; NULL: libdwfl's default "/usr/lib/debug".
 * Only tests write it, before the first look-up. */
extern char *tn_symbol_debug_path;

/* Callback for libdwfl: find the separate debug file of a module. Arguments and result as in libdwfl.h. */
int tn_symbol_find_debug_file(Dwfl_Module *module, void **user_data, const char *module_name, Dwarf_Addr base,
                              const char *file_name, const char *link_name, GElf_Word link_crc,
                              char **ret_name);

/* Whether a DIE may contain DIEs about the code of the function that it lies in. */
bool tn_symbol_may_hold_code(int tag);

/* Append a range. Empty ranges and those from address 0 (functions that the linker discarded) are ignored.
 * Returns 0 or -ENOMEM. */
int tn_symbol_range_add(struct tn_symbol_range_list *list, uint64_t low, uint64_t high, size_t index);

/* Sort for tn_symbol_range_find. */
void tn_symbol_range_sort(struct tn_symbol_range_list *list);

/* The innermost range around an address, or NULL. */
const struct tn_symbol_range *tn_symbol_range_find(const struct tn_symbol_range_list *list, uint64_t address);

/* Add all ranges of a DIE. Returns 0 or -ENOMEM. */
int tn_symbol_range_add_die(struct tn_symbol_range_list *list, Dwarf_Die *die, size_t index);

/* Append a DIE with its ranges; one without code is ignored. Sort list->ranges before finding. Returns 0 or
 * -ENOMEM. */
int tn_symbol_dies_add(struct tn_symbol_dies *list, Dwarf_Die *die);

/* The innermost DIE around an address, or NULL; valid until the next addition. */
Dwarf_Die *tn_symbol_dies_find(const struct tn_symbol_dies *list, uint64_t dwarf_pc);

/* Release; empty again. */
void tn_symbol_dies_finish(struct tn_symbol_dies *list);

/* Release what is kept about inlined functions. */
void tn_symbol_finish_scopes(struct tn_symbol_file *file);

/* Read the table of units, once. Returns 0 (also without debug information) or -ENOMEM. */
int tn_symbol_read_units(struct tn_symbol_file *file);

/* The unit around pc; *ret_unit is NULL if there is none. Returns 0 or -ENOMEM. */
int tn_symbol_find_unit(struct tn_symbol_file *file, uint64_t pc, struct tn_symbol_unit **ret_unit);

/* The function around an address of the unit; *ret_die is NULL if there is none, else valid until the next
 * call. Returns 0 or -ENOMEM. */
int tn_symbol_find_function(struct tn_symbol_unit *unit, uint64_t dwarf_pc, Dwarf_Die **ret_die);

/* Release the units. */
void tn_symbol_finish_units(struct tn_symbol_file *file);

/* Fill file->frames from a unit: count frames, at least 1. Returns the count or -ENOMEM. */
int tn_symbol_fill_frames(struct tn_symbol_file *file, struct tn_symbol_unit *unit, uint64_t pc);

/* Read the symbol table, once. Returns 0 or -ENOMEM. */
int tn_symbol_read_table(struct tn_symbol_file *file);

/* The address that a name stands for; *ret_pc is 0 if there is none, or more than one. Returns 0 or -ENOMEM.
 */
int tn_symbol_find_named(struct tn_symbol_file *file, const char *symbol, uint64_t *ret_pc);

/* Release what is kept about calls. */
void tn_symbol_finish_calls(struct tn_symbol_file *file);

/* Release what is kept about types. */
void tn_symbol_finish_types(struct tn_symbol_file *file);

/* Whether a unit's language is C++. */
bool tn_symbol_is_cplusplus(struct tn_symbol_unit *unit);

/* The symbol around pc, or NULL. */
const struct tn_symbol_table_entry *tn_symbol_find_entry(const struct tn_symbol_table *table, uint64_t pc);

/* A function's name for a reader, from its symbol. *ret_name is kept in file->strings. Returns 0 or -ENOMEM.
 */
int tn_symbol_name_entry(struct tn_symbol_file *file, const char *symbol, const char **ret_name);

/* The name of a subprogram or inlined subroutine; *ret_name is NULL if it has none. Returns 0 or -ENOMEM. */
int tn_symbol_name_die(struct tn_symbol_file *file, struct tn_symbol_unit *unit, Dwarf_Die *die,
                       const char **ret_name);

/* Append the names of the scopes around a declaration, outermost first, each with "::". Returns 0 or -ENOMEM.
 */
int tn_symbol_print_scopes(struct tn_symbol_file *file, struct tn_buffer *out, Dwarf_Die *die);

/* A source path, joined with the unit's directory and normalised, kept in file->strings.
 *
 * directory  may be NULL
 * Returns    0 or -ENOMEM */
int tn_symbol_keep_path(struct tn_symbol_file *file, const char *directory, const char *path,
                        const char **ret_path);

#endif
