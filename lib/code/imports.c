/* SPDX-License-Identifier: MIT */
/* Imported functions by name: the word of memory that a stub or a call reads is filled in by the loader, and
 * the relocation for it names the symbol. Called by hand_back.c. */
#include "imports.h"

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>

#define STUB_STEPS      3u /* instructions of a stub: endbr64, perhaps one more, the jump */
#define RELOCATION_GOT  6u /* R_X86_64_GLOB_DAT */
#define RELOCATION_JUMP 7u /* R_X86_64_JUMP_SLOT */

/* The name of a symbol of a table. */
static const char *name_of(Elf *elf, size_t table, size_t index)
{
    Elf_Scn *section = elf_getscn(elf, table);
    GElf_Shdr header;
    GElf_Sym symbol;
    Elf_Data *data = section != NULL ? elf_getdata(section, NULL) : NULL;
    if (data == NULL || gelf_getshdr(section, &header) == NULL ||
        gelf_getsym(data, (int)index, &symbol) == NULL)
        return NULL;
    return elf_strptr(elf, header.sh_link, symbol.st_name);
}

/* The name that a section's relocation gives to a word. */
static const char *name_in(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, uint64_t address)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = header->sh_entsize != 0 ? header->sh_size / header->sh_entsize : 0;
    for (size_t i = 0; data != NULL && i < count; i++) {
        GElf_Rela relocation;
        if (gelf_getrela(data, (int)i, &relocation) == NULL)
            return NULL;
        uint64_t type = GELF_R_TYPE(relocation.r_info);
        if (relocation.r_offset == address && (type == RELOCATION_JUMP || type == RELOCATION_GOT))
            return name_of(elf, header->sh_link, GELF_R_SYM(relocation.r_info));
    }
    return NULL;
}

const char *tn_code_import_read(const struct tn_code *code, const struct tn_instruction *instruction,
                                uint64_t end)
{
    const struct tn_operands *operands = &instruction->operands;
    if (!operands->has_modrm || !operands->is_rip_relative)
        return NULL;
    uint64_t address = end + (uint64_t)(int64_t)operands->memory_displacement;
    const char *name = NULL;
    for (Elf_Scn *section = elf_nextscn(code->elf, NULL); name == NULL && section != NULL;
         section = elf_nextscn(code->elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_RELA)
            name = name_in(code->elf, section, &header, address);
    }
    return name;
}

const char *tn_code_import_at(const struct tn_code *code, uint64_t address)
{
    for (unsigned i = 0; i < STUB_STEPS; i++) {
        struct tn_instruction instruction;
        size_t size_bytes;
        const uint8_t *bytes = tn_code_at(code, address, &size_bytes);
        if (bytes == NULL || tn_decode(bytes, size_bytes, &instruction) < 0)
            return NULL;
        address += instruction.size_bytes;
        if (instruction.flow == TN_FLOW_END)
            return tn_code_import_read(code, &instruction, address);
        if (instruction.flow != TN_FLOW_NEXT)
            return NULL;
    }
    return NULL;
}
