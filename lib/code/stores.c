/* SPDX-License-Identifier: MIT */
/* Where the address of a block is stored: follows the block from the call that gave it, over all ways of the
 * function and into the functions of the module that get it, and notes each store of it through a pointer,
 * with what that pointer was found from. Called by the engine for the blocks that findings are about. */
#include "stores.h"

#include "arithmetic.h"
#include "callees.h"
#include "imports.h"
#include "origins.h"

#include <errno.h>
#include <string.h>

#define INSTRUCTIONS_MAX 200000u /* of one question */
#define CALLS_MAX        5u      /* functions that each pass the block to the next */
#define ANSWERS_MAX      48u     /* functions of one question whose stores are kept */

struct answer {
    uint64_t function;
    struct given given;
    struct followed followed;
};

/* One question. */
struct store_question {
    const struct tn_code *code;
    uint32_t left;
    struct answer answers[ANSWERS_MAX];
    size_t answer_count;
};

/* One function on the way. */
struct store_tracing {
    struct store_question *question;
    uint64_t call;                      /* that gives the block; 0: none, it was given */
    const struct tn_code_stores *inner; /* what happened to the block inside that call */
    unsigned calls_left;
    struct followed own;
    struct followed called;                    /* of the call that is passed just now */
    bool is_called;                            /* it got the block, or gives it */
    struct tn_code_value before[TN_REGISTERS]; /* that call */
};

static int follow_function(struct store_question *question, uint64_t function, const struct given *given,
                           unsigned calls_left, struct followed *ret_followed);

/* ---------------------------------------------------------------------------------------- instructions */

static void see_step(struct store_tracing *tracing, const struct tn_code_way *way)
{
    const struct tn_processor *processor = tracing->question->code->processor;
    struct tn_stored stored;
    if (!processor->stores(way->values, way->instruction, way->end, &stored))
        return;
    /* lists whose links are members store the address of another element */
    tracing->own.is_linked |= stored.may_be_address && stored.address.kind == TN_VALUE_BLOCK;
    if (!stored.is_block)
        return;
    struct tn_code_store store = {.origin = tn_origin_of(processor, stored.address),
                                  .address = way->end,
                                  .is_inside = stored.is_inside};
    tn_stores_note(&tracing->own.stores, &store);
    tn_stores_leave(&way->values->left, store.origin);
    way->values->is_released = false;
    if (store.origin.root == TN_CODE_ROOT_STATIC)
        way->values->variable = tn_code_value_is_number(stored.address) ? stored.address.low : 0;
}

/* ---------------------------------------------------------------------------------------- calls */

static bool find_given(const struct tn_code_values *values, struct given *ret_given)
{
    *ret_given = (struct given){0};
    for (size_t i = 0; i < values->processor->argument_count; i++) {
        uint8_t reg = values->processor->arguments[i];
        struct tn_code_value value = values->registers[reg];
        if (value.kind == TN_VALUE_BLOCK)
            ret_given->registers |= 1u << reg;
        if (value.kind == TN_VALUE_BLOCK && value.low != 0)
            ret_given->moved |= 1u << reg;
        bool is_passed_on =
            values->has_pointed && value.kind == TN_VALUE_PARAMETER && value.reg == values->pointed_reg;
        if (is_passed_on)
            ret_given->pointed_offset = values->pointed_offset - value.low;
        else if (value.kind != TN_VALUE_STACK || ret_given->has_pointed ||
                 !tn_stores_find_pointed(values, value, &ret_given->pointed_offset))
            continue;
        ret_given->has_pointed = true;
        ret_given->pointed_reg = reg;
    }
    return ret_given->registers != 0 || ret_given->has_pointed;
}

/* What the functions do with the block that a call through a pointer was seen to lead to. */
static int ask_callees(struct store_tracing *tracing, uint64_t call, const struct given *given,
                       struct followed *ret_followed)
{
    size_t cursor = 0;
    bool is_first = true;
    int r = 0;
    for (uint64_t function;
         r == 0 && (function = tn_code_callee_next(tracing->question->code, call, &cursor)) != 0;) {
        struct followed one;
        r = follow_function(tracing->question, function, given, tracing->calls_left - 1, &one);
        for (size_t i = 0; i < one.stores.count; i++)
            tn_stores_note(&ret_followed->stores, &one.stores.items[i]);
        ret_followed->is_linked |= one.is_linked;
        ret_followed->stores.is_returned |= one.stores.is_returned;
        ret_followed->stores.left.in_variable |= one.stores.left.in_variable;
        ret_followed->stores.left.in_result |= one.stores.left.in_result;
        ret_followed->stores.left.parameters |= one.stores.left.parameters;
        if (ret_followed->stores.resize == 0)
            ret_followed->stores.resize = one.stores.resize;
        ret_followed->is_released = one.is_released && (is_first || ret_followed->is_released);
        is_first = false;
    }
    return r;
}

