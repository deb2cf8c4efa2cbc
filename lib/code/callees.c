/* SPDX-License-Identifier: MIT */
/* What calls through pointers led to. The code does not say it, but the stacks of a recording do: the
 * function that was called has a frame of its own below the call. */
#include "callees.h"

#include "functions.h"
#include "value_ways.h"

#include <errno.h>
#include <stdlib.h>

int tn_code_note_callee(struct tn_code *code, uint64_t call, uint64_t inside)
{
    struct tn_code_function function;
    uint64_t pair = (call * UINT64_C(0x9e3779b97f4a7c15) ^ inside) | 1;
    if (tn_map_find(&code->callee_pairs, pair) != NULL)
        return 0;
    int r = tn_map_put(&code->callee_pairs, pair, 1);
    if (r < 0)
        return r;
    if (tn_code_call_target(code, call) != 0 || !tn_code_function(code, inside - 1, &function))
        return 0;
    for (size_t i = 0; i < code->indirect_count; i++)
        if (code->indirect[i].call == call && code->indirect[i].target == function.start)
            return 0;
    if (code->indirect_count == TN_CALLEES_MAX)
        return 0;
    if ((code->indirect_count & (code->indirect_count - 1)) == 0) {
        size_t room = code->indirect_count == 0 ? 1 : code->indirect_count * 2;
        void *indirect = realloc(code->indirect, room * sizeof(code->indirect[0]));
        if (indirect == NULL)
            return -ENOMEM;
        code->indirect = indirect;
    }
    code->indirect[code->indirect_count++] = (struct tn_code_direct_call){function.start, call};
    return 0;
}

bool tn_code_asks_callees(struct tn_code *code)
{
    bool is_first = !code->has_callees;
    code->has_callees = true;
    return is_first;
}

uint64_t tn_code_callee_next(const struct tn_code *code, uint64_t call, size_t *cursor)
{
    while (*cursor < code->indirect_count) {
        const struct tn_code_direct_call *known = &code->indirect[(*cursor)++];
        if (known->call == call)
            return known->target;
    }
    return 0;
}
