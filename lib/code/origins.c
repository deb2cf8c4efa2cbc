/* SPDX-License-Identifier: MIT */
/* What a pointer was found from that a call passes on, or that it gives back: asked of the function that
 * makes the call, and of the one that it leads to. Called by the engine to see whether an object that a
 * block's address is stored in may outlive the block. */
#include "origins.h"

#include "imports.h"

#include <errno.h>
#include <string.h>

#define INSTRUCTIONS_MAX 200000u /* of one question */
#define CALLS_MAX        5u      /* functions that each give back what the next one gave */

struct tn_code_origin tn_origin_of(const struct tn_processor *processor, struct tn_code_value value)
{
    struct tn_code_origin origin = {.is_loaded = value.is_loaded};
    bool is_reached = value.kind == TN_VALUE_REACHED;
    switch (is_reached ? value.root : value.kind) {
    case TN_VALUE_PARAMETER:
        origin.root = TN_CODE_ROOT_PARAMETER;
        origin.parameter = tn_processor_argument(processor, value.reg);
        break;
    case TN_VALUE_STACK:
        origin.root = TN_CODE_ROOT_STACK;
        break;
    case TN_VALUE_NUMBER:
        origin.root = TN_CODE_ROOT_STATIC;
        break;
    case TN_VALUE_RESULT:
        origin.root = TN_CODE_ROOT_RESULT;
        origin.call = (uint64_t)value.high;
        break;
    case TN_VALUE_BLOCK:
        origin.root = TN_CODE_ROOT_BLOCK;
        break;
    default:
        break;
    }
    bool is_one = value.kind == TN_VALUE_NUMBER && value.low == value.high;
    origin.is_exact = is_one || (!is_reached && origin.root == TN_CODE_ROOT_PARAMETER);
    origin.offset_bytes = origin.is_exact ? value.low : 0;
    return origin;
}

struct tn_code_origin tn_origin_translate(const struct tn_processor *processor, struct tn_code_origin inner,
                                          struct tn_code_value passed)
{
    if (inner.root != TN_CODE_ROOT_PARAMETER)
        return inner;
    struct tn_code_origin outer = tn_origin_of(processor, passed);
    outer.is_loaded |= inner.is_loaded;
    outer.is_exact = outer.is_exact && inner.is_exact;
    outer.offset_bytes = outer.is_exact ? outer.offset_bytes + inner.offset_bytes : 0;
    return outer;
}

/* A pointer that is asked about. */
struct pointer {
    uint64_t call;   /* where it is passed, or given back; 0: where the function returns */
    uint8_t reg;     /* that holds it before the call, or before the return */
    bool has_origin; /* the place was reached */
    struct tn_code_value value;
    struct tn_code_value arguments[TN_ARGUMENTS_MAX]; /* at that call */
};

static int see_pointer(struct tn_ways *ways, enum tn_way_event event, const struct tn_code_way *way)
{
    struct pointer *pointer = ways->context;
    struct tn_code_value *registers = way->values->registers;
    const struct tn_processor *processor = ways->code->processor;
    if (event == TN_WAY_CALLED)
        registers[processor->result_register] =
            (struct tn_code_value){.kind = TN_VALUE_RESULT, .high = (int64_t)way->end};
    bool is_it =
        pointer->call != 0 ? event == TN_WAY_CALL && way->end == pointer->call : event == TN_WAY_RETURNS;
    if (!is_it)
        return 0;
    struct tn_code_value value = registers[pointer->reg];
    pointer->value = pointer->has_origin ? tn_code_value_join(pointer->value, value, true) : value;
    pointer->has_origin = true;
    for (size_t i = 0; i < processor->argument_count; i++)
        pointer->arguments[i] = registers[processor->arguments[i]];
    return 0;
}

static int find_pointer(const struct tn_code *code, uint64_t inside, uint32_t *left, struct pointer *pointer)
{
    struct tn_ways ways = {.code = code,
                           .inside = inside,
                           .left = left,
                           .goes_on = true,
                           .see = see_pointer,
                           .context = pointer};
    int r = tn_ways_follow_entry(&ways, true);
    return r == -ENOENT || r == -EOVERFLOW ? 0 : r;
}

