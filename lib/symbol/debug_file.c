/* SPDX-License-Identifier: MIT */
/* Finds a module's separate debug file, by build-id and by debug link, without asking the network:
 * dwfl_standard_find_debuginfo would load libdebuginfod, with libcurl and all that it needs, when nothing
 * is found on this machine. It does so only for modules with a build-id, so it may serve the others. Called
 * back by libdwfl. */
#include "symbol_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEBUG_DIRECTORY "/usr/lib/debug"

static bool has_build_id(int fd, const unsigned char *bits, int length)
{
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (elf == NULL)
        return false;
    const void *found;
    bool is_same = dwelf_elf_gnu_build_id(elf, &found) == length && memcmp(found, bits, (size_t)length) == 0;
    elf_end(elf);
    return is_same;
}

/* Open one candidate, and check its build-id; bits NULL: any file is accepted. Takes path over. Returns a
 * descriptor or -1. */
static int try_path(char *path, const unsigned char *bits, int length, char **ret_name)
{
    if (path == NULL)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && (bits == NULL || has_build_id(fd, bits, length))) {
        *ret_name = path;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    free(path);
    return -1;
}

/* The candidates of gdb: beside the file, in .debug beside it, and under the debug directory. */
static int try_link(const char *file_name, const char *link, const unsigned char *bits, int length,
                    char **ret_name)
{
    static const struct {
        const char *prefix, *suffix;
    } folders[] = {{"", ""}, {"", "/.debug"}, {DEBUG_DIRECTORY, ""}};
    const char *slash = strrchr(file_name, '/');
    int directory = slash != NULL ? (int)(slash - file_name) : 0;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char *path = NULL;
        int n =
            asprintf(&path, "%s%.*s%s/%s", folders[i].prefix, directory, file_name, folders[i].suffix, link);
        int fd = try_path(n < 0 ? NULL : path, bits, length, ret_name);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

int tn_symbol_find_debug_file(Dwfl_Module *module, void **user_data, const char *module_name, Dwarf_Addr base,
                              const char *file_name, const char *link_name, GElf_Word link_crc,
                              char **ret_name)
{
    const unsigned char *bits;
    GElf_Addr address;
    int length = dwfl_module_build_id(module, &bits, &address);
    if (length <= 0)
        return dwfl_standard_find_debuginfo(module, user_data, module_name, base, file_name, link_name,
                                            link_crc, ret_name);
    int fd = dwfl_build_id_find_debuginfo(module, user_data, module_name, base, file_name, link_name,
                                          link_crc, ret_name);
    if (fd >= 0 || link_name == NULL || file_name == NULL)
        return fd;
    /* dwz's alternate file comes as a link, too, but without a CRC; it has a build-id of its own. */
    const unsigned char *wanted = link_crc != 0 ? bits : NULL;
    if (link_name[0] == '/')
        return try_path(strdup(link_name), wanted, length, ret_name);
    return try_link(file_name, link_name, wanted, length, ret_name);
}
