/* SPDX-License-Identifier: MIT */
/* Where the argument of a call comes from: follows values from the entry of the function that makes the call,
 * over all ways that lead there, until nothing changes any more. A switch's table is read as compilers of
 * today write it; any other jump through a register, or code that is not understood, ends with not knowing.
 * Called by the engine for the calls of allocators that findings are about. */
#include "code_values.h"
#include "functions.h"
#include "imports.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>

#define INSTRUCTIONS_MAX 400000u /* steps of one search; each place is visited some times */
#define PLACES_MAX       20000u  /* jump targets of a function */
#define TABLE_MAX        1024u   /* entries of a switch's table */
#define TAIL_CALLS_MAX   3u      /* functions that each end in a jump to the next */

/* A place that a jump leads to, and what is known there. */
struct landing {
    uint64_t address;
    struct tn_code_values values;
    bool is_reached, is_waiting;
};

struct tracing {
    const struct tn_code *code;
    struct tn_code_function function;
    struct tn_map index;    /* address + 1 -> 1 + index in places */
    struct landing *places; /* owned */
    size_t count, capacity;
    uint64_t call;     /* return address of the call that is asked about; 0: the jumps out of the function */
    unsigned reg;      /* register of the argument */
    bool has_answer;   /* the call was reached */
    bool is_not_known; /* a way could not be followed */
    struct tn_code_value answer;
    uint32_t left; /* instructions that may still be visited */
};

static int find_place(struct tracing *tracing, uint64_t address, struct landing **ret_place)
{
    const uint64_t *known = tn_map_find(&tracing->index, address + 1);
    if (known != NULL) {
        *ret_place = &tracing->places[*known - 1];
        return 0;
    }
    if (tracing->count == PLACES_MAX)
        return -EOVERFLOW;
    if (tracing->count == tracing->capacity) {
        size_t capacity = tracing->capacity * 2 + 32;
        void *places = realloc(tracing->places, capacity * sizeof(tracing->places[0]));
        if (places == NULL)
            return -ENOMEM;
        tracing->places = places;
        tracing->capacity = capacity;
    }
    *ret_place = &tracing->places[tracing->count++];
    **ret_place = (struct landing){.address = address};
    return tn_map_put(&tracing->index, address + 1, tracing->count);
}

/* A way leads to an address with these values. */
static int arrive(struct tracing *tracing, uint64_t address, const struct tn_code_values *values)
{
    struct landing *place;
    int r = find_place(tracing, address, &place);
    if (r < 0)
        return r;
    if (!place->is_reached) {
        place->values = *values;
        place->is_reached = place->is_waiting = true;
    } else if (tn_code_values_join(&place->values, values)) {
        place->is_waiting = true;
    }
    return 0;
}

static void answer(struct tracing *tracing, const struct tn_code_values *values)
{
    struct tn_code_value value = values->registers[tracing->reg];
    tracing->answer = tracing->has_answer ? tn_code_value_join(tracing->answer, value) : value;
    tracing->has_answer = true;
}

static bool is_inside(const struct tracing *tracing, uint64_t address)
{
    return address >= tracing->function.start && address < tracing->function.end;
}

/* A jump: within the function, into a part of it that was split off, or to another function, which is called
 * so. */
static int jump(struct tracing *tracing, uint64_t target, const struct tn_code_values *values)
{
    struct tn_code_function other;
    bool is_own = is_inside(tracing, target) || (tn_code_function(tracing->code, target, &other) &&
                                                 !(other.is_entry && other.start == target));
    if (is_own && target != tracing->function.start)
        return arrive(tracing, target, values);
    if (tracing->call == 0)
        answer(tracing, values);
    return 0;
}

/* The targets of a switch: a table of offsets from its own begin, behind which something else lies. */
static int jump_by_table(struct tracing *tracing, const struct tn_code_values *values)
{
    int r = 0;
    unsigned count = 0;
    uint64_t table = (uint64_t)values->table;
    for (; values->table != 0 && r == 0 && count < TABLE_MAX; count++) {
        int32_t offset;
        if (!tn_code_read_offset(tracing->code, table + 4 * count, &offset) ||
            !is_inside(tracing, table + (uint64_t)(int64_t)offset))
            break;
        r = arrive(tracing, table + (uint64_t)(int64_t)offset, values);
    }
    if (count == 0)
        tracing->is_not_known = true;
    return r;
}

