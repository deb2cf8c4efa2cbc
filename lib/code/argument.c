/* SPDX-License-Identifier: MIT */
/* Where the argument of a call comes from: what its register holds at the call, on all ways that lead there
 * from the entry of the function that makes the call. Called by the engine for the calls of allocators that
 * findings are about. */
#include "imports.h"
#include "value_ways.h"

#include <errno.h>

#define INSTRUCTIONS_MAX 400000u /* steps of one search; each place is visited some times */

/* What is looked for. */
struct tracing {
    uint64_t call;   /* return address of the call that is asked about; 0: the jumps out of the function */
    unsigned reg;    /* register of the argument */
    bool has_answer; /* the call was reached */
    struct tn_code_value answer;
};

static int see(struct tn_ways *ways, enum tn_way_event event, const struct tn_code_way *way)
{
    struct tracing *tracing = ways->context;
    bool is_it =
        tracing->call != 0 ? event == TN_WAY_CALL && way->end == tracing->call : event == TN_WAY_LEAVES;
    if (!is_it)
        return 0;
    struct tn_code_value value = way->values->registers[tracing->reg];
    tracing->answer = tracing->has_answer ? tn_code_value_join(tracing->answer, value, false) : value;
    tracing->has_answer = true;
    return 0;
}

/* Find what a register holds at a call, or where the function ends in a jump to another one (call 0). */
static int find(const struct tn_code *code, uint64_t inside, uint64_t call, unsigned reg,
                struct tn_code_value *ret_value)
{
    uint32_t left = INSTRUCTIONS_MAX;
    struct tracing tracing = {.call = call, .reg = reg};
    struct tn_ways ways = {.code = code, .inside = inside, .left = &left, .see = see, .context = &tracing};
    int r = tn_ways_follow_entry(&ways, false);
    *ret_value = tracing.answer;
    return r < 0 ? r : ways.is_not_known || !tracing.has_answer ? -ENOENT : 0;
}

/* The argument of the function that was reached, in the terms of the call: where the function called ends in
 * a jump to the one that was reached, its own frame is gone, and the argument is what it passes on. */
static int pass_tail_calls(const struct tn_code *code, uint64_t call, uint64_t callee, unsigned reg,
                           struct tn_code_value *ret_value)
{
    struct tn_code_function reached;
    uint64_t target = tn_code_call_target(code, call), wanted = 0;
    *ret_value = (struct tn_code_value){.kind = TN_VALUE_PARAMETER, .reg = (uint8_t)reg};
    if (callee != 0 && tn_code_function(code, callee, &reached))
        wanted = reached.start;
    bool is_it = target == 0 || (wanted != 0 ? target == wanted : tn_code_import_at(code, target) != NULL);
    return is_it ? 0 : find(code, target, 0, reg, ret_value);
}

static void describe(const struct tn_processor *processor, struct tn_code_value value,
                     struct tn_code_argument *ret_argument)
{
    ret_argument->source = TN_CODE_COMPUTED;
    if (value.kind == TN_VALUE_NUMBER) {
        ret_argument->source = TN_CODE_NUMBER;
        ret_argument->number = (uint64_t)value.high;
    } else if (value.kind == TN_VALUE_PARAMETER) {
        ret_argument->source = TN_CODE_PARAMETER;
        ret_argument->factor = 1;
        ret_argument->parameter = tn_processor_argument(processor, value.reg);
        ret_argument->number = (uint64_t)value.low;
    } else if (value.kind == TN_VALUE_MULTIPLE) {
        ret_argument->source = TN_CODE_MULTIPLE;
        ret_argument->factor = (uint64_t)value.high;
        ret_argument->parameter = tn_processor_argument(processor, value.reg);
        ret_argument->number = (uint64_t)value.low;
    }
}

/* What a callee passes on of its parameter, which is `value` at the call. Numbers wrap as registers do. */
static struct tn_code_value pass_on(struct tn_code_value passed, struct tn_code_value value)
{
    uint64_t factor = passed.kind == TN_VALUE_MULTIPLE ? (uint64_t)passed.high : 1;
    uint64_t own = value.kind == TN_VALUE_MULTIPLE ? (uint64_t)value.high : 1;
    value.low = (int64_t)((uint64_t)value.low * factor + (uint64_t)passed.low);
    if (value.kind == TN_VALUE_NUMBER)
        value.high = (int64_t)((uint64_t)value.high * factor + (uint64_t)passed.low);
    if ((value.kind != TN_VALUE_PARAMETER && value.kind != TN_VALUE_MULTIPLE) || own * factor == 1)
        return value;
    value.kind = TN_VALUE_MULTIPLE;
    value.high = (int64_t)(own * factor);
    return value;
}

int tn_code_argument(struct tn_code *code, uint64_t call, uint64_t callee, unsigned index,
                     struct tn_code_argument *ret_argument)
{
    struct tn_code_value value = {0}, passed;
    *ret_argument = (struct tn_code_argument){.source = TN_CODE_NOT_KNOWN};
    if (index >= code->processor->argument_count)
        return 0;
    uint8_t reg = code->processor->arguments[index];
    bool is_call = tn_code_is_behind_call(code, call);
    int r =
        is_call ? pass_tail_calls(code, call, callee, reg, &passed) : find(code, call - 1, 0, reg, &passed);
    value = passed;
    if (r == 0 && is_call && (passed.kind == TN_VALUE_PARAMETER || passed.kind == TN_VALUE_MULTIPLE)) {
        r = find(code, call - 1, call, passed.reg, &value);
        value = pass_on(passed, value);
    }
    if (r == -ENOENT || r == -EOVERFLOW)
        return 0;
    if (r < 0)
        return r;
    describe(code->processor, value, ret_argument);
    return 0;
}

int tn_code_tail_call(struct tn_code *code, uint64_t call, unsigned index, uint64_t *ret_target,
                      struct tn_code_argument *ret_argument)
{
    struct tn_code_value value = {0};
    uint64_t target = tn_code_call_target(code, call);
    *ret_target = target != 0 && tn_code_import_at(code, target) == NULL ? target : 0;
    *ret_argument = (struct tn_code_argument){.source = TN_CODE_NOT_KNOWN};
    if (*ret_target == 0 || index >= code->processor->argument_count)
        return 0;
    int r = find(code, target, 0, code->processor->arguments[index], &value);
    if (r == 0)
        describe(code->processor, value, ret_argument);
    return r == -ENOENT || r == -EOVERFLOW ? 0 : r;
}
