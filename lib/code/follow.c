/* SPDX-License-Identifier: MIT */
/* Searches the code between two calls: follows jumps from behind the first one until the second is reached or
 * every path has returned. Each instruction is visited once, and at most 100,000 are. */
#include "functions.h"
#include "module_code.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define INSTRUCTIONS_MAX 100000u

struct search {
    const struct tn_code *code;
    struct tn_map seen; /* address of an instruction + 1 -> 1 */
    uint64_t *targets;  /* owned; jump targets that are still to be visited */
    size_t target_count, target_capacity;
    uint64_t to;             /* the byte before it belongs to the instruction that is looked for */
    bool is_to_jump;         /* that is a jump, not a call */
    const uint64_t *without; /* borrowed; return addresses of calls that no way goes on behind */
    size_t without_count;
    uint32_t left; /* instructions that may still be visited */
};

/* How a run of instructions ended. */
enum outcome { OUTCOME_ENDED, OUTCOME_FOUND, OUTCOME_UNKNOWN };

bool tn_code_is_behind_call(const struct tn_code *code, uint64_t address)
{
    uint32_t most = code->processor->call_bytes_max;
    for (uint64_t size = code->processor->call_bytes_min; size <= most && size <= address; size++) {
        struct tn_instruction instruction;
        if (tn_code_read(code, address - size, &instruction) && instruction.flow == TN_FLOW_CALL &&
            instruction.size_bytes == size)
            return true;
    }
    return false;
}

static int add_target(struct search *search, uint64_t address)
{
    if (search->target_count == search->target_capacity) {
        size_t capacity = search->target_capacity * 2 + 64;
        void *targets = realloc(search->targets, capacity * sizeof(search->targets[0]));
        if (targets == NULL)
            return -ENOMEM;
        search->targets = targets;
        search->target_capacity = capacity;
    }
    search->targets[search->target_count++] = address;
    return 0;
}

static bool is_left_out(const struct search *search, uint64_t call)
{
    for (size_t i = 0; i < search->without_count; i++)
        if (search->without[i] == call)
            return true;
    return false;
}

/* Follow consecutive instructions, up to one that was visited before or leads elsewhere. Returns an outcome
 * or -ENOMEM. */
static int follow_run(struct search *search, uint64_t address)
{
    int r = 0;
    while (r == 0) {
        struct tn_instruction instruction;
        if (tn_map_find(&search->seen, address + 1) != NULL)
            return OUTCOME_ENDED;
        if (search->left == 0 || !tn_code_read(search->code, address, &instruction))
            return OUTCOME_UNKNOWN;
        search->left--;
        r = tn_map_put(&search->seen, address + 1, 1);
        address += instruction.size_bytes;
        if (search->to <= address && search->to > address - instruction.size_bytes &&
            (instruction.flow == TN_FLOW_CALL) != search->is_to_jump)
            return OUTCOME_FOUND;
        if (instruction.flow == TN_FLOW_CALL && is_left_out(search, address))
            return OUTCOME_ENDED;
        if (instruction.flow == TN_FLOW_INDIRECT)
            return OUTCOME_UNKNOWN;
        if (r == 0 && (instruction.flow == TN_FLOW_BRANCH || instruction.flow == TN_FLOW_JUMP))
            r = add_target(search, address + (uint64_t)instruction.displacement);
        bool goes_on = instruction.flow == TN_FLOW_NEXT || instruction.flow == TN_FLOW_CALL ||
                       instruction.flow == TN_FLOW_BRANCH;
        if (r == 0 && !goes_on)
            return OUTCOME_ENDED;
    }
    return r;
}

/* around: no way goes on there; 0: nowhere */
static int reaches(struct tn_code *code, uint64_t from, uint64_t to, bool is_to_jump, uint64_t around)
{
    struct search search = {.code = code, .to = to, .is_to_jump = is_to_jump, .left = INSTRUCTIONS_MAX};
    int r = add_target(&search, from);
    if (r == 0 && around != 0)
        r = tn_map_put(&search.seen, around + 1, 1);
    if (r == 0)
        r = OUTCOME_ENDED;
    while (r == OUTCOME_ENDED && search.target_count != 0)
        r = follow_run(&search, search.targets[--search.target_count]);
    tn_map_finish(&search.seen);
    free(search.targets);
    return r < 0 ? r : r != OUTCOME_ENDED;
}

/* Where one way cannot be followed, another one may still lead there. */
int tn_code_enters_without(struct tn_code *code, uint64_t call, const uint64_t *without, size_t without_count)
{
    struct tn_code_function function;
    struct search search = {.code = code,
                            .to = call,
                            .without = without,
                            .without_count = without_count,
                            .left = INSTRUCTIONS_MAX};
    if (!tn_code_is_behind_call(code, call) || !tn_code_function(code, call - 1, &function) ||
        !function.is_entry)
        return 0;
    int r = add_target(&search, function.start);
    while (r >= 0 && r != OUTCOME_FOUND && search.target_count != 0)
        r = follow_run(&search, search.targets[--search.target_count]);
    tn_map_finish(&search.seen);
    free(search.targets);
    return r < 0 ? r : r == OUTCOME_FOUND;
}

int tn_code_follows(struct tn_code *code, uint64_t from, uint64_t to)
{
    bool is_told =
        code->can_be_followed && tn_code_is_behind_call(code, from) && tn_code_is_behind_call(code, to);
    return is_told ? reaches(code, from, to, false, 0) : 1;
}

int tn_code_reaches_jump(struct tn_code *code, uint64_t from, uint64_t jump)
{
    return code->can_be_followed && tn_code_is_behind_call(code, from) ? reaches(code, from, jump, true, 0)
                                                                       : 1;
}

int tn_code_reaches_around(struct tn_code *code, uint64_t from, uint64_t to, uint64_t around)
{
    bool is_told = code->can_be_followed && tn_code_is_behind_call(code, from);
    return is_told ? reaches(code, from, to, !tn_code_is_behind_call(code, to), around) : 1;
}
