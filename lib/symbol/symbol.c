/* SPDX-License-Identifier: MIT */
/* Opens a module and answers look-ups: debug information first, the symbol table for functions that it does
 * not name. Called by lib/finish. */
#include "symbol_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *tn_symbol_debug_path;

/* find_elf is never called: the module's file is reported as an open descriptor. */
static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = tn_symbol_find_debug_file,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &tn_symbol_debug_path,
};

static int check_build_id(struct tn_symbol_file *file, const char *path, const char *expected,
                          struct tn_error *error)
{
    if (expected[0] == '\0')
        return 0;
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(file->module, &bias);
    const void *bits = NULL;
    ssize_t length = elf != NULL ? dwelf_elf_gnu_build_id(elf, &bits) : 0;
    char hex[2 * 64 + 1] = "";
    for (ssize_t i = 0; i < length && i < 64; i++)
        snprintf(hex + 2 * i, 3, "%02x", ((const unsigned char *)bits)[i]);
    if (strcmp(hex, expected) == 0)
        return 0;
    return tn_error_set(error, -ESTALE, "names of %s: the file is not the one that ran (build-id %s, not %s)",
                        path, hex[0] != '\0' ? hex : "none", expected);
}

/* Give the module to dwfl at bias 0, so that its addresses are those in the file. Takes fd over. */
static int report(struct tn_symbol_file *file, const char *path, int fd, struct tn_error *error)
{
    file->dwfl = dwfl_begin(&callbacks);
    if (file->dwfl == NULL) {
        close(fd);
        return tn_error_set(error, -ENOMEM, "names of %s: out of memory", path);
    }
    dwfl_report_begin(file->dwfl);
    file->module = dwfl_report_elf(file->dwfl, path, path, fd, 0, true);
    dwfl_report_end(file->dwfl, NULL, NULL);
    if (file->module != NULL)
        return 0;
    close(fd);
    return tn_error_set(error, -ENOEXEC, "names of %s: %s", path, dwfl_errmsg(-1));
}

int tn_symbol_open(const char *path, int fd, const char *build_id, struct tn_symbol_file **ret_file,
                   struct tn_error *error)
{
    int own_fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (own_fd < 0)
        return tn_error_set(error, -errno, "names of %s: %s", path, strerror(errno));
    struct tn_symbol_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        close(own_fd);
        return tn_error_set(error, -ENOMEM, "names of %s: out of memory", path);
    }
    int r = report(file, path, own_fd, error);
    if (r == 0)
        r = check_build_id(file, path, build_id, error);
    if (r < 0) {
        tn_symbol_close(file);
        return r;
    }
    *ret_file = file;
    return 0;
}

void tn_symbol_close(struct tn_symbol_file *file)
{
    if (file == NULL)
        return;
    tn_symbol_finish_units(file);
    tn_symbol_finish_scopes(file);
    tn_symbol_finish_calls(file);
    tn_symbol_finish_types(file);
    free(file->table.entries);
    free(file->names.entries);
    free(file->frames);
    tn_map_finish(&file->parents);
    tn_map_finish(&file->die_names);
    tn_map_finish(&file->symbol_names);
    tn_string_store_finish(&file->strings);
    if (file->dwfl != NULL)
        dwfl_end(file->dwfl);
    free(file);
}

enum tn_symbol_detail tn_symbol_file_detail(struct tn_symbol_file *file)
{
    if (tn_symbol_read_units(file) == 0 && file->unit_ranges.count > 0)
        return TN_SYMBOL_DEBUG;
    if (tn_symbol_read_table(file) == 0 && file->table.count > 0)
        return TN_SYMBOL_TABLE;
    return TN_SYMBOL_NONE;
}

/* No debug information covers the address: one frame, still empty. */
static int fill_bare(struct tn_symbol_file *file)
{
    if (file->frame_capacity == 0) {
        file->frames = calloc(8, sizeof(file->frames[0]));
        if (file->frames == NULL)
            return -ENOMEM;
        file->frame_capacity = 8;
    }
    file->frames[0] = (struct tn_symbol_frame){0};
    return 1;
}

/* Name the physical function by the symbol table if debug information has not. */
static int name_by_table(struct tn_symbol_file *file, uint64_t pc, struct tn_symbol_frame *physical)
{
    if (physical->function != NULL)
        return 0;
    int r = tn_symbol_read_table(file);
    if (r < 0)
        return r;
    const struct tn_symbol_table_entry *entry = tn_symbol_find_entry(&file->table, pc);
    return entry != NULL ? tn_symbol_name_entry(file, entry->name, &physical->function) : 0;
}

int tn_symbol_look_up(struct tn_symbol_file *file, uint64_t offset_bytes,
                      const struct tn_symbol_frame **ret_frames, unsigned *ret_count)
{
    uint64_t pc = offset_bytes - 1;
    struct tn_symbol_unit *unit;
    int count = tn_symbol_find_unit(file, pc, &unit);
    if (count == 0)
        count = unit != NULL ? tn_symbol_fill_frames(file, unit, pc) : fill_bare(file);
    if (count < 0)
        return count;
    int r = name_by_table(file, pc, &file->frames[count - 1]);
    if (r < 0)
        return r;
    *ret_frames = file->frames;
    *ret_count = (unsigned)count;
    return 0;
}
