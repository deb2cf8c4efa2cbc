/* SPDX-License-Identifier: MIT */
/* Opens the files of files for questions about their machine code, each once, when it is first asked about.
 * The engine has one for all kinds. */
#include "code_files.h"

#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

/* What has been opened of a module. */
struct module_files {
    struct tn_code *code;           /* owned; NULL: it cannot be read, or was not asked for */
    struct tn_symbol_file *symbols; /* likewise */
    bool has_code, has_symbols;     /* it was asked for */
};

struct tn_code_files {
    struct tn_map index;          /* row id of a module -> index in modules */
    struct module_files *modules; /* owned */
    size_t count;                 /* in modules */
};

int tn_code_files_open(struct tn_code_files **ret_files)
{
    *ret_files = calloc(1, sizeof(**ret_files));
    return *ret_files != NULL ? 0 : -ENOMEM;
}

void tn_code_files_close(struct tn_code_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->count; i++) {
        tn_code_close(files->modules[i].code);
        tn_symbol_close(files->modules[i].symbols);
    }
    free(files->modules);
    tn_map_finish(&files->index);
    free(files);
}

/* What is kept of a module; valid until another one is asked for. */
static int find_module(struct tn_code_files *files, uint32_t module_id, struct module_files **ret_module)
{
    const uint64_t *known = tn_map_find(&files->index, module_id);
    if (known != NULL) {
        *ret_module = &files->modules[*known];
        return 0;
    }
    void *modules = realloc(files->modules, (files->count + 1) * sizeof(files->modules[0]));
    if (modules == NULL)
        return -ENOMEM;
    files->modules = modules;
    *ret_module = &files->modules[files->count];
    **ret_module = (struct module_files){0};
    return tn_map_put(&files->index, module_id, files->count++);
}

/* Open the code of a module, or its symbols. One that cannot be read is no error, and stays NULL. */
static int open_module(const struct tn_pass *pass, uint32_t module_id, struct tn_code **ret_code,
                       struct tn_symbol_file **ret_symbols)
{
    sqlite3_stmt *row;
    int r = tn_pass_prepare(pass, "SELECT path, build_id FROM module WHERE id = ?1", &row);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, module_id);
    if (tn_sql_next(row) == 1 && sqlite3_column_type(row, 0) == SQLITE_TEXT) {
        const char *path = tn_sql_text(row, 0);
        const char *build_id = tn_sql_text(row, 1) != NULL ? tn_sql_text(row, 1) : "";
        struct tn_error unused = {0};
        r = ret_code != NULL ? tn_code_open(path, build_id, ret_code)
                             : tn_symbol_open(path, -1, build_id, ret_symbols, &unused);
    }
    sqlite3_finalize(row);
    return r == -ENOMEM ? r : 0;
}

int tn_code_files_find(struct tn_code_files *files, const struct tn_pass *pass, uint32_t module_id,
                       struct tn_code **ret_code)
{
    struct module_files *module;
    *ret_code = NULL;
    if (module_id == 0)
        return 0;
    int r = find_module(files, module_id, &module);
    if (r == 0 && !module->has_code)
        r = open_module(pass, module_id, &module->code, NULL);
    if (r < 0)
        return r;
    module->has_code = true;
    *ret_code = module->code;
    return 0;
}

int tn_code_files_symbols(struct tn_code_files *files, const struct tn_pass *pass, uint32_t module_id,
                          struct tn_symbol_file **ret_file)
{
    struct module_files *module;
    *ret_file = NULL;
    if (module_id == 0)
        return 0;
    int r = find_module(files, module_id, &module);
    if (r == 0 && !module->has_symbols)
        r = open_module(pass, module_id, NULL, &module->symbols);
    if (r < 0)
        return r;
    module->has_symbols = true;
    *ret_file = module->symbols;
    return 0;
}
