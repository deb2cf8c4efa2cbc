/* SPDX-License-Identifier: MIT */
/* Opens the files of modules for questions about their machine code, each once, when it is first asked about.
 * The engine has one for all kinds. */
#include "module_code.h"

#include "pass.h"

#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

struct tn_module_code {
    struct tn_map index;    /* row id of a module -> 1 + index in codes; 0: its code cannot be read */
    struct tn_code **codes; /* owned */
    size_t code_count;
};

int tn_module_code_open(struct tn_module_code **ret_modules)
{
    *ret_modules = calloc(1, sizeof(**ret_modules));
    return *ret_modules != NULL ? 0 : -ENOMEM;
}

void tn_module_code_close(struct tn_module_code *modules)
{
    if (modules == NULL)
        return;
    for (size_t i = 0; i < modules->code_count; i++)
        tn_code_close(modules->codes[i]);
    free(modules->codes);
    tn_map_finish(&modules->index);
    free(modules);
}

static int keep_code(struct tn_module_code *modules, struct tn_code *code)
{
    void *codes = realloc(modules->codes, (modules->code_count + 1) * sizeof(modules->codes[0]));
    if (codes == NULL)
        return -ENOMEM;
    modules->codes = codes;
    modules->codes[modules->code_count++] = code;
    return 0;
}

/* The code of a module; NULL: it cannot be read, which is no error. */
static int open_module(struct tn_module_code *modules, const struct tn_pass *pass, uint32_t module_id,
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
        r = keep_code(modules, code);
        if (r < 0)
            tn_code_close(code);
    }
    *ret_code = r == 0 ? code : NULL;
    if (r == -ENOMEM)
        return r;
    return tn_map_put(&modules->index, module_id, *ret_code != NULL ? modules->code_count : 0);
}

int tn_module_code_find(struct tn_module_code *modules, const struct tn_pass *pass, uint32_t module_id,
                        struct tn_code **ret_code)
{
    *ret_code = NULL;
    if (module_id == 0)
        return 0;
    const uint64_t *place = tn_map_find(&modules->index, module_id);
    if (place == NULL)
        return open_module(modules, pass, module_id, ret_code);
    *ret_code = *place != 0 ? modules->codes[*place - 1] : NULL;
    return 0;
}
