/* SPDX-License-Identifier: MIT */
/* Reads DT_NEEDED by way of the section headers, which every linker writes. What is damaged or missing needs
 * nothing: the loader will say so. Called by program.c. */
#include "program_needs.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A larger section is not read: the file is damaged, or no program. */
#define SECTION_BYTES_MAX (UINT64_C(16) << 20)

/* Read part of a file, with a NUL behind it; NULL: it is not there, or too large. Owned by the caller. */
static char *read_part(int fd, uint64_t offset, uint64_t size_bytes)
{
    char *part = size_bytes <= SECTION_BYTES_MAX ? malloc((size_t)size_bytes + 1) : NULL;
    if (part == NULL)
        return NULL;
    part[size_bytes] = '\0';
    if (pread(fd, part, (size_t)size_bytes, (off_t)offset) == (ssize_t)size_bytes)
        return part;
    free(part);
    return NULL;
}

static bool is_named(const char *dynamic, uint64_t size_bytes, const char *strings, uint64_t strings_bytes,
                     const char *prefix)
{
    for (uint64_t at = 0; at + sizeof(ElfW(Dyn)) <= size_bytes; at += sizeof(ElfW(Dyn))) {
        ElfW(Dyn) entry;
        memcpy(&entry, dynamic + at, sizeof(entry));
        if (entry.d_tag == DT_NEEDED && entry.d_un.d_val < strings_bytes &&
            strncmp(strings + entry.d_un.d_val, prefix, strlen(prefix)) == 0)
            return true;
    }
    return false;
}

static bool is_in_section(int fd, const ElfW(Shdr) * sections, unsigned count, const ElfW(Shdr) * dynamic,
                          const char *prefix)
{
    if (dynamic->sh_link >= count)
        return false;
    const ElfW(Shdr) *names = &sections[dynamic->sh_link];
    char *entries = read_part(fd, dynamic->sh_offset, dynamic->sh_size);
    char *strings = read_part(fd, names->sh_offset, names->sh_size);
    bool is_found = entries != NULL && strings != NULL &&
                    is_named(entries, dynamic->sh_size, strings, names->sh_size, prefix);
    free(entries);
    free(strings);
    return is_found;
}

bool tn_program_needs(int fd, const char *prefix)
{
    ElfW(Ehdr) header;
    if (pread(fd, &header, sizeof(header), 0) != sizeof(header) || header.e_shentsize != sizeof(ElfW(Shdr)))
        return false;
    ElfW(Shdr) *sections =
        (void *)read_part(fd, header.e_shoff, (uint64_t)header.e_shnum * sizeof(ElfW(Shdr)));
    bool is_found = false;
    for (unsigned i = 0; sections != NULL && i < header.e_shnum && !is_found; i++)
        is_found = sections[i].sh_type == SHT_DYNAMIC &&
                   is_in_section(fd, sections, header.e_shnum, &sections[i], prefix);
    free(sections);
    return is_found;
}