/* What a function that gets the block does with it. */
static int ask_callee(struct store_tracing *tracing, const struct tn_code_way *way,
                      struct followed *ret_followed, bool *ret_is_given)
{
    struct given given;
    *ret_followed = (struct followed){0};
    *ret_is_given = find_given(way->values, &given);
    if (!*ret_is_given)
        return 0;
    const struct tn_code *code = tracing->question->code;
    const char *name =
        way->target != 0 ? tn_code_import_at(code, way->target) : tn_code_import_read(code, way->instruction);
    if (name != NULL)
        tn_stores_ask_import(name, &given, way, ret_followed);
    if (name != NULL || tracing->calls_left == 0)
        return 0;
    return way->target == 0 ? ask_callees(tracing, way->end, &given, ret_followed)
                            : follow_function(tracing->question, way->target, &given, tracing->calls_left - 1,
                                              ret_followed);
}

/* The first call in this function by which realloc gets the block. */
static void take_resize(struct store_tracing *tracing, const struct tn_code_stores *called, uint64_t end)
{
    bool is_inner = tracing->call != 0 && end == tracing->call;
    if (called->resize == 0 || tracing->own.stores.resize != 0)
        return;
    tracing->own.stores.resize = is_inner ? called->resize : end;
    tracing->own.stores.resize_module_id = is_inner ? called->resize_module_id : 0;
}

static struct tn_code_value passed_as(const struct tn_code_values *values, unsigned parameter)
{
    const struct tn_processor *processor = values->processor;
    return values->registers[processor->arguments[parameter % processor->argument_count]];
}

/* The stores of a callee, in the terms of this function. A store into an object on this function's stack
 * makes that word hold the block. */
static void take_stores(struct store_tracing *tracing, const struct tn_code_stores *called,
                        struct tn_code_values *values)
{
    for (size_t i = 0; i < called->count; i++) {
        struct tn_code_store store = called->items[i];
        struct tn_code_value passed = {0};
        if (store.origin.root == TN_CODE_ROOT_PARAMETER)
            passed = passed_as(values, store.origin.parameter);
        if (passed.kind == TN_VALUE_STACK && store.origin.is_exact && !store.origin.is_loaded)
            tn_stack_word_store(values, passed.low + store.origin.offset_bytes, 8,
                                (struct tn_code_value){.kind = TN_VALUE_BLOCK});
        store.origin = tn_origin_translate(values->processor, store.origin, passed);
        if (store.holder.root == TN_CODE_ROOT_PARAMETER)
            store.holder = tn_origin_translate(values->processor, store.holder,
                                               passed_as(values, store.holder.parameter));
        tn_stores_note(&tracing->own.stores, &store);
    }
}

/* Where the block is after a call, and whether it is released. */
static void take_state(const struct followed *called, struct tn_code_values *values)
{
    const struct tn_block_left *left = &called->stores.left;
    struct tn_block_left *own = &values->left;
    if (called->is_released)
        *own = (struct tn_block_left){0};
    if (left->in_variable)
        values->variable = 0;
    own->in_variable |= left->in_variable;
    for (unsigned i = 0; i < values->processor->argument_count; i++)
        if ((left->parameters & 1u << i) != 0)
            tn_stores_leave(own, tn_origin_of(values->processor, passed_as(values, i)));
    values->is_released = (values->is_released || called->is_released) && !tn_stores_is_left(own);
}

static int see_call(struct store_tracing *tracing, const struct tn_code_way *way)
{
    int r = 0;
    memcpy(tracing->before, way->values->registers, sizeof(tracing->before));
    if (tracing->call != 0 && way->end == tracing->call) {
        tracing->called = (struct followed){.stores = *tracing->inner};
        tracing->is_called = true;
    } else {
        r = ask_callee(tracing, way, &tracing->called, &tracing->is_called);
    }
    if (r == 0 && tracing->is_called) {
        take_stores(tracing, &tracing->called.stores, way->values);
        take_resize(tracing, &tracing->called.stores, way->end);
        take_state(&tracing->called, way->values);
    }
    return r;
}

