/* SPDX-License-Identifier: MIT */
/* Opens the files of modules by their rows: by the descriptor that the recorder held, else by the path, with
 * the build-id checked. Called by names.c, one module at a time, and by jump_ways.c, which keeps them open.
 */
#include "module_files.h"

#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>

/* The descriptor of a module that the recorder held open, or -1. */
static int held_file(const struct tn_finish_options *options, uint64_t module_id)
{
    for (unsigned i = 0; i < options->file_count; i++)
        if (options->files[i].module_id == module_id)
            return options->files[i].fd;
    return -1;
}

int tn_finish_open_module(struct tn_finish_job *job, uint64_t module_id, struct tn_symbol_file **ret_file,
                          bool *ret_is_stale)
{
    sqlite3_stmt *find;
    *ret_file = NULL;
    int r = tn_finish_prepare(job, "SELECT path, build_id FROM module WHERE id = ?1", &find);
    if (r < 0)
        return r;
    tn_sql_bind_count(find, 1, module_id);
    bool has_row = tn_sql_next(find) == 1;
    const char *path = has_row ? tn_sql_text(find, 0) : NULL;
    const char *build_id = path != NULL ? tn_sql_text(find, 1) : NULL;
    int fd = held_file(job->options, module_id);
    r = -ENOENT;
    /* "[vdso]" and the like are not files */
    if (path != NULL && (path[0] == '/' || fd >= 0))
        r = tn_symbol_open(path, fd, build_id != NULL ? build_id : "", ret_file, NULL);
    sqlite3_finalize(find);
    *ret_is_stale = r == -ESTALE;
    return r == -ENOMEM ? tn_finish_refuse(job, r, "cannot name frames") : 0;
}

static int reserve(struct tn_finish_files *modules)
{
    if (modules->count < modules->capacity)
        return 0;
    size_t capacity = modules->capacity * 2 + 16;
    void *files = realloc(modules->files, capacity * sizeof(modules->files[0]));
    if (files == NULL)
        return -ENOMEM;
    modules->files = files;
    modules->capacity = capacity;
    return 0;
}

int tn_finish_files_get(struct tn_finish_files *modules, uint64_t module_id, struct tn_symbol_file **ret_file)
{
    bool is_stale;
    *ret_file = NULL;
    if (module_id == 0)
        return 0;
    const uint64_t *index = tn_map_find(&modules->index_of, module_id);
    if (index != NULL) {
        *ret_file = modules->files[*index];
        return 0;
    }
    int r = reserve(modules);
    if (r == 0)
        r = tn_map_put(&modules->index_of, module_id, modules->count);
    if (r < 0)
        return tn_finish_refuse(modules->job, r, "cannot open modules");
    modules->files[modules->count] = NULL;
    r = tn_finish_open_module(modules->job, module_id, &modules->files[modules->count], &is_stale);
    *ret_file = modules->files[modules->count++];
    return r;
}

void tn_finish_files_finish(struct tn_finish_files *modules)
{
    for (size_t i = 0; i < modules->count; i++)
        tn_symbol_close(modules->files[i]);
    free(modules->files);
    tn_map_finish(&modules->index_of);
    *modules = (struct tn_finish_files){.job = modules->job};
}
