/* SPDX-License-Identifier: MIT */
/* Opens the files of modules by their rows: by the descriptor that the recorder held, else by the path, with
 * the build-id checked. Called by jump_ways.c, names.c and wrapper_code.c. */
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

static int open_module(struct tn_finish_job *job, uint64_t module_id, struct tn_finish_file *ret_file)
{
    sqlite3_stmt *find;
    *ret_file = (struct tn_finish_file){0};
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
        r = tn_symbol_open(path, fd, build_id != NULL ? build_id : "", &ret_file->file, NULL);
    sqlite3_finalize(find);
    ret_file->is_stale = r == -ESTALE;
    return r == -ENOMEM ? tn_finish_refuse(job, r, "cannot open modules") : 0;
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

/* Open a module and keep it. */
static int add_module(struct tn_finish_job *job, uint64_t module_id, struct tn_finish_file *ret_file)
{
    struct tn_finish_files *modules = job->files;
    int r = reserve(modules);
    if (r == 0)
        r = tn_map_put(&modules->index_of, module_id, modules->count);
    if (r < 0)
        return tn_finish_refuse(job, r, "cannot open modules");
    r = open_module(job, module_id, ret_file);
    modules->files[modules->count++] = *ret_file;
    return r;
}

int tn_finish_files_get(struct tn_finish_job *job, uint64_t module_id, struct tn_symbol_file **ret_file,
                        bool *ret_is_stale)
{
    struct tn_finish_file found = {0};
    int r = 0;
    if (job->files == NULL)
        job->files = calloc(1, sizeof(*job->files));
    if (job->files == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot open modules");
    const uint64_t *index = module_id != 0 ? tn_map_find(&job->files->index_of, module_id) : NULL;
    if (index != NULL)
        found = job->files->files[*index];
    else if (module_id != 0)
        r = add_module(job, module_id, &found);
    *ret_file = found.file;
    if (ret_is_stale != NULL)
        *ret_is_stale = found.is_stale;
    return r;
}

static int open_code(struct tn_finish_job *job, uint64_t module_id, struct tn_code **ret_code)
{
    sqlite3_stmt *row;
    *ret_code = NULL;
    int r = tn_finish_prepare(job, "SELECT path, build_id FROM module WHERE id = ?1", &row);
    if (r < 0)
        return r;
    tn_sql_bind_count(row, 1, module_id);
    if (tn_sql_next(row) == 1 && tn_sql_text(row, 0) != NULL) {
        const char *build_id = tn_sql_text(row, 1);
        r = tn_code_open(tn_sql_text(row, 0), build_id != NULL ? build_id : "", ret_code);
    }
    sqlite3_finalize(row);
    return r == -ENOMEM ? tn_finish_refuse(job, r, "cannot open modules") : 0;
}

int tn_finish_files_code(struct tn_finish_job *job, uint64_t module_id, struct tn_code **ret_code)
{
    struct tn_symbol_file *file;
    *ret_code = NULL;
    int r = module_id != 0 ? tn_finish_files_get(job, module_id, &file, NULL) : 0;
    if (r < 0 || module_id == 0)
        return r;
    struct tn_finish_file *own = &job->files->files[*tn_map_find(&job->files->index_of, module_id)];
    if (!own->has_code)
        r = open_code(job, module_id, &own->code);
    own->has_code = true;
    *ret_code = own->code;
    return r;
}

void tn_finish_files_close(struct tn_finish_job *job)
{
    if (job->files == NULL)
        return;
    for (size_t i = 0; i < job->files->count; i++) {
        tn_symbol_close(job->files->files[i].file);
        tn_code_close(job->files->files[i].code);
    }
    free(job->files->files);
    tn_map_finish(&job->files->index_of);
    free(job->files);
    job->files = NULL;
}
