/* SPDX-License-Identifier: MIT */
/* The jumps by which a function ends in one of another module. Debug information leaves out those whose
 * target the compiler knows by itself: clang describes no call of free. Called by lib/finish for tail calls.
 */
#include "decode.h"
#include "functions.h"
#include "imports.h"

/* The other module's function that an instruction jumps to; NULL: it is no such jump. */
static const char *target_of(const struct tn_code *code, const struct tn_instruction *instruction,
                             uint64_t end)
{
    bool is_direct = instruction->flow == TN_FLOW_JUMP || instruction->flow == TN_FLOW_BRANCH;
    if (is_direct)
        return tn_code_import_at(code, end + (uint64_t)instruction->displacement);
    bool is_jump = instruction->operands.map == TN_MAP_ONE && instruction->operands.opcode == 0xff &&
                   instruction->operands.reg == 4;
    return is_jump ? tn_code_import_read(code, instruction, end) : NULL;
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
        size_t size_bytes;
        const uint8_t *bytes = tn_code_at(code, address, &size_bytes);
        if (bytes == NULL || tn_decode(bytes, size_bytes, &instruction) < 0)
            return; /* a table among the code */
        address += instruction.size_bytes;
        const char *symbol = target_of(code, &instruction, address);
        if (symbol != NULL)
            ret_jumps[(*ret_count)++] = (struct tn_code_import_jump){address, instruction.size_bytes, symbol};
    }
}
