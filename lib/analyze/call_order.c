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

bool tn_call_order_is_known(const struct tn_call_order *order, const struct tn_pass *pass, uint32_t function)
{
    const struct tn_source_function *known = &order->frames->functions[function];
    struct tn_code *code = NULL;
    int r = known->is_runtime ? 0 : tn_code_files_find(pass->code_files, pass, known->module_id, &code);
    return r == 0 && code != NULL && tn_code_can_be_followed(code);
}
