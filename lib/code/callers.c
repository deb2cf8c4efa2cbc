/* SPDX-License-Identifier: MIT */
/* Who calls a function of the module directly: all its functions are decoded once, and their calls, and jumps
 * that leave them, are kept by their targets. Called by the engine for functions that release blocks. */
#include "functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CODE_BYTES_MAX (UINT64_C(16) << 20) /* of functions that are decoded; half a second */

struct listing {
    const struct tn_code *code;
    struct tn_code_direct_call *calls; /* owned */
    size_t count, capacity;
    uint64_t bytes_left;
};

static int add(struct listing *listing, uint64_t target, uint64_t call)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity * 2 + 1024;
        void *calls = realloc(listing->calls, capacity * sizeof(listing->calls[0]));
        if (calls == NULL)
            return -ENOMEM;
        listing->calls = calls;
        listing->capacity = capacity;
    }
    listing->calls[listing->count++] = (struct tn_code_direct_call){target, call};
    return 0;
}

static int list_function(void *context, const struct tn_code_function *function)
{
    struct listing *listing = context;
    uint64_t address = function->start;
    int r = 0;
    while (r == 0 && address < function->end && listing->bytes_left != 0) {
        struct tn_instruction instruction;
        if (!tn_code_read(listing->code, address, &instruction))
            return 0; /* a table among the code */
        address += instruction.size_bytes;
        listing->bytes_left -=
            listing->bytes_left < instruction.size_bytes ? listing->bytes_left : instruction.size_bytes;
        uint64_t target = address + (uint64_t)instruction.displacement;
        bool is_jump = instruction.flow == TN_FLOW_JUMP || instruction.flow == TN_FLOW_BRANCH;
        bool leaves = is_jump && (target < function->start || target >= function->end);
        if (leaves || instruction.is_direct)
            r = add(listing, target, address);
    }
    return r;
}

static int compare_calls(const void *a, const void *b)
{
    const struct tn_code_direct_call *left = a, *right = b;
    if (left->target != right->target)
        return left->target < right->target ? -1 : 1;
    return (left->call > right->call) - (left->call < right->call);
}

static int list_calls(struct tn_code *code)
{
    struct listing listing = {.code = code, .bytes_left = CODE_BYTES_MAX};
    int r = add(&listing, 0, 0); /* so that the list is never NULL */
    if (r == 0)
        r = tn_code_each_function(code, list_function, &listing);
    if (r < 0) {
        free(listing.calls);
        return r;
    }
    qsort(listing.calls, listing.count, sizeof(listing.calls[0]), compare_calls);
    code->calls = listing.calls;
    code->call_count = listing.count;
    return 0;
}

int tn_code_callers(struct tn_code *code, uint64_t inside, uint64_t *ret_calls, size_t capacity,
                    size_t *ret_count)
{
    struct tn_code_function function;
    *ret_count = 0;
    int r = code->calls == NULL ? list_calls(code) : 0;
    if (r < 0 || !tn_code_function(code, inside, &function))
        return r;
    size_t low = 0, high = code->call_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code->calls[middle].target < function.start)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < code->call_count && code->calls[low].target == function.start && *ret_count < capacity;
         low++)
        ret_calls[(*ret_count)++] = code->calls[low].call;
    return 0;
}

size_t tn_code_calls_in(const struct tn_code *code, uint64_t inside, uint64_t *ret_calls, size_t capacity)
{
    struct tn_code_function function;
    size_t count = 0;
    if (!tn_code_function(code, inside, &function))
        return 0;
    for (uint64_t address = function.start; address < function.end && count < capacity;) {
        struct tn_instruction instruction;
        if (!tn_code_read(code, address, &instruction))
            return count;
        address += instruction.size_bytes;
        if (instruction.flow == TN_FLOW_CALL)
            ret_calls[count++] = address;
    }
    return count;
}
