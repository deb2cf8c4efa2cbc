/* SPDX-License-Identifier: MIT */
/* 64-bit Arm with its procedure call standard: its table, and how an instruction is read from a module. An
 * address that calls and jumps go to is loaded into a register before, so the instructions before a jump
 * through a register say whether a word of memory names its target. */
#include "processor_aarch64.h"

#include "encodings_aarch64.h"

#include <elf.h>

#define LOOK_BACK 8u /* instructions before a jump that the address of its target is looked for in */

static const uint8_t arguments[] = {0, 1, 2, 3, 4, 5, 6, 7};
static const uint8_t lost[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 30};

static bool decode_at(const struct tn_code *code, uint64_t address, struct tn_instruction *ret_instruction)
{
    size_t size_bytes;
    const uint8_t *bytes = tn_code_at(code, address, &size_bytes);
    return bytes != NULL && tn_decode_aarch64(bytes, size_bytes, ret_instruction) == 0;
}

static bool writes(const struct tn_operands_aarch64 *operands, uint8_t reg)
{
    return operands->operation == TN_A64_STORE ? operands->status == reg
                                               : operands->rd == reg || operands->ra == reg;
}

/* The word that a register was loaded from by the instructions before an address: adrp PAGE; ldr REG, [PAGE,
 * #OFFSET], with others between them. Returns 0 where it was not. */
static uint64_t word_of(const struct tn_code *code, uint64_t address, uint8_t reg)
{
    struct tn_instruction before;
    const struct tn_operands_aarch64 *operands = &before.operands.aarch64;
    uint64_t offset = 0;
    bool is_loaded = false;
    for (unsigned i = 0; i < LOOK_BACK && address >= TN_A64_BYTES; i++) {
        address -= TN_A64_BYTES;
        if (!decode_at(code, address, &before) || before.flow != TN_FLOW_NEXT)
            return 0;
        bool is_load = operands->operation == TN_A64_LOAD && operands->rd == reg && operands->bytes == 8 &&
                       operands->mode == TN_A64_OFFSET && operands->ra == TN_NO_REGISTER;
        if (is_load && !is_loaded) {
            is_loaded = true;
            offset = (uint64_t)operands->immediate;
            reg = operands->rn;
        } else if (is_loaded && operands->operation == TN_A64_PAGE && operands->rd == reg) {
            return (address & ~UINT64_C(4095)) + (uint64_t)operands->immediate + offset;
        } else if (writes(operands, reg)) {
            return 0;
        }
    }
    return 0;
}

static bool read(const struct tn_code *code, uint64_t address, struct tn_instruction *ret_instruction)
{
    if (!decode_at(code, address, ret_instruction))
        return false;
    uint8_t reg = ret_instruction->operands.aarch64.rn;
    bool is_call = ret_instruction->flow == TN_FLOW_CALL && !ret_instruction->is_direct;
    if ((!is_call && ret_instruction->flow != TN_FLOW_INDIRECT) || reg == TN_NO_REGISTER)
        return true;
    ret_instruction->jump_register = is_call ? 0 : reg;
    ret_instruction->read_address = word_of(code, address, reg);
    if (!is_call && ret_instruction->read_address != 0)
        ret_instruction->flow = TN_FLOW_LEAVE;
    return true;
}

const struct tn_processor tn_processor_aarch64 = {
    .machine = EM_AARCH64,
    .register_count = 32,
    .stack_register = TN_A64_SP,
    .frame_register = TN_A64_FRAME,
    .result_register = TN_A64_X0,
    .argument_count = sizeof(arguments),
    .arguments = arguments,
    .lost = lost,
    .lost_count = sizeof(lost),
    .entry_base = 31,
    .entry_offset_bytes = 0,
    .import_types = {R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT},
    .own_type = R_AARCH64_RELATIVE,
    .stub_instructions = 6, /* bti, adrp, ldr, add, a check of the signature, br */
    .call_bytes_min = TN_A64_BYTES,
    .call_bytes_max = TN_A64_BYTES,
    .direct_call_bytes = TN_A64_BYTES,
    .read = read,
    .step = tn_aarch64_step,
    .step_holders = tn_aarch64_step_holders,
    .stores = tn_aarch64_stores,
};
