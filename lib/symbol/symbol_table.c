/* SPDX-License-Identifier: MIT */
/* Function names from the symbol tables (.symtab, .dynsym, .gnu_debugdata), for modules without debug
 * information. Of several names of one address the one that a reader expects is kept. Called by symbol.c, and
 * by call_site.c for the address of a name. */
#include "symbol_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How far a symbol without size is taken to reach (hand-written assembly, as _start). Beyond that, another
 * function that was stripped is more likely than a long one. */
#define UNSIZED_REACH_BYTES 256u
#define COVER_STEPS         8u

/* Rank of a name, lower is better: "malloc" before "__libc_malloc", global before local. */
static int rank_of(const GElf_Sym *symbol, const char *name)
{
    static const int binding_rank[] = {[STB_LOCAL] = 2, [STB_GLOBAL] = 0, [STB_WEAK] = 1};
    unsigned bind = GELF_ST_BIND(symbol->st_info);
    int underscores = (int)strspn(name, "_");
    /* _Z and _R begin a mangled name */
    if (underscores == 1 && (name[1] == 'Z' || name[1] == 'R'))
        underscores = 0;
    return underscores * 8 + (bind <= STB_WEAK ? binding_rank[bind] : 3) + (symbol->st_size == 0 ? 4 : 0);
}

static bool is_function(const GElf_Sym *symbol, const char *name, GElf_Word section)
{
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    if (section == SHN_UNDEF || name == NULL || name[0] == '\0' || name[0] == '$')
        return false;
    return type == STT_FUNC || type == STT_GNU_IFUNC || (type == STT_NOTYPE && symbol->st_size == 0);
}

/* A symbol without a type may also be a label in data, or one that the linker defines. */
static bool is_executable(Elf *elf, GElf_Word section)
{
    GElf_Shdr header;
    Elf_Scn *scn = section < SHN_LORESERVE ? elf_getscn(elf, section) : NULL;
    return scn != NULL && gelf_getshdr(scn, &header) != NULL && (header.sh_flags & SHF_EXECINSTR) != 0;
}

static int compare(const void *a, const void *b)
{
    const struct tn_symbol_table_entry *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    size_t x_length = strlen(x->name), y_length = strlen(y->name);
    if (x_length != y_length)
        return x_length < y_length ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void keep_best_names(struct tn_symbol_table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct tn_symbol_table_entry *last = kept > 0 ? &table->entries[kept - 1] : NULL;
        if (last == NULL || last->start != table->entries[i].start)
            table->entries[kept++] = table->entries[i];
        else if (last->end < table->entries[i].end)
            last->end = table->entries[i].end;
    }
    table->count = kept;
}

static void collect(struct tn_symbol_file *file, struct tn_symbol_table *table, int symbol_count)
{
    for (int i = 1; i < symbol_count; i++) {
        GElf_Sym symbol;
        GElf_Addr start;
        GElf_Word section;
        Elf *elf;
        const char *name = dwfl_module_getsym_info(file->module, i, &symbol, &start, &section, &elf, NULL);
        if (!is_function(&symbol, name, section))
            continue;
        if (GELF_ST_TYPE(symbol.st_info) == STT_NOTYPE && !is_executable(elf, section))
            continue;
        table->entries[table->count++] =
            (struct tn_symbol_table_entry){start, start + symbol.st_size, name, rank_of(&symbol, name)};
    }
}

int tn_symbol_read_table(struct tn_symbol_file *file)
{
    if (file->has_table)
        return 0;
    int symbol_count = dwfl_module_getsymtab(file->module);
    if (symbol_count > 1) {
        file->table.entries = malloc((size_t)symbol_count * sizeof(file->table.entries[0]));
        if (file->table.entries == NULL)
            return -ENOMEM;
        collect(file, &file->table, symbol_count);
        qsort(file->table.entries, file->table.count, sizeof(file->table.entries[0]), compare);
        keep_best_names(&file->table);
    }
    file->has_table = true;
    return 0;
}

/* ---------------------------------------------------------------------------------------- by name */

static int compare_names(const void *a, const void *b)
{
    const struct tn_symbol_table_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->start > y->start) - (x->start < y->start);
}

/* All names, aliases included, which the table by address leaves out. */
static int read_names(struct tn_symbol_file *file)
{
    if (file->has_names)
        return 0;
    int symbol_count = dwfl_module_getsymtab(file->module);
    if (symbol_count > 1) {
        file->names.entries = malloc((size_t)symbol_count * sizeof(file->names.entries[0]));
        if (file->names.entries == NULL)
            return -ENOMEM;
        collect(file, &file->names, symbol_count);
        qsort(file->names.entries, file->names.count, sizeof(file->names.entries[0]), compare_names);
    }
    file->has_names = true;
    return 0;
}

int tn_symbol_find_named(struct tn_symbol_file *file, const char *symbol, uint64_t *ret_pc)
{
    int r = read_names(file);
    if (r < 0)
        return r;
    const struct tn_symbol_table *names = &file->names;
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->entries[middle].name, symbol) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_pc = 0;
    for (size_t i = low; i < names->count && strcmp(names->entries[i].name, symbol) == 0; i++) {
        if (*ret_pc != 0 && *ret_pc != names->entries[i].start) {
            *ret_pc = 0;
            return 0;
        }
        *ret_pc = names->entries[i].start;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- by address */

const struct tn_symbol_table_entry *tn_symbol_find_entry(const struct tn_symbol_table *table, uint64_t pc)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->entries[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i > 0 && low - i < COVER_STEPS; i--) {
        const struct tn_symbol_table_entry *entry = &table->entries[i - 1];
        if (pc < entry->end)
            return entry;
        if (i == low && entry->end == entry->start && pc - entry->start < UNSIZED_REACH_BYTES)
            return entry;
    }
    return NULL;
}
