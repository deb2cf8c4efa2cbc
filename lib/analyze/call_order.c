/* SPDX-License-Identifier: MIT */
/* Whether one call can follow another within one activation, by the machine code of the module's file. Every
 * answer is kept: the same pair of calls is asked about at nearly every event. */
#include "call_order.h"

#include "code_files.h"

#include <errno.h>
#include <stdlib.h>

struct tn_call_order {
    const struct tn_source_frames *frames; /* borrowed */
    struct tn_map answers;                 /* both frames -> 1 + answer */
    struct tn_map inlined;                 /* both frames -> inlined functions that were under way */
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
    tn_map_finish(&order->answers);
    tn_map_finish(&order->inlined);
    free(order);
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
    int r = tn_code_files_find(pass->code_files, pass, module_id, &code);
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

/* Whether a call and a later one may be of one call of the inlined function at a depth. Returns 1 or 0, or a
 * negative errno. */
static int is_one_call(struct tn_code *code, struct tn_symbol_file *symbols, uint64_t from, uint64_t to,
                       uint32_t depth)
{
    uint64_t entry, other;
    int r = tn_symbol_inlined_entry(symbols, from, depth, &entry);
    if (r == 0)
        r = tn_symbol_inlined_entry(symbols, to, depth, &other);
    if (r < 0 || entry == 0 || other == 0)
        return r < 0 ? r : 1;
    return entry == other ? tn_code_reaches_around(code, from, to, entry) : 0;
}

static int count_inlined(struct tn_call_order *order, const struct tn_pass *pass, uint32_t from, uint32_t to,
                         uint32_t *ret_inlined)
{
    const struct tn_return_address *frames = order->frames->frames;
    uint32_t common = tn_source_frames_common_inlined(order->frames, from, to), depth = 0;
    uint32_t module_id = order->frames->functions[frames[from].source.function].module_id;
    struct tn_code *code = NULL;
    struct tn_symbol_file *symbols = NULL;
    *ret_inlined = common;
    int r = common != 0 ? tn_code_files_find(pass->code_files, pass, module_id, &code) : 0;
    if (r == 0 && code != NULL)
        r = tn_code_files_symbols(pass->code_files, pass, module_id, &symbols);
    if (r < 0 || code == NULL || symbols == NULL)
        return r;
    while (depth < common && (r = is_one_call(code, symbols, frames[from].offset_bytes,
                                              frames[to].offset_bytes, depth + 1)) == 1)
        depth++;
    *ret_inlined = depth;
    return r < 0 ? r : 0;
}

int tn_call_order_inlined(struct tn_call_order *order, const struct tn_pass *pass, uint32_t from, uint32_t to,
                          uint32_t *ret_inlined)
{
    uint64_t key = (uint64_t)from << 32 | to;
    const uint64_t *known = tn_map_find(&order->inlined, key);
    if (known != NULL) {
        *ret_inlined = (uint32_t)*known;
        return 0;
    }
    int r = count_inlined(order, pass, from, to, ret_inlined);
    return r < 0 ? r : tn_map_put(&order->inlined, key, *ret_inlined);
}

bool tn_call_order_is_known(const struct tn_call_order *order, const struct tn_pass *pass, uint32_t function)
{
    const struct tn_source_function *known = &order->frames->functions[function];
    struct tn_code *code = NULL;
    int r = known->is_runtime ? 0 : tn_code_files_find(pass->code_files, pass, known->module_id, &code);
    return r == 0 && code != NULL && tn_code_can_be_followed(code);
}
