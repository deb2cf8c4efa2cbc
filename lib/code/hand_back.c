/* SPDX-License-Identifier: MIT */
/* Whether what a call returned is returned again: follows all ways from behind the call to a return, until
 * what may hold the block changes nowhere any more. Functions of the module that are given the block are
 * followed in the same way, a few deep. Called by lib/finish for functions that may be allocation wrappers.
 */
#include "functions.h"
#include "holders.h"
#include "imports.h"
#include "no_return.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INSTRUCTIONS_MAX 50000u
#define PLACES_MAX       4096u /* jump targets in one function */
#define CALLS_MAX        3u    /* functions that each call the next one with the block */

/* A place that a jump leads to, and what may hold the block there. */
struct held_target {
    uint64_t address;
    struct tn_holders holders;
    bool is_waiting; /* to be followed from */
};

/* One function on the way. */
struct hand_back {
    const struct tn_code *code;
    struct tn_map index;         /* address + 1 -> 1 + index in targets */
    struct held_target *targets; /* owned */
    size_t target_count, target_capacity;
    unsigned calls_left;
    uint32_t *instructions_left; /* of the whole question */
    bool is_unsure;              /* a way could not be followed */
    enum tn_holding result;      /* the most that was returned */
};

static int follow_all(struct hand_back *back, uint64_t address, const struct tn_holders *holders);

/* ---------------------------------------------------------------------------------------- calls */

/* What another module's function gives back. */
static enum tn_holding result_of_import(const struct tn_holders *holders, const char *name)
{
    if (name != NULL && tn_code_import_returns_first(name))
        return holders->registers[holders->processor->arguments[0]];
    return tn_holders_arguments(holders) != TN_HOLDING_NOT ? TN_HOLDING_PERHAPS : TN_HOLDING_NOT;
}

/* What a function of the module gives back when its arguments are these. */
static int result_of_function(struct hand_back *back, uint64_t address, const struct tn_holders *holders,
                              enum tn_holding *ret_result)
{
    const struct tn_processor *processor = back->code->processor;
    if (back->calls_left == 0) {
        *ret_result = TN_HOLDING_PERHAPS;
        return 0;
    }
    struct hand_back inner = {
        .code = back->code, .calls_left = back->calls_left - 1, .instructions_left = back->instructions_left};
    struct tn_holders given = {.processor = processor};
    for (size_t i = 0; i < processor->argument_count; i++)
        given.registers[processor->arguments[i]] = holders->registers[processor->arguments[i]];
    int r = follow_all(&inner, address, &given);
    *ret_result = inner.result == TN_HOLDING_NOT && inner.is_unsure ? TN_HOLDING_PERHAPS : inner.result;
    return r;
}

/* Kernels and hardened programs return and jump through a pointer by a call that only puts an address where
 * the processor expects one: what is called begins by taking it off the stack, or by writing another one over
 * it. */
static enum tn_thunk thunk_of(const struct tn_code *code, uint64_t target)
{
    struct tn_instruction first;
    if (code->processor->thunk == NULL || !tn_code_read(code, target, &first))
        return TN_THUNK_NONE;
    return code->processor->thunk(&first);
}

/* Take a call. end: address behind it. */
static int take_call(struct hand_back *back, struct tn_holders *holders,
                     const struct tn_instruction *instruction, uint64_t end)
{
    enum tn_holding result = TN_HOLDING_NOT;
    bool is_direct = instruction->is_direct;
    uint64_t target = end + (uint64_t)instruction->displacement;
    int r = 0;
    if (tn_holders_arguments(holders) == TN_HOLDING_NOT) {
        tn_holders_call(holders, TN_HOLDING_NOT);
        return 0;
    }
    const char *name =
        is_direct ? tn_code_import_at(back->code, target) : tn_code_import_read(back->code, instruction);
    if (!is_direct || name != NULL)
        result = result_of_import(holders, name);
    else
        r = result_of_function(back, target, holders, &result);
    tn_holders_call(holders, result);
    return r;
}

/* ---------------------------------------------------------------------------------------- ways */

static int find_target(struct hand_back *back, uint64_t address, struct held_target **ret_target)
{
    const uint64_t *known = tn_map_find(&back->index, address + 1);
    if (known != NULL) {
        *ret_target = &back->targets[*known - 1];
        return 0;
    }
    if (back->target_count == back->target_capacity) {
        size_t capacity = back->target_capacity * 2 + 16;
        void *targets = realloc(back->targets, capacity * sizeof(back->targets[0]));
        if (targets == NULL)
            return -ENOMEM;
        back->targets = targets;
        back->target_capacity = capacity;
    }
    *ret_target = &back->targets[back->target_count++];
    **ret_target = (struct held_target){.address = address, .is_waiting = true};
    return tn_map_put(&back->index, address + 1, back->target_count);
}

