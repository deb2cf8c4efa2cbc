/* SPDX-License-Identifier: MIT */
/* Keeps the mappings of one process sorted by address, writes their rows, and holds the module files open.
 * A new mapping ends those that it overlaps. Called by control.c for MODULE events, by stacks.c for look-
 * ups. */
#include "mappings.h"

#include "tenure/event_body.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULE_FILES_MAX 16384u /* descriptors; the limit of the process may be lower: then paths must do */

/* A MODULE event, read and checked. */
struct announced {
    struct tn_mapping mapping;
    char path[PATH_MAX];
    char build_id[2 * TN_BUILD_ID_BYTES_MAX + 1];
};

static int read_announced(const uint64_t *event, uint32_t words, struct announced *ret_announced)
{
    struct tn_event_module module;
    if (!tn_event_get_module(event, words, &module) || module.build_id_bytes > TN_BUILD_ID_BYTES_MAX ||
        module.path_bytes >= PATH_MAX)
        return -EBADMSG;
    for (uint32_t i = 0; i < module.build_id_bytes; i++)
        snprintf(ret_announced->build_id + 2 * i, 3, "%02x", module.build_id[i]);
    ret_announced->build_id[2 * module.build_id_bytes] = '\0';
    memcpy(ret_announced->path, module.path, module.path_bytes);
    ret_announced->path[module.path_bytes] = '\0';
    ret_announced->mapping =
        (struct tn_mapping){.bias = module.bias, .start = module.start, .end = module.end};
    return module.start < module.end ? 0 : -EBADMSG;
}

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* Open what a process has mapped at an address, although no path leads there any more. The kernel lets only
 * root do that. */
static int open_mapped(pid_t pid, uint64_t start)
{
    char folder[64], name[32];
    snprintf(folder, sizeof(folder), "/proc/%d/map_files", (int)pid);
    int length = snprintf(name, sizeof(name), "%llx-", (unsigned long long)start);
    DIR *files = opendir(folder);
    int fd = -1;
    for (struct dirent *file; fd < 0 && files != NULL && (file = readdir(files)) != NULL;)
        if (strncmp(file->d_name, name, (size_t)length) == 0)
            fd = openat(dirfd(files), file->d_name, OPEN_FLAGS);
    if (files != NULL)
        closedir(files);
    return fd;
}

/* Open a module as its process sees it. Regular files only: opening a FIFO or device could block or have
 * effects. */
static int open_module(pid_t pid, const char *path, uint64_t start)
{
    char rooted[PATH_MAX + 32];
    snprintf(rooted, sizeof(rooted), "/proc/%d/root%s", (int)pid, path);
    int fd = open(rooted, OPEN_FLAGS);
    if (fd < 0)
        fd = open_mapped(pid, start);
    if (fd < 0)
        fd = open(path, OPEN_FLAGS);
    struct stat status;
    if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
        return fd;
    close(fd);
    return -1;
}

/* A file that cannot be held open is not an error: the finishing process looks for it at its path. */
static int hold_file(struct tn_module_files *files, uint64_t module_id, pid_t pid,
                     const struct announced *announced)
{
    const char *path = announced->path;
    if (tn_map_find(&files->known, module_id) != NULL)
        return 0;
    int r = tn_map_put(&files->known, module_id, 1);
    if (r < 0 || path[0] != '/' || files->count == MODULE_FILES_MAX)
        return r;
    if (files->count == files->capacity) {
        uint32_t capacity = files->capacity != 0 ? files->capacity * 2 : 32;
        struct tn_module_file *grown = realloc(files->files, capacity * sizeof(grown[0]));
        if (grown == NULL)
            return -ENOMEM;
        files->files = grown;
        files->capacity = capacity;
    }
    int fd = open_module(pid, path, announced->mapping.start);
    if (fd >= 0)
        files->files[files->count++] = (struct tn_module_file){module_id, fd};
    return 0;
}

