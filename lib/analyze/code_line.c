/* SPDX-License-Identifier: MIT */
/* Names a place in the machine code that is no call of the log, and therefore has no row of `frame`. Asked by
 * kinds for the few places that a finding tells. */
#include "tenure/stored_address.h"

#include "tenure/sql.h"
#include "tenure/symbol.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static int copy(char **text, const char *from)
{
    *text = strdup(from != NULL ? from : "");
    return *text != NULL ? 0 : -ENOMEM;
}

/* Without debug information only module and offset are told. */
static int name_place(const char *path, const char *build_id, uint64_t address, struct tn_finding_line *line)
{
    const struct tn_symbol_frame *frames = NULL;
    struct tn_symbol_file *file = NULL;
    struct tn_error unused = {0};
    unsigned count = 0;
    int r = tn_symbol_open(path, -1, build_id, &file, &unused);
    if (r == 0)
        r = tn_symbol_look_up(file, address, &frames, &count);
    bool is_named = r == 0 && count != 0;
    if (r != -ENOMEM)
        r = copy(&line->function, is_named ? frames[0].function : NULL);
    if (r == 0)
        r = copy(&line->file, is_named ? frames[0].file : NULL);
    line->line = is_named ? frames[0].line : 0;
    line->offset_bytes = line->line == 0 ? address : 0;
    tn_symbol_close(file);
    return r;
}

int tn_pass_code_line(const struct tn_pass *pass, uint32_t module_id, uint64_t address,
                      struct tn_finding_line *ret_line)
{
    sqlite3_stmt *row;
    struct tn_finding_line line = {0};
    int r = tn_pass_prepare(pass, "SELECT path, build_id FROM module WHERE id = ?1", &row);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, module_id);
    int next = tn_sql_next(row);
    const char *path = next == 1 ? tn_sql_text(row, 0) : NULL,
               *build_id = next == 1 ? tn_sql_text(row, 1) : NULL;
    r = next < 0 ? tn_pass_refuse(pass, next, "cannot read") : copy(&line.module, path);
    if (r == 0)
        r = name_place(path != NULL ? path : "", build_id != NULL ? build_id : "", address, &line);
    sqlite3_finalize(row);
    if (r < 0)
        tn_finding_line_finish(&line);
    else
        *ret_line = line;
    return r;
}
