/* SPDX-License-Identifier: MIT */
/* x86-64 with the System V ABI: its table, and how an instruction is read from a module. What calls and jumps
 * read from memory is noted here, since that takes their address. Used by all of lib/code, through the table.
 */
#include "processor_x86_64.h"

#include <elf.h>

static const uint8_t arguments[] = {TN_RDI, TN_RSI, TN_RDX, TN_RCX, 8, 9};
static const uint8_t lost[] = {TN_RAX, TN_RCX, TN_RDX, TN_RSI, TN_RDI, 8, 9, 10, 11};

/* Calls of imported functions, and the stubs of these, read a word that is relative to the instruction. */
static bool read(const struct tn_code *code, uint64_t address, struct tn_instruction *ret_instruction)
{
    size_t size_bytes;
    const uint8_t *bytes = tn_code_at(code, address, &size_bytes);
    if (bytes == NULL || tn_decode_x86_64(bytes, size_bytes, ret_instruction) < 0)
        return false;
    const struct tn_operands_x86_64 *operands = &ret_instruction->operands.x86_64;
    bool is_through_memory = (ret_instruction->flow == TN_FLOW_CALL && !ret_instruction->is_direct) ||
                             ret_instruction->flow == TN_FLOW_LEAVE;
    if (is_through_memory && operands->has_modrm && operands->is_rip_relative)
        ret_instruction->read_address =
            address + ret_instruction->size_bytes + (uint64_t)(int64_t)operands->memory_displacement;
    return true;
}

/* lea 8(%rsp), %rsp takes the return address off; mov REG, (%rsp) writes another one over it. */
static enum tn_thunk thunk(const struct tn_instruction *first)
{
    const struct tn_operands_x86_64 *operands = &first->operands.x86_64;
    if (!operands->is_memory || operands->base != TN_RSP || operands->index != TN_NO_REGISTER ||
        !operands->is_wide)
        return TN_THUNK_NONE;
    int32_t offset_bytes = operands->memory_displacement;
    if (operands->opcode == 0x8d && operands->reg == TN_RSP && offset_bytes == 8)
        return TN_THUNK_RETURN;
    return operands->opcode == 0x89 && offset_bytes == 0 ? TN_THUNK_POINTER : TN_THUNK_NONE;
}

const struct tn_processor tn_processor_x86_64 = {
    .machine = EM_X86_64,
    .register_count = 16,
    .stack_register = TN_RSP,
    .frame_register = TN_RBP,
    .result_register = TN_RAX,
    .argument_count = sizeof(arguments),
    .arguments = arguments,
    .lost = lost,
    .lost_count = sizeof(lost),
    .entry_base = 7,
    .entry_offset_bytes = 8,
    .import_types = {R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT},
    .stub_instructions = 3, /* endbr64, perhaps one more, the jump */
    .call_bytes_min = 2,
    .call_bytes_max = 8, /* prefix, REX, opcode, ModRM, SIB, 4 */
    .direct_call_bytes = 5,
    .read = read,
    .step = tn_x86_64_step,
    .step_holders = tn_x86_64_step_holders,
    .stores = tn_x86_64_stores,
    .thunk = thunk,
};
