/* SPDX-License-Identifier: MIT */
/* The jumps by which a function ends in one of another module. Debug information leaves out those whose
 * target the compiler knows by itself: clang describes no call of free. Called by lib/finish for tail calls.
 */
#include "functions.h"
#include "imports.h"

/* The other module's function that an instruction jumps to; NULL: it is no such jump. */
static const char *target_of(const struct tn_code *code, const struct tn_instruction *instruction,
                             uint64_t end)
{
    bool is_direct = instruction->flow == TN_FLOW_JUMP || instruction->flow == TN_FLOW_BRANCH;
    if (is_direct)
        return tn_code_import_at(code, end + (uint64_t)instruction->displacement);
    return instruction->flow == TN_FLOW_LEAVE ? tn_code_import_read(code, instruction) : NULL;
}

void tn_code_import_jumps(const struct tn_code *code, uint64_t inside, struct tn_code_import_jump *ret_jumps,
                          size_t capacity, size_t *ret_count)
{
    struct tn_code_function function;
    *ret_count = 0;
    if (!tn_code_function(code, inside, &function))
        return;
    for (uint64_t address = function.start; address < function.end && *ret_count < capacity;) {
        struct tn_instruction instruction;
        if (!tn_code_read(code, address, &instruction))
            return; /* a table among the code */
        address += instruction.size_bytes;
        const char *symbol = target_of(code, &instruction, address);
        if (symbol != NULL)
            ret_jumps[(*ret_count)++] = (struct tn_code_import_jump){address, instruction.size_bytes, symbol};
    }
}
