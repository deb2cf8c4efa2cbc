/* SPDX-License-Identifier: MIT */
/* Imported functions by name: the word of memory that a stub or a call reads is filled in by the loader, and
 * the relocation for it names the symbol. Called by hand_back.c. */
#include "imports.h"

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The symbols that a section's relocations refer to. */
struct symbols {
    Elf *elf;       /* borrowed */
    Elf_Data *data; /* borrowed */
    size_t names;   /* section of their names */
};

static bool find_symbols(Elf *elf, size_t table, struct symbols *ret_symbols)
{
    GElf_Shdr header;
    Elf_Scn *section = elf_getscn(elf, table);
    Elf_Data *data = section != NULL ? elf_getdata(section, NULL) : NULL;
    if (data == NULL || gelf_getshdr(section, &header) == NULL)
        return false;
    *ret_symbols = (struct symbols){elf, data, header.sh_link};
    return true;
}

static const char *name_of(const struct symbols *symbols, size_t index)
{
    GElf_Sym symbol;
    if (gelf_getsym(symbols->data, (int)index, &symbol) == NULL)
        return NULL;
    return elf_strptr(symbols->elf, symbols->names, symbol.st_name);
}

/* Note a word that the loader fills in. got: of the module; zeroed: it has none */
static int note_word(struct tn_code *code, const struct symbols *symbols, const GElf_Shdr *got,
                     const GElf_Rela *relocation)
{
    uint64_t type = GELF_R_TYPE(relocation->r_info), address = relocation->r_offset;
    const struct tn_processor *processor = code->processor;
    if (processor->own_type != 0 && type == processor->own_type && address >= got->sh_addr &&
        address - got->sh_addr < got->sh_size)
        return tn_map_put(&code->own_addresses, address, (uint64_t)relocation->r_addend);
    if ((type != processor->import_types[0] && type != processor->import_types[1]) || address == 0)
        return 0;
    const char *name = name_of(symbols, GELF_R_SYM(relocation->r_info));
    return name != NULL ? tn_map_put(&code->imports, address, (uint64_t)(uintptr_t)name) : 0;
}

/* Note the words that a section's relocations name. */
static int read_section(struct tn_code *code, Elf_Scn *section, const GElf_Shdr *header, const GElf_Shdr *got)
{
    struct symbols symbols;
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = header->sh_entsize != 0 ? header->sh_size / header->sh_entsize : 0;
    int r = 0;
    if (data == NULL || !find_symbols(code->elf, header->sh_link, &symbols))
        return 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        GElf_Rela relocation;
        if (gelf_getrela(data, (int)i, &relocation) == NULL)
            break;
        r = note_word(code, &symbols, got, &relocation);
    }
    return r;
}

/* The table of addresses that code reads them from; zeroed: there is none. */
static GElf_Shdr find_got(Elf *elf)
{
    size_t names = 0;
    GElf_Shdr header;
    if (elf_getshdrstrndx(elf, &names) != 0)
        return (GElf_Shdr){0};
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL; section = elf_nextscn(elf, section)) {
        const char *name =
            gelf_getshdr(section, &header) != NULL ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name != NULL && strcmp(name, ".got") == 0)
            return header;
    }
    return (GElf_Shdr){0};
}

int tn_code_read_imports(struct tn_code *code)
{
    int r = 0;
    GElf_Shdr got = find_got(code->elf);
    for (Elf_Scn *section = elf_nextscn(code->elf, NULL); r == 0 && section != NULL;
         section = elf_nextscn(code->elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_RELA)
            r = read_section(code, section, &header, &got);
    }
    return r;
}

const char *tn_code_import_read(const struct tn_code *code, const struct tn_instruction *instruction)
{
    uint64_t address = instruction->read_address;
    const uint64_t *name = address != 0 ? tn_map_find(&code->imports, address) : NULL;
    return name != NULL ? (const char *)(uintptr_t)*name : NULL;
}

const char *tn_code_import_at(const struct tn_code *code, uint64_t address)
{
    for (unsigned i = 0; i < code->processor->stub_instructions; i++) {
        struct tn_instruction instruction;
        if (!tn_code_read(code, address, &instruction))
            return NULL;
        address += instruction.size_bytes;
        if (instruction.flow == TN_FLOW_LEAVE)
            return tn_code_import_read(code, &instruction);
        if (instruction.flow != TN_FLOW_NEXT)
            return NULL;
    }
    return NULL;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool tn_code_import_returns_first(const char *name)
{
    static const char *const names[] = {"memcpy",        "memmove",      "memset",       "strcpy",
                                        "strncpy",       "strcat",       "strncat",      "__memcpy_chk",
                                        "__memmove_chk", "__memset_chk", "__strcpy_chk", "__strncpy_chk",
                                        "__strcat_chk",  "__strncat_chk"};
    return is_among(name, names, sizeof(names) / sizeof(names[0]));
}

bool tn_code_import_copies(const char *name)
{
    static const char *const names[] = {"memcpy", "memmove", "mempcpy", "__memcpy_chk", "__memmove_chk"};
    return is_among(name, names, sizeof(names) / sizeof(names[0]));
}

bool tn_code_import_releases(const char *name)
{
    static const char *const names[] = {"free",   "cfree",  "realloc", "reallocarray",
                                        "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm"};
    return is_among(name, names, sizeof(names) / sizeof(names[0]));
}

bool tn_code_import_keeps(const char *name, unsigned index)
{
    static const struct {
        const char *name;
        unsigned index;
    } keepers[] = {
        {"putenv", 0},
        {"setvbuf", 1},
        {"setbuf", 1},
        {"setbuffer", 1},
        {"pthread_create", 3},
        {"thrd_create", 2},
        {"pthread_setspecific", 1},
        {"tss_set", 1},
        {"__cxa_atexit", 1},
        {"on_exit", 1},
        {"tsearch", 0},
        {"insque", 0},
        {"aio_read", 0},
        {"aio_write", 0},
        {"pthread_attr_setstack", 1},
    };
    for (size_t i = 0; i < sizeof(keepers) / sizeof(keepers[0]); i++)
        if (keepers[i].index == index && strcmp(keepers[i].name, name) == 0)
            return true;
    return false;
}