/* Take one instruction that may lead elsewhere. *ret_goes_on: it may also go on behind itself. */
static int leave(struct tracing *tracing, const struct tn_instruction *instruction, uint64_t end,
                 const struct tn_code_values *values, bool *ret_goes_on)
{
    uint64_t target = end + (uint64_t)instruction->displacement;
    *ret_goes_on = instruction->flow == TN_FLOW_NEXT || instruction->flow == TN_FLOW_CALL ||
                   instruction->flow == TN_FLOW_BRANCH;
    switch (instruction->flow) {
    case TN_FLOW_CALL:
        if (end == tracing->call)
            answer(tracing, values);
        return 0;
    case TN_FLOW_BRANCH:
    case TN_FLOW_JUMP:
        return jump(tracing, target, values);
    case TN_FLOW_INDIRECT:
        return jump_by_table(tracing, values);
    case TN_FLOW_END:
        if (tracing->call == 0 && instruction->operands.opcode == 0xff)
            answer(tracing, values);
        return 0;
    default:
        return 0;
    }
}

/* Follow instructions from a place on, up to the next one that a jump leads to. A function that ends with a
 * call has called one that does not return. */
static int follow(struct tracing *tracing, uint64_t address, struct tn_code_values values)
{
    bool is_first = true, goes_on = true;
    int r = 0;
    struct tn_code_function own;
    uint64_t end = tn_code_function(tracing->code, address, &own) ? own.end : tracing->function.end;
    while (r == 0 && goes_on && address < end) {
        struct tn_instruction instruction;
        size_t size_bytes;
        if (!is_first && tn_map_find(&tracing->index, address + 1) != NULL)
            return arrive(tracing, address, &values);
        is_first = false;
        const uint8_t *bytes = tn_code_at(tracing->code, address, &size_bytes);
        if (tracing->left == 0 || bytes == NULL || tn_decode(bytes, size_bytes, &instruction) < 0) {
            tracing->is_not_known = true;
            return 0;
        }
        tracing->left--;
        address += instruction.size_bytes;
        r = leave(tracing, &instruction, address, &values, &goes_on);
        if (instruction.flow == TN_FLOW_NEXT || instruction.flow == TN_FLOW_CALL)
            tn_code_values_step(&values, &instruction, address);
    }
    return r;
}

/* A target inside a run that was followed before it was known to be one: its values have to arrive there, so
 * all that was reached is followed once more. */
static int settle(struct tracing *tracing)
{
    int r = 0;
    for (bool is_busy = true; is_busy && r == 0 && !tracing->is_not_known;) {
        is_busy = false;
        size_t known = tracing->count;
        for (size_t i = 0; i < tracing->count && r == 0; i++) {
            if (!tracing->places[i].is_waiting)
                continue;
            tracing->places[i].is_waiting = false;
            is_busy = true;
            r = follow(tracing, tracing->places[i].address, tracing->places[i].values);
        }
        for (size_t i = 0; i < tracing->count && tracing->count != known; i++)
            tracing->places[i].is_waiting |= tracing->places[i].is_reached;
    }
    return r;
}

/* Find what a register holds at a call, or where the function ends in a jump to another one (call 0). */
static int find(const struct tn_code *code, uint64_t inside, uint64_t call, unsigned reg,
                struct tn_code_value *ret_value)
{
    struct tracing tracing = {.code = code, .call = call, .reg = reg, .left = INSTRUCTIONS_MAX};
    struct tn_code_values values;
    if (!tn_code_function(code, inside, &tracing.function))
        return -ENOENT;
    tn_code_values_begin(&values, tracing.function.is_entry);
    int r = arrive(&tracing, tracing.function.start, &values);
    if (r == 0)
        r = settle(&tracing);
    *ret_value = tracing.answer;
    tn_map_finish(&tracing.index);
    free(tracing.places);
    return r < 0 ? r : tracing.is_not_known || !tracing.has_answer ? -ENOENT : 0;
}

