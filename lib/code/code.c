/* SPDX-License-Identifier: MIT */
/* Opens a module's file: checks architecture and build-id, notes whether a return address says where
 * execution goes on, and finds the bytes at an address. Called by the engine, once a module. */
#include "imports.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Importing one of these means that code may return to a call twice, or go on elsewhere than behind it. */
static const char *const unfollowed[] = {
    "setjmp",
    "_setjmp",
    "__sigsetjmp",
    "sigsetjmp",
    "vfork",
    "getcontext",
    "swapcontext",
    "_Unwind_Resume",
    "__gxx_personality_v0",
    "__gcc_personality_v0",
};

static bool has_build_id(Elf *elf, const char *build_id)
{
    const void *found;
    ssize_t size_bytes = dwelf_elf_gnu_build_id(elf, &found);
    if (build_id[0] == '\0')
        return true;
    if (size_bytes <= 0 || strlen(build_id) != (size_t)size_bytes * 2)
        return false;
    for (ssize_t i = 0; i < size_bytes; i++) {
        static const char digits[] = "0123456789abcdef";
        uint8_t byte = ((const uint8_t *)found)[i];
        if (build_id[2 * i] != digits[byte >> 4] || build_id[2 * i + 1] != digits[byte & 15])
            return false;
    }
    return true;
}

static bool is_unfollowed(const char *name)
{
    for (size_t i = 0; i < sizeof(unfollowed) / sizeof(unfollowed[0]); i++)
        if (strcmp(name, unfollowed[i]) == 0)
            return true;
    return false;
}

/* Whether a symbol table names one of these functions. */
static bool names_unfollowed(Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = header->sh_entsize != 0 ? header->sh_size / header->sh_entsize : 0;
    for (size_t i = 0; data != NULL && i < count; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL)
            break;
        const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
        if (name != NULL && is_unfollowed(name))
            return true;
    }
    return false;
}

/* Without a symbol table nothing is known about imports. */
static bool can_be_followed(Elf *elf)
{
    bool has_table = false;
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL; section = elf_nextscn(elf, section)) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL)
            return false;
        if (header.sh_type != SHT_DYNSYM)
            continue;
        has_table = true;
        if (names_unfollowed(elf, section, &header))
            return false;
    }
    return has_table;
}

static int check(Elf *elf, const char *build_id, const struct tn_processor **ret_processor)
{
    GElf_Ehdr header;
    if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == NULL)
        return -ENOEXEC;
    *ret_processor = tn_processor_find(header.e_machine);
    if (*ret_processor == NULL || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB)
        return -ENOTSUP;
    return has_build_id(elf, build_id) ? 0 : -ESTALE;
}

int tn_code_open(const char *path, const char *build_id, struct tn_code **ret_code)
{
    struct tn_code *code = calloc(1, sizeof(*code));
    if (code == NULL)
        return -ENOMEM;
    elf_version(EV_CURRENT);
    code->fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = code->fd < 0 ? -errno : 0;
    if (r == 0) {
        code->elf = elf_begin(code->fd, ELF_C_READ_MMAP, NULL);
        r = check(code->elf, build_id, &code->processor);
    }
    if (r == 0)
        code->file = (const uint8_t *)elf_rawfile(code->elf, &code->file_bytes);
    if (r == 0 && code->file == NULL)
        r = -ENOEXEC;
    if (r == 0)
        r = tn_code_read_imports(code);
    code->endings = calloc(1, sizeof(*code->endings));
    if (r == 0 && code->endings == NULL)
        r = -ENOMEM;
    code->can_be_followed = r == 0 && can_be_followed(code->elf);
    if (r < 0) {
        tn_code_close(code);
        return r;
    }
    code->unwind = dwarf_getcfi_elf(code->elf);
    *ret_code = code;
    return 0;
}

bool tn_code_can_be_followed(const struct tn_code *code)
{
    return code->can_be_followed;
}

void tn_code_close(struct tn_code *code)
{
    if (code == NULL)
        return;
    dwarf_cfi_end(code->unwind);
    tn_map_finish(&code->imports);
    tn_map_finish(&code->own_addresses);
    free(code->calls);
    free(code->indirect);
    tn_map_finish(&code->callee_pairs);
    if (code->endings != NULL)
        tn_map_finish(code->endings);
    free(code->endings);
    elf_end(code->elf);
    if (code->fd >= 0)
        close(code->fd);
    free(code);
}

/* The bytes of a segment with these permissions at an address, and how many there are. */
static const uint8_t *bytes_at(const struct tn_code *code, uint64_t address, uint32_t flags,
                               size_t *ret_size_bytes)
{
    size_t count = 0;
    if (elf_getphdrnum(code->elf, &count) != 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(code->elf, (int)i, &segment) == NULL)
            return NULL;
        if (segment.p_type != PT_LOAD || (segment.p_flags & flags) != flags || address < segment.p_vaddr ||
            address - segment.p_vaddr >= segment.p_filesz)
            continue;
        uint64_t inside = address - segment.p_vaddr;
        if (segment.p_offset > code->file_bytes || inside >= code->file_bytes - segment.p_offset)
            return NULL;
        uint64_t left = segment.p_filesz - inside, in_file = code->file_bytes - segment.p_offset - inside;
        *ret_size_bytes = (size_t)(left < in_file ? left : in_file);
        return code->file + segment.p_offset + inside;
    }
    return NULL;
}

bool tn_code_is_data(const struct tn_code *code, uint64_t address)
{
    size_t count = 0;
    GElf_Phdr segment;
    if (elf_getphdrnum(code->elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count && gelf_getphdr(code->elf, (int)i, &segment) != NULL; i++)
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0 && address >= segment.p_vaddr &&
            address - segment.p_vaddr < segment.p_memsz)
            return true;
    return false;
}

bool tn_code_is_fixed(const struct tn_code *code)
{
    GElf_Ehdr header;
    return gelf_getehdr(code->elf, &header) != NULL && header.e_type == ET_EXEC;
}

const uint8_t *tn_code_at(const struct tn_code *code, uint64_t address, size_t *ret_size_bytes)
{
    return bytes_at(code, address, PF_X, ret_size_bytes);
}

bool tn_code_read(const struct tn_code *code, uint64_t address, struct tn_instruction *ret_instruction)
{
    return code->processor->read(code, address, ret_instruction);
}

bool tn_code_read_data(const struct tn_code *code, uint64_t address, uint8_t *ret_bytes, size_t size_bytes)
{
    size_t left = 0;
    const uint8_t *bytes = bytes_at(code, address, PF_R, &left);
    if (bytes == NULL || left < size_bytes)
        return false;
    memcpy(ret_bytes, bytes, size_bytes);
    return true;
}

bool tn_code_read_offset(const struct tn_code *code, uint64_t address, int32_t *ret_offset)
{
    uint8_t bytes[4];
    if (!tn_code_read_data(code, address, bytes, sizeof(bytes)))
        return false;
    *ret_offset = (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                            (uint32_t)bytes[3] << 24);
    return true;
}
