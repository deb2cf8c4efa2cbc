/* SPDX-License-Identifier: MIT */
#include "call_order.h"

#include "pass.h"

#include "tenure/code.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

struct tn_call_order {
    const struct tn_source_frames *frames; /* borrowed */
    struct tn_map answers;                 /* the two frames -> 1 + answer */
    struct tn_map modules;                 /* row id -> place in codes, + 1; 0: its code cannot be read */
    struct tn_code **codes;                /* owned */
    size_t code_count;
};

int tn_call_order_open(const struct tn_source_frames *frames, struct tn_call_order **ret_reach)
{
    struct tn_call_order *reach = calloc(1, sizeof(*reach));
    if (reach == NULL)
        return -ENOMEM;
    reach->frames = frames;
    *ret_reach = reach;
    return 0;
}

void tn_call_order_close(struct tn_call_order *reach)
{
    if (reach == NULL)
        return;
    for (size_t i = 0; i < reach->code_count; i++)
        tn_code_close(reach->codes[i]);
    free(reach->codes);
    tn_map_finish(&reach->modules);
    tn_map_finish(&reach->answers);
    free(reach);
}

static int keep_code(struct tn_call_order *reach, struct tn_code *code)
{
    void *codes = realloc(reach->codes, (reach->code_count + 1) * sizeof(reach->codes[0]));
    if (codes == NULL)
        return -ENOMEM;
    reach->codes = codes;
    reach->codes[reach->code_count++] = code;
    return 0;
}

/* The code of a module; NULL: it cannot be read, which is no failure. */
static int open_module(struct tn_call_order *reach, const struct tn_pass *pass, uint32_t module_id,
                       struct tn_code **ret_code)
{
    sqlite3_stmt *row;
    struct tn_code *code = NULL;
    int r = tn_pass_prepare(pass, "SELECT path, build_id FROM module WHERE id = ?1", &row);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, module_id);
    if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_type(row, 0) == SQLITE_TEXT) {
        const char *build_id = (const char *)sqlite3_column_text(row, 1);
        r = tn_code_open((const char *)sqlite3_column_text(row, 0), build_id != NULL ? build_id : "", &code);
    }
    sqlite3_finalize(row);
    if (r == 0 && code != NULL) {
        r = keep_code(reach, code);
        if (r < 0)
            tn_code_close(code);
    }
    *ret_code = r == 0 ? code : NULL;
    if (r == -ENOMEM)
        return r;
    return tn_map_put(&reach->modules, module_id, *ret_code != NULL ? reach->code_count : 0);
}

static int code_of(struct tn_call_order *reach, const struct tn_pass *pass, uint32_t module_id,
                   struct tn_code **ret_code)
{
    const uint64_t *place = tn_map_find(&reach->modules, module_id);
    if (place == NULL)
        return open_module(reach, pass, module_id, ret_code);
    *ret_code = *place != 0 ? reach->codes[*place - 1] : NULL;
    return 0;
}

static int ask(struct tn_call_order *reach, const struct tn_pass *pass, uint32_t from, uint32_t to)
{
    const struct tn_return_address *frames = reach->frames->frames;
    uint32_t module_id = reach->frames->functions[frames[from].place.function].module_id;
    struct tn_code *code = NULL;
    if (frames[from].is_runtime || module_id == 0)
        return 1;
    int r = code_of(reach, pass, module_id, &code);
    if (r < 0 || code == NULL)
        return r < 0 ? r : 1;
    return tn_code_follows(code, frames[from].offset_bytes, frames[to].offset_bytes);
}

int tn_call_order_follows(struct tn_call_order *reach, const struct tn_pass *pass, uint32_t from, uint32_t to)
{
    if (from >= reach->frames->frame_count || to >= reach->frames->frame_count)
        return 1;
    uint64_t key = (uint64_t)from << 32 | to;
    const uint64_t *known = tn_map_find(&reach->answers, key);
    if (known != NULL)
        return (int)*known - 1;
    int answer = ask(reach, pass, from, to);
    if (answer < 0)
        return answer;
    int r = tn_map_put(&reach->answers, key, (uint64_t)answer + 1);
    return r < 0 ? r : answer;
}
