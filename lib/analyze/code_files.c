/* SPDX-License-Identifier: MIT */
/* Opens the files of files for questions about their machine code, each once, when it is first asked about.
 * The engine has one for all kinds. */
#include "code_files.h"

#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

struct tn_code_files {
    struct tn_map index;    /* row id of a module -> 1 + index in codes; 0: its code cannot be read */
    struct tn_code **codes; /* owned */
    size_t code_count;
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
    for (size_t i = 0; i < files->code_count; i++)
        tn_code_close(files->codes[i]);
    free(files->codes);
    tn_map_finish(&files->index);
    free(files);
}

static int keep_code(struct tn_code_files *files, struct tn_code *code)
{
    void *codes = realloc(files->codes, (files->code_count + 1) * sizeof(files->codes[0]));
    if (codes == NULL)
        return -ENOMEM;
    files->codes = codes;
    files->codes[files->code_count++] = code;
    return 0;
}

/* The code of a module; NULL: it cannot be read, which is no error. */
static int open_module(struct tn_code_files *files, const struct tn_pass *pass, uint32_t module_id,
                       struct tn_code **ret_code)
{
    sqlite3_stmt *row;
    struct tn_code *code = NULL;
    int r = tn_pass_prepare(pass, "SELECT path, build_id FROM module WHERE id = ?1", &row);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, module_id);
    if (tn_sql_next(row) == 1 && sqlite3_column_type(row, 0) == SQLITE_TEXT) {
        const char *build_id = tn_sql_text(row, 1);
        r = tn_code_open(tn_sql_text(row, 0), build_id != NULL ? build_id : "", &code);
    }
    sqlite3_finalize(row);
    if (r == 0 && code != NULL) {
        r = keep_code(files, code);
        if (r < 0)
            tn_code_close(code);
    }
    *ret_code = r == 0 ? code : NULL;
    if (r == -ENOMEM)
        return r;
    return tn_map_put(&files->index, module_id, *ret_code != NULL ? files->code_count : 0);
}

int tn_code_files_find(struct tn_code_files *files, const struct tn_pass *pass, uint32_t module_id,
                       struct tn_code **ret_code)
{
    *ret_code = NULL;
    if (module_id == 0)
        return 0;
    const uint64_t *place = tn_map_find(&files->index, module_id);
    if (place == NULL)
        return open_module(files, pass, module_id, ret_code);
    *ret_code = *place != 0 ? files->codes[*place - 1] : NULL;
    return 0;
}