/* What a function that was followed gives back, in the terms of its caller. */
static struct tn_code_value result_of(const struct store_tracing *tracing, const struct tn_code_way *way)
{
    const struct followed *called = &tracing->called;
    struct tn_code_value other = {.kind = TN_VALUE_RESULT, .high = (int64_t)way->end};
    if (!tracing->is_called)
        return other;
    if (called->stores.is_returned)
        return (struct tn_code_value){.kind = TN_VALUE_BLOCK};
    if (!called->has_result || called->result.kind != TN_VALUE_PARAMETER)
        return other;
    struct tn_code_value passed = tracing->before[called->result.reg % TN_REGISTERS];
    if (passed.kind == TN_VALUE_PARAMETER || passed.kind == TN_VALUE_STACK)
        passed.low += called->result.low;
    return passed;
}

/* A compiler that knows the function called uses registers that it leaves alone (GCC's -fipa-ra). Others
 * never use what a call may have changed, so it does no harm to keep it. */
static void see_called(const struct store_tracing *tracing, const struct tn_code_way *way)
{
    const struct tn_processor *processor = tracing->question->code->processor;
    bool is_own = way->target != 0 && tn_code_import_at(tracing->question->code, way->target) == NULL;
    for (size_t i = 0; is_own && i < processor->lost_count; i++)
        way->values->registers[processor->lost[i]] = tracing->before[processor->lost[i]];
    way->values->registers[processor->result_register] = result_of(tracing, way);
}

/* A way ends: only where all ways release the block, the function does. */
static void see_end(struct followed *own, const struct tn_code_values *values)
{
    own->stores.left.in_variable |= values->left.in_variable;
    own->stores.left.parameters |= values->left.parameters;
    own->is_released = values->is_released && (own->is_released || !own->has_end);
    own->has_end = true;
}

static int see_leave(struct store_tracing *tracing, const struct tn_code_way *way)
{
    struct followed called;
    bool is_given;
    int r = ask_callee(tracing, way, &called, &is_given);
    if (r == 0 && is_given) {
        take_stores(tracing, &called.stores, way->values);
        take_resize(tracing, &called.stores, way->end);
        tracing->own.stores.is_returned |= called.stores.is_returned;
        tracing->own.stores.left.in_result |= called.stores.left.in_result;
        take_state(&called, way->values);
    }
    see_end(&tracing->own, way->values);
    return r;
}

static void see_return(struct followed *own, const struct tn_code_values *values)
{
    struct tn_code_value result = values->registers[values->processor->result_register];
    see_end(own, values);
    own->stores.is_returned |= result.kind == TN_VALUE_BLOCK;
    own->stores.left.in_result |= result.kind == TN_VALUE_BLOCK && !values->is_released;
    own->result = own->has_result ? tn_code_value_join(own->result, result, true) : result;
    own->has_result = true;
}

static int see(struct tn_ways *ways, enum tn_way_event event, const struct tn_code_way *way)
{
    struct store_tracing *tracing = ways->context;
    switch (event) {
    case TN_WAY_STEP:
        see_step(tracing, way);
        return 0;
    case TN_WAY_CALL:
        return see_call(tracing, way);
    case TN_WAY_CALLED:
        see_called(tracing, way);
        return 0;
    case TN_WAY_LEAVES:
        return see_leave(tracing, way);
    default:
        see_return(&tracing->own, way->values);
        return 0;
    }
}

/* ---------------------------------------------------------------------------------------- functions */

/* A member by which the block is in a list stands for the block. */
static void tell_members(struct followed *own)
{
    for (size_t i = 0; i < own->stores.count; i++)
        own->stores.items[i].is_inside &= !own->is_linked;
}

/* What cannot be followed, or is too much, is no error: what was seen until then is true. */
static int follow_ways(struct store_tracing *tracing, struct tn_ways *ways,
                       const struct tn_code_values *values)
{
    *ways = (struct tn_ways){.code = tracing->question->code,
                             .inside = ways->inside,
                             .left = &tracing->question->left,
                             .goes_on = true,
                             .see = see,
                             .context = tracing};
    int r = values != NULL ? tn_ways_follow(ways, values) : tn_ways_follow_entry(ways, true);
    if (r < 0) { /* where it ends is not known */
        tracing->own.stores.left.in_variable = true;
        tracing->own.is_released = false;
    }
    tell_members(&tracing->own);
    return r == -ENOENT || r == -EOVERFLOW ? 0 : r;
}