static const uint8_t argument_registers[] = {7, 6, 2, 1, 8, 9}; /* rdi, rsi, rdx, rcx, r8, r9 */

static unsigned index_of(uint8_t reg)
{
    unsigned index = 0;
    while (index < sizeof(argument_registers) && argument_registers[index] != reg)
        index++;
    return index;
}

/* The direct call that ends at an address. Returns its target, or 0: there is none, or it is indirect. */
static uint64_t target_of(const struct tn_code *code, uint64_t call)
{
    struct tn_instruction instruction;
    size_t size_bytes;
    const uint8_t *bytes = call >= 5 ? tn_code_at(code, call - 5, &size_bytes) : NULL;
    if (bytes == NULL || tn_decode(bytes, size_bytes, &instruction) < 0 || instruction.size_bytes != 5 ||
        instruction.flow != TN_FLOW_CALL)
        return 0;
    return call + (uint64_t)instruction.displacement;
}

/* The argument of the function that was reached, in the terms of the call: where the function called ends in
 * a jump to the one that was reached, its own frame is gone, and the argument is what it passes on. */
static int pass_tail_calls(const struct tn_code *code, uint64_t call, uint64_t callee, unsigned reg,
                           struct tn_code_value *ret_value)
{
    struct tn_code_function reached;
    uint64_t target = target_of(code, call), wanted = 0;
    *ret_value = (struct tn_code_value){TN_VALUE_PARAMETER, (uint8_t)reg, 0, 0};
    if (callee != 0 && tn_code_function(code, callee, &reached))
        wanted = reached.start;
    bool is_it = target == 0 || (wanted != 0 ? target == wanted : tn_code_import_at(code, target) != NULL);
    return is_it ? 0 : find(code, target, 0, reg, ret_value);
}

static void describe(struct tn_code_value value, struct tn_code_argument *ret_argument)
{
    ret_argument->source = TN_CODE_COMPUTED;
    if (value.kind == TN_VALUE_NUMBER) {
        ret_argument->source = TN_CODE_NUMBER;
        ret_argument->number = (uint64_t)value.high;
    } else if (value.kind == TN_VALUE_PARAMETER) {
        ret_argument->source = TN_CODE_PARAMETER;
        ret_argument->parameter = index_of(value.reg);
        ret_argument->number = (uint64_t)value.low;
    }
}

int tn_code_argument(struct tn_code *code, uint64_t call, uint64_t callee, unsigned index,
                     struct tn_code_argument *ret_argument)
{
    struct tn_code_value value = {0}, passed;
    *ret_argument = (struct tn_code_argument){.source = TN_CODE_NOT_KNOWN};
    if (index >= sizeof(argument_registers))
        return 0;
    uint8_t reg = argument_registers[index];
    bool is_call = tn_code_is_behind_call(code, call);
    int r =
        is_call ? pass_tail_calls(code, call, callee, reg, &passed) : find(code, call - 1, 0, reg, &passed);
    value = passed;
    if (r == 0 && is_call && passed.kind == TN_VALUE_PARAMETER) {
        r = find(code, call - 1, call, passed.reg, &value);
        value.low += passed.low;
        value.high += value.kind == TN_VALUE_NUMBER ? passed.low : 0;
    }
    if (r == -ENOENT || r == -EOVERFLOW)
        return 0;
    if (r < 0)
        return r;
    describe(value, ret_argument);
    return 0;
}

int tn_code_tail_call(struct tn_code *code, uint64_t call, unsigned index, uint64_t *ret_target,
                      struct tn_code_argument *ret_argument)
{
    struct tn_code_value value = {0};
    uint64_t target = target_of(code, call);
    *ret_target = target != 0 && tn_code_import_at(code, target) == NULL ? target : 0;
    *ret_argument = (struct tn_code_argument){.source = TN_CODE_NOT_KNOWN};
    if (*ret_target == 0 || index >= sizeof(argument_registers))
        return 0;
    int r = find(code, target, 0, argument_registers[index], &value);
    if (r == 0)
        describe(value, ret_argument);
    return r == -ENOENT || r == -EOVERFLOW ? 0 : r;
}