int tn_code_argument_origin(struct tn_code *code, uint64_t call, unsigned index,
                            struct tn_code_origin *ret_origin)
{
    uint32_t left = INSTRUCTIONS_MAX;
    *ret_origin = (struct tn_code_origin){.root = TN_CODE_ROOT_UNKNOWN};
    if (index >= code->processor->argument_count)
        return 0;
    struct pointer pointer = {.call = call, .reg = code->processor->arguments[index]};
    int r = find_pointer(code, call - 1, &left, &pointer);
    if (r == 0 && pointer.has_origin)
        *ret_origin = tn_origin_of(code->processor, pointer.value);
    return r;
}

/* What another module's function gives back may lie in an object that it was given. */
static struct tn_code_origin unknown_result(const struct tn_processor *processor,
                                            const struct pointer *at_call, uint64_t call)
{
    for (size_t i = 0; i < processor->argument_count; i++)
        if (tn_origin_of(processor, at_call->arguments[i]).root == TN_CODE_ROOT_STACK)
            return (struct tn_code_origin){.root = TN_CODE_ROOT_STACK, .is_loaded = true};
    return (struct tn_code_origin){.root = TN_CODE_ROOT_RESULT, .call = call};
}

static bool is_allocator(const char *name)
{
    static const char *const names[] = {"malloc",       "calloc", "realloc", "aligned_alloc",
                                        "reallocarray", "_Znwm",  "_Znam"};
    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static int find_result(const struct tn_code *code, uint64_t call, uint32_t *left,
                       struct tn_code_origin *ret_origin)
{
    struct pointer at_call = {.call = call}, result = {.reg = code->processor->result_register};
    uint64_t target = tn_code_call_target(code, call);
    const char *name = target != 0 ? tn_code_import_at(code, target) : NULL;
    int r = find_pointer(code, call - 1, left, &at_call);
    *ret_origin = unknown_result(code->processor, &at_call, call);
    if (r == 0 && is_allocator(name))
        ret_origin->root = TN_CODE_ROOT_NEW;
    if (r < 0 || target == 0 || name != NULL)
        return r;
    r = find_pointer(code, target, left, &result);
    struct tn_code_origin origin = tn_origin_of(code->processor, result.value);
    if (r < 0 || !result.has_origin || origin.root == TN_CODE_ROOT_UNKNOWN)
        return r;
    *ret_origin = origin.root == TN_CODE_ROOT_PARAMETER
                      ? tn_origin_translate(code->processor, origin,
                                            at_call.arguments[origin.parameter % TN_ARGUMENTS_MAX])
                      : origin;
    return 0;
}

int tn_code_result_origin(struct tn_code *code, uint64_t call, struct tn_code_origin *ret_origin)
{
    uint32_t left = INSTRUCTIONS_MAX;
    int r = find_result(code, call, &left, ret_origin);
    for (unsigned i = 0; r == 0 && i < CALLS_MAX && ret_origin->root == TN_CODE_ROOT_RESULT; i++) {
        struct tn_code_origin further;
        r = find_result(code, ret_origin->call, &left, &further);
        bool is_told = further.root == TN_CODE_ROOT_STATIC || further.root == TN_CODE_ROOT_NEW ||
                       (further.root == TN_CODE_ROOT_RESULT && further.call != ret_origin->call);
        if (r < 0 || !is_told)
            break;
        further.is_loaded |= ret_origin->is_loaded;
        *ret_origin = further;
    }
    return r;
}

bool tn_code_calls(struct tn_code *code, uint64_t call, uint64_t inside)
{
    struct tn_code_function function;
    uint64_t target = tn_code_call_target(code, call);
    return target == 0 || (tn_code_function(code, inside, &function) && function.start == target);
}

bool tn_code_is_one_function(struct tn_code *code, uint64_t one, uint64_t other)
{
    struct tn_code_function function;
    return tn_code_function(code, one, &function) && other >= function.start && other < function.end;
}