/* A way leads to an address, and these hold the block there. */
static int arrive(struct hand_back *back, uint64_t address, const struct tn_holders *holders)
{
    struct held_target *target;
    bool is_known = tn_map_find(&back->index, address + 1) != NULL;
    if (!is_known && back->target_count == PLACES_MAX) {
        back->is_unsure = true;
        return 0;
    }
    int r = find_target(back, address, &target);
    if (r < 0)
        return r;
    if (!is_known)
        target->holders = *holders;
    else if (tn_holders_join(&target->holders, holders))
        target->is_waiting = true;
    return 0;
}

static void give_back(struct hand_back *back, enum tn_holding holding)
{
    back->result = holding > back->result ? holding : back->result;
}

/* The end of a way: a return; a jump to another module's function, whose result is returned; or the program
 * stops. */
static void end_way(struct hand_back *back, const struct tn_holders *holders,
                    const struct tn_instruction *instruction)
{
    if (instruction->flow == TN_FLOW_RETURN)
        give_back(back, holders->registers[holders->processor->result_register]);
    else if (instruction->flow == TN_FLOW_LEAVE)
        give_back(back, result_of_import(holders, tn_code_import_read(back->code, instruction)));
}

/* Take a call, or what only looks like one. Returns as take. */
static int take_any_call(struct hand_back *back, struct tn_holders *holders,
                         const struct tn_instruction *instruction, uint64_t end)
{
    bool is_direct = instruction->is_direct;
    enum tn_thunk thunk =
        is_direct ? thunk_of(back->code, end + (uint64_t)instruction->displacement) : TN_THUNK_NONE;
    if (thunk == TN_THUNK_NONE && tn_code_call_ends(back->code, instruction, end))
        return 0;
    if (thunk == TN_THUNK_NONE) {
        int r = take_call(back, holders, instruction, end);
        return r < 0 ? r : 1;
    }
    if (thunk == TN_THUNK_RETURN)
        give_back(back, holders->registers[holders->processor->result_register]);
    else
        back->is_unsure = true;
    return 0;
}

/* Take one instruction. Returns 1: the way goes on behind it; 0: it does not; -ENOMEM. */
static int take(struct hand_back *back, struct tn_holders *holders, const struct tn_instruction *instruction,
                uint64_t end)
{
    int r;
    switch (instruction->flow) {
    case TN_FLOW_NEXT:
        holders->processor->step_holders(holders, instruction, end);
        return 1;
    case TN_FLOW_CALL:
        return take_any_call(back, holders, instruction, end);
    case TN_FLOW_BRANCH:
        r = arrive(back, end + (uint64_t)instruction->displacement, holders);
        return r < 0 ? r : 1;
    case TN_FLOW_JUMP:
        return arrive(back, end + (uint64_t)instruction->displacement, holders);
    case TN_FLOW_INDIRECT:
        back->is_unsure = true;
        return 0;
    default:
        end_way(back, holders, instruction);
        return 0;
    }
}

/* Follow consecutive instructions. What lies behind the end of a function is reached by nobody: it ended in a
 * call that does not come back. */
static int follow_run(struct hand_back *back, const struct held_target *from)
{
    struct tn_holders holders = from->holders;
    struct tn_code_function function;
    uint64_t address = from->address;
    uint64_t end = tn_code_function(back->code, address, &function) ? function.end : UINT64_MAX;
    int r = 1;
    while (r == 1 && address < end) {
        struct tn_instruction instruction;
        if (*back->instructions_left == 0 || !tn_code_read(back->code, address, &instruction)) {
            back->is_unsure = true;
            return 0;
        }
        --*back->instructions_left;
        address += instruction.size_bytes;
        r = take(back, &holders, &instruction, address);
    }
    return r < 0 ? r : 0;
}

static int follow_all(struct hand_back *back, uint64_t address, const struct tn_holders *holders)
{
    int r = arrive(back, address, holders);
    bool is_waiting = true;
    while (r == 0 && is_waiting && back->result != TN_HOLDING_SURE) {
        is_waiting = false;
        for (size_t i = 0; r == 0 && i < back->target_count; i++) {
            if (!back->targets[i].is_waiting)
                continue;
            struct held_target from = back->targets[i];
            back->targets[i].is_waiting = false;
            is_waiting = true;
            r = follow_run(back, &from);
        }
    }
    tn_map_finish(&back->index);
    free(back->targets);
    return r;
}

int tn_code_hands_back(struct tn_code *code, uint64_t call, enum tn_code_hand_back *ret_hand_back)
{
    uint32_t instructions_left = INSTRUCTIONS_MAX;
    struct hand_back back = {.code = code, .calls_left = CALLS_MAX, .instructions_left = &instructions_left};
    struct tn_holders holders = {.processor = code->processor};
    holders.registers[code->processor->result_register] = TN_HOLDING_SURE;
    int r = follow_all(&back, call, &holders);
    bool is_sure = back.result == TN_HOLDING_SURE;
    bool is_known = is_sure || (back.result == TN_HOLDING_NOT && !back.is_unsure);
    *ret_hand_back = TN_CODE_BACK_NOT_KNOWN;
    if (r == 0 && is_known)
        *ret_hand_back = is_sure ? TN_CODE_BACK_SOMETIMES : TN_CODE_BACK_NEVER;
    return r;
}