/* Index of the first mapping that ends above address. */
static uint32_t first_above(const struct tn_mappings *mappings, uint64_t address)
{
    uint32_t low = 0, high = mappings->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mappings->list[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int take_out(struct tn_mappings *mappings, const struct tn_mapping_context *context, uint32_t at)
{
    uint64_t mapping_id = mappings->list[at].mapping_id;
    mappings->count--;
    memmove(&mappings->list[at], &mappings->list[at + 1], (mappings->count - at) * sizeof(mappings->list[0]));
    return tn_log_end_mapping(context->writer, mapping_id, context->time_ns);
}

static int put_in(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                  const struct tn_mapping *mapping)
{
    if (mappings->count == mappings->capacity) {
        uint32_t capacity = mappings->capacity != 0 ? mappings->capacity * 2 : 32;
        struct tn_mapping *grown = realloc(mappings->list, capacity * sizeof(grown[0]));
        if (grown == NULL)
            return -ENOMEM;
        mappings->list = grown;
        mappings->capacity = capacity;
    }
    uint64_t mapping_id;
    int r = tn_log_add_mapping(context->writer, context->process_id, mapping->module_id, mapping->bias,
                               context->time_ns, &mapping_id);
    if (r < 0)
        return r;
    uint32_t at = first_above(mappings, mapping->start);
    memmove(&mappings->list[at + 1], &mappings->list[at], (mappings->count - at) * sizeof(mappings->list[0]));
    mappings->list[at] = *mapping;
    mappings->list[at].mapping_id = mapping_id;
    mappings->count++;
    return 0;
}

int tn_mappings_add(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                    const uint64_t *event, uint32_t words)
{
    struct announced announced;
    int r = read_announced(event, words, &announced);
    if (r < 0)
        return r;
    struct tn_mapping *mapping = &announced.mapping;
    r = tn_log_add_module(context->writer, announced.path, announced.build_id, &mapping->module_id);
    if (r < 0)
        return r;
    r = hold_file(context->files, mapping->module_id, context->pid, &announced);
    if (r < 0)
        return r;
    uint32_t at = first_above(mappings, mapping->start);
    if (at < mappings->count && mappings->list[at].start == mapping->start &&
        mappings->list[at].end == mapping->end && mappings->list[at].bias == mapping->bias &&
        mappings->list[at].module_id == mapping->module_id)
        return 0;
    while (at < mappings->count && mappings->list[at].start < mapping->end) {
        r = take_out(mappings, context, at);
        if (r < 0)
            return r;
    }
    return put_in(mappings, context, mapping);
}

int tn_mappings_remove(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                       const uint64_t *event, uint32_t words)
{
    uint64_t bias, start;
    if (!tn_event_get_gone(event, words, &bias, &start))
        return -EBADMSG;
    for (uint32_t at = first_above(mappings, start); at < mappings->count; at++)
        if (mappings->list[at].start == start && mappings->list[at].bias == bias)
            return take_out(mappings, context, at);
    return 0;
}

int tn_mappings_inherit(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                        const struct tn_mappings *parent)
{
    for (uint32_t i = 0; i < parent->count; i++) {
        int r = put_in(mappings, context, &parent->list[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

const struct tn_mapping *tn_mappings_find(const struct tn_mappings *mappings, uint64_t address)
{
    uint32_t at = first_above(mappings, address);
    if (at < mappings->count && mappings->list[at].start <= address)
        return &mappings->list[at];
    return NULL;
}

void tn_mappings_finish(struct tn_mappings *mappings)
{
    free(mappings->list);
    *mappings = (struct tn_mappings){0};
}

void tn_module_files_finish(struct tn_module_files *files)
{
    for (uint32_t i = 0; i < files->count; i++)
        close(files->files[i].fd);
    free(files->files);
    tn_map_finish(&files->known);
    *files = (struct tn_module_files){0};
}
