/* SPDX-License-Identifier: MIT */
/* Whether one call can follow another within one activation, by the machine code of the module's file.
 * Modules are opened when first asked about, and every answer is kept: the same pair of calls is asked about
 * at nearly every event. */
#include "call_order.h"

#include "pass.h"

#include "tenure/code.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

struct tn_call_order {
    const struct tn_source_frames *frames; /* borrowed */
    struct tn_map answers;                 /* both frames -> 1 + answer */
    struct tn_map modules;  /* row id of a module -> 1 + index in codes; 0: its code cannot be read */
    struct tn_code **codes; /* owned */
    size_t code_count;
};

int tn_call_order_open(const struct tn_source_frames *frames, struct tn_call_order **ret_order)
{
    struct tn_call_order *order = calloc(1, sizeof(*order));
    if (order == NULL)
        return -ENOMEM;
    order->frames = frames;
    *ret_order = order;
    return 0;
}

void tn_call_order_close(struct tn_call_order *order)
{
    if (order == NULL)
        return;
    for (size_t i = 0; i < order->code_count; i++)
        tn_code_close(order->codes[i]);
    free(order->codes);
    tn_map_finish(&order->modules);
    tn_map_finish(&order->answers);
    free(order);
}

static int keep_code(struct tn_call_order *order, struct tn_code *code)
{
    void *codes = realloc(order->codes, (order->code_count + 1) * sizeof(order->codes[0]));
    if (codes == NULL)
        return -ENOMEM;
    order->codes = codes;
    order->codes[order->code_count++] = code;
    return 0;
}

/* The code of a module; NULL: it cannot be read, which is no error. */
static int open_module(struct tn_call_order *order, const struct tn_pass *pass, uint32_t module_id,
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
        r = keep_code(order, code);
        if (r < 0)
            tn_code_close(code);
    }
    *ret_code = r == 0 ? code : NULL;
    if (r == -ENOMEM)
        return r;
    return tn_map_put(&order->modules, module_id, *ret_code != NULL ? order->code_count : 0);
}

static int code_of(struct tn_call_order *order, const struct tn_pass *pass, uint32_t module_id,
                   struct tn_code **ret_code)
{
    const uint64_t *index = tn_map_find(&order->modules, module_id);
    if (index == NULL)
        return open_module(order, pass, module_id, ret_code);
    *ret_code = *index != 0 ? order->codes[*index - 1] : NULL;
    return 0;
}

static int ask(struct tn_call_order *order, const struct tn_pass *pass, uint32_t from, uint32_t to)
{
    const struct tn_return_address *frames = order->frames->frames;
    uint32_t module_id = order->frames->functions[frames[from].source.function].module_id;
    struct tn_code *code = NULL;
    if (frames[from].is_runtime || module_id == 0)
        return 1;
    /* a jump out of the function was its end */
    if (frames[from].is_tail_call)
        return 0;
    int r = code_of(order, pass, module_id, &code);
    if (r < 0 || code == NULL)
        return r < 0 ? r : 1;
    if (frames[to].is_tail_call)
        return tn_code_reaches_jump(code, frames[from].offset_bytes, frames[to].offset_bytes);
    return tn_code_follows(code, frames[from].offset_bytes, frames[to].offset_bytes);
}

int tn_call_order_follows(struct tn_call_order *order, const struct tn_pass *pass, uint32_t from, uint32_t to)
{
    if (from >= order->frames->frame_count || to >= order->frames->frame_count)
        return 1;
    uint64_t key = (uint64_t)from << 32 | to;
    const uint64_t *known = tn_map_find(&order->answers, key);
    if (known != NULL)
        return (int)*known - 1;
    int answer = ask(order, pass, from, to);
    if (answer < 0)
        return answer;
    int r = tn_map_put(&order->answers, key, (uint64_t)answer + 1);
    return r < 0 ? r : answer;
}