/* Where what a call gave is put itself: what was stored in a node that is linked into a list is kept there.
 */
static int find_holder(const struct store_tracing *tracing, struct tn_code_store *store)
{
    static const struct tn_code_stores given_back = {.is_returned = true};
    struct store_tracing holder = {.question = tracing->question,
                                   .call = store->origin.call,
                                   .inner = &given_back,
                                   .calls_left = tracing->calls_left};
    struct tn_ways ways = {.inside = store->origin.call - 1};
    int r = follow_ways(&holder, &ways, NULL);
    const struct tn_code_stores *found = &holder.own.stores;
    store->is_holder_known = true;
    if (found->is_returned && found->count == 0) /* else it may just be left in the register */
        store->holder.root = TN_CODE_ROOT_RESULT;
    for (size_t i = 0; i < found->count; i++)
        if (store->holder.root == TN_CODE_ROOT_UNKNOWN ||
            found->items[i].origin.root != TN_CODE_ROOT_PARAMETER)
            store->holder = found->items[i].origin;
    return r;
}

/* Those of the stores of this function itself. */
static int find_holders(struct store_tracing *tracing)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < tracing->own.stores.count; i++) {
        struct tn_code_store *store = &tracing->own.stores.items[i];
        if (store->origin.root == TN_CODE_ROOT_RESULT && !store->is_holder_known)
            r = find_holder(tracing, store);
    }
    return r;
}

static bool is_same(const struct given *one, const struct given *other)
{
    return one->registers == other->registers && one->moved == other->moved &&
           one->has_pointed == other->has_pointed &&
           (!one->has_pointed ||
            (one->pointed_reg == other->pointed_reg && one->pointed_offset == other->pointed_offset));
}

static void begin_given(const struct store_question *question, const struct given *given,
                        struct tn_code_values *ret_values)
{
    tn_code_values_begin(ret_values, question->code->processor, true);
    ret_values->follows_block = true;
    ret_values->code = question->code;
    ret_values->has_pointed = given->has_pointed;
    ret_values->pointed_reg = given->pointed_reg;
    ret_values->pointed_offset = given->pointed_offset;
    for (unsigned reg = 0; reg < TN_REGISTERS; reg++)
        if ((given->registers & 1u << reg) != 0)
            ret_values->registers[reg] =
                (struct tn_code_value){.kind = TN_VALUE_BLOCK, .low = (given->moved & 1u << reg) != 0};
}

/* An answer is kept before it is known: a function that calls itself adds nothing to what it
 * does. */
static int follow_function(struct store_question *question, uint64_t function, const struct given *given,
                           unsigned calls_left, struct followed *ret_followed)
{
    for (size_t i = 0; i < question->answer_count; i++)
        if (question->answers[i].function == function && is_same(&question->answers[i].given, given)) {
            *ret_followed = question->answers[i].followed;
            return 0;
        }
    struct store_tracing tracing = {.question = question, .calls_left = calls_left};
    struct tn_ways ways = {.inside = function};
    struct tn_code_values values;
    size_t own = question->answer_count;
    if (own == ANSWERS_MAX)
        return 0;
    question->answers[question->answer_count++] = (struct answer){.function = function, .given = *given};
    begin_given(question, given, &values);
    int r = follow_ways(&tracing, &ways, &values);
    if (r == 0)
        r = find_holders(&tracing);
    question->answers[own].followed = *ret_followed = tracing.own;
    return r;
}

int tn_code_block_stores(struct tn_code *code, uint64_t call, const struct tn_code_stores *inner,
                         struct tn_code_stores *ret_stores)
{
    struct store_question question = {.code = code, .left = INSTRUCTIONS_MAX};
    struct store_tracing tracing = {
        .question = &question, .call = call, .inner = inner, .calls_left = CALLS_MAX};
    struct tn_ways ways = {.inside = call - 1};
    int r = follow_ways(&tracing, &ways, NULL);
    if (r == 0)
        r = find_holders(&tracing);
    *ret_stores = tracing.own.stores;
    return r;
}
