/* SPDX-License-Identifier: MIT */
/* Finds functions that never return, as compilers do to leave out what would stand behind their calls: the
 * instruction behind such a call is the begin of another way, and what is known at the call does not hold
 * there. */
#include "no_return.h"

#include "functions.h"
#include "imports.h"

#include <stdlib.h>
#include <string.h>

#define INSTRUCTIONS_MAX 2000u /* of one function: what never returns is short, but for the main loops */
#define CALLS_MAX        4u    /* functions that each end in a call of the next one */
#define TARGETS_MAX      128u  /* jumps that are still to be followed */

enum { MAY_RETURN = 1, NEVER_RETURNS = 2 };

/* One function that is followed. */
struct ending {
    const struct tn_code *code;
    struct tn_code_function function;
    struct tn_map seen; /* address + 1 -> 1 */
    uint64_t targets[TARGETS_MAX];
    unsigned target_count, calls_left, instructions_left;
    bool may_return; /* a way returns, or cannot be followed */
};

static bool ends_at(const struct tn_code *code, uint64_t target, unsigned calls_left);

static bool import_ends(const char *name)
{
    static const char *const names[] = {
        "abort",
        "exit",
        "_exit",
        "_Exit",
        "quick_exit",
        "longjmp",
        "_longjmp",
        "siglongjmp",
        "__longjmp_chk",
        "__assert_fail",
        "__assert",
        "__assert_perror_fail",
        "err",
        "errx",
        "verr",
        "verrx",
        "pthread_exit",
        "thrd_exit",
        "__stack_chk_fail",
        "__chk_fail",
        "_ZSt9terminatev",
    };
    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_own(const struct ending *ending, uint64_t address)
{
    return address >= ending->function.start && address < ending->function.end;
}

/* A jump. A compiler splits parts off a function, whose addresses lie elsewhere: they are followed like it.
 */
static void jump(struct ending *ending, uint64_t target)
{
    struct tn_code_function other;
    bool is_entry = !is_own(ending, target) && tn_code_function(ending->code, target, &other) &&
                    other.is_entry && other.start == target;
    if (is_entry)
        ending->may_return |= !ends_at(ending->code, target, ending->calls_left);
    else if (ending->target_count == TARGETS_MAX)
        ending->may_return = true;
    else
        ending->targets[ending->target_count++] = target;
}

static bool call_ends(const struct tn_code *code, const struct tn_instruction *call, uint64_t end,
                      unsigned calls_left)
{
    if (!call->is_direct)
        return import_ends(tn_code_import_read(code, call));
    uint64_t target = end + (uint64_t)call->displacement;
    const char *name = tn_code_import_at(code, target);
    return name != NULL ? import_ends(name) : ends_at(code, target, calls_left);
}

/* Take an instruction. Returns whether the way goes on behind it. */
static bool take(struct ending *ending, const struct tn_instruction *instruction, uint64_t end)
{
    switch (instruction->flow) {
    case TN_FLOW_NEXT:
        return true;
    case TN_FLOW_CALL:
        /* a call into the middle of a function: hardened code returns and jumps so */
        if (instruction->is_direct && is_own(ending, end + (uint64_t)instruction->displacement))
            ending->may_return = true;
        return !call_ends(ending->code, instruction, end, ending->calls_left);
    case TN_FLOW_BRANCH:
    case TN_FLOW_JUMP:
        jump(ending, end + (uint64_t)instruction->displacement);
        return instruction->flow == TN_FLOW_BRANCH;
    case TN_FLOW_LEAVE:
        ending->may_return |= !import_ends(tn_code_import_read(ending->code, instruction));
        return false;
    case TN_FLOW_STOP:
        return false;
    default: /* a return, or a jump that is not known */
        ending->may_return = true;
        return false;
    }
}

static void follow(struct ending *ending, uint64_t address)
{
    bool goes_on = true;
    while (goes_on && !ending->may_return && tn_map_find(&ending->seen, address + 1) == NULL) {
        struct tn_instruction instruction;
        if (ending->instructions_left-- == 0 || !tn_code_read(ending->code, address, &instruction) ||
            tn_map_put(&ending->seen, address + 1, 1) < 0) {
            ending->may_return = true;
            return;
        }
        address += instruction.size_bytes;
        /* a call that is a function's last instruction is one that the compiler knows not to come back */
        goes_on = take(ending, &instruction, address) && address != ending->function.end;
    }
}

static bool find_ending(const struct tn_code *code, uint64_t target, unsigned calls_left)
{
    struct ending ending = {
        .code = code, .calls_left = calls_left - 1, .instructions_left = INSTRUCTIONS_MAX};
    if (!tn_code_function(code, target, &ending.function) || !ending.function.is_entry ||
        ending.function.start != target)
        return false;
    ending.targets[ending.target_count++] = target;
    while (ending.target_count != 0 && !ending.may_return)
        follow(&ending, ending.targets[--ending.target_count]);
    tn_map_finish(&ending.seen);
    return !ending.may_return;
}

/* Whether a function never returns. While it is followed it counts as one that may, for a call of itself. */
static bool ends_at(const struct tn_code *code, uint64_t target, unsigned calls_left)
{
    const uint64_t *answer = tn_map_find(code->endings, target + 1);
    if (answer != NULL)
        return *answer == NEVER_RETURNS;
    if (calls_left == 0 || tn_map_put(code->endings, target + 1, MAY_RETURN) < 0)
        return false;
    return find_ending(code, target, calls_left) && tn_map_put(code->endings, target + 1, NEVER_RETURNS) == 0;
}

bool tn_code_never_returns(struct tn_code *code, uint64_t inside)
{
    struct tn_code_function function;
    return tn_code_function(code, inside, &function) && ends_at(code, function.start, CALLS_MAX);
}

bool tn_code_call_ends(const struct tn_code *code, const struct tn_instruction *call, uint64_t end)
{
    return call_ends(code, call, end, CALLS_MAX);
}
