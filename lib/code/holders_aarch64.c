/* SPDX-License-Identifier: MIT */
/* What one A64 instruction does to the registers and words that hold a block. Moves of a whole register keep
 * it, and so does what reaches into the block (adding, subtracting, masking); all else that an instruction
 * computes is no address of the block. Called by hand_back.c, through the processor's table. */
#include "encodings_aarch64.h"
#include "processor_aarch64.h"

static enum tn_holding get(const struct tn_holders *holders, uint8_t reg)
{
    return reg == TN_NO_REGISTER ? TN_HOLDING_NOT : holders->registers[reg % TN_REGISTERS];
}

/* Write a register that is not the stack pointer. address: of static memory that it holds then; 0: none */
static void set(struct tn_holders *holders, uint8_t reg, enum tn_holding holding, int64_t address)
{
    if (reg == TN_NO_REGISTER || reg == TN_A64_SP)
        return;
    tn_holders_set(holders, reg, holding);
    holders->addresses[reg % TN_REGISTERS] = address;
}

/* ---------------------------------------------------------------------------------------- memory */

static struct tn_held_place place_of(const struct tn_holders *holders,
                                     const struct tn_operands_aarch64 *operands, uint64_t end)
{
    int64_t position = operands->mode == TN_A64_POST ? 0 : operands->immediate;
    if (operands->mode == TN_A64_LITERAL)
        return (struct tn_held_place){TN_ROOM_FIXED, (int64_t)(end - TN_A64_BYTES + (uint64_t)position)};
    if (operands->mode == TN_A64_INDEXED)
        return (struct tn_held_place){TN_ROOM_POINTER, 0};
    if (operands->rn == TN_A64_SP)
        return (struct tn_held_place){TN_ROOM_STACK, holders->stack_bytes + position};
    if (operands->rn == TN_A64_FRAME && holders->has_base)
        return (struct tn_held_place){TN_ROOM_STACK, holders->base_bytes + position};
    if (operands->rn == TN_A64_FRAME)
        return (struct tn_held_place){TN_ROOM_BASE, position};
    int64_t address = holders->addresses[operands->rn % TN_REGISTERS];
    return (struct tn_held_place){address != 0 ? TN_ROOM_FIXED : TN_ROOM_POINTER, address + position};
}

static void write_back(struct tn_holders *holders, const struct tn_operands_aarch64 *operands)
{
    set(holders, operands->status, TN_HOLDING_NOT, 0);
    if (operands->mode != TN_A64_PRE && operands->mode != TN_A64_POST)
        return;
    if (operands->rn == TN_A64_SP)
        holders->stack_bytes += operands->immediate;
    else
        set(holders, operands->rn, get(holders, operands->rn), 0);
}

static void step_load(struct tn_holders *holders, const struct tn_operands_aarch64 *operands, uint64_t end)
{
    bool is_whole = operands->bytes == 8;
    struct tn_held_place first = place_of(holders, operands, end), second = first;
    second.position += operands->bytes;
    enum tn_holding holding = is_whole ? tn_holders_load(holders, first) : TN_HOLDING_NOT;
    enum tn_holding next = is_whole ? tn_holders_load(holders, second) : TN_HOLDING_NOT;
    write_back(holders, operands);
    set(holders, operands->rd, holding, 0);
    if (operands->ra != TN_NO_REGISTER)
        set(holders, operands->ra, next, 0);
}

static void step_store(struct tn_holders *holders, const struct tn_operands_aarch64 *operands, uint64_t end)
{
    bool is_whole = operands->bytes == 8, is_exchange = operands->operation == TN_A64_EXCHANGE;
    struct tn_held_place first = place_of(holders, operands, end), second = first;
    uint8_t reg = is_exchange ? operands->rm : operands->rd;
    enum tn_holding old = is_whole && is_exchange ? tn_holders_load(holders, first) : TN_HOLDING_NOT;
    second.position += operands->bytes;
    tn_holders_store(holders, first, is_whole ? get(holders, reg) : TN_HOLDING_NOT);
    if (operands->ra != TN_NO_REGISTER)
        tn_holders_store(holders, second, is_whole ? get(holders, operands->ra) : TN_HOLDING_NOT);
    write_back(holders, operands);
    if (is_exchange)
        set(holders, operands->rd, old, 0);
}

/* ---------------------------------------------------------------------------------------- registers */

/* The stack pointer is set: from the frame pointer, or moved by a number. Any other change of it moves the
 * frame by an unknown amount, as it does for variable arrays: their words are not told apart any more. */
static void move_stack(struct tn_holders *holders, const struct tn_operands_aarch64 *operands)
{
    int64_t bytes = operands->operation == TN_A64_SUBTRACT ? -operands->immediate : operands->immediate;
    bool is_sum = operands->operation == TN_A64_ADD || operands->operation == TN_A64_SUBTRACT;
    if (!is_sum || operands->has_rm)
        return;
    if (operands->rn == TN_A64_SP)
        holders->stack_bytes += bytes;
    else if (operands->rn == TN_A64_FRAME && holders->has_base)
        holders->stack_bytes = holders->base_bytes + bytes;
}

/* add x29, sp, #n: the frame pointer leads to a place of the frame that is known. */
static bool sets_frame(const struct tn_operands_aarch64 *operands)
{
    return operands->rd == TN_A64_FRAME && operands->rn == TN_A64_SP && !operands->has_rm &&
           operands->operation == TN_A64_ADD;
}

static void step_sum(struct tn_holders *holders, const struct tn_operands_aarch64 *operands)
{
    enum tn_holding held =
        tn_holding_most(operands->rn == TN_A64_SP ? TN_HOLDING_NOT : get(holders, operands->rn),
                        operands->has_rm ? get(holders, operands->rm) : TN_HOLDING_NOT);
    int64_t address = 0;
    if (operands->rd == TN_A64_SP) {
        move_stack(holders, operands);
        return;
    }
    bool is_offset = operands->operation == TN_A64_ADD && !operands->has_rm && operands->rn != TN_A64_SP;
    if (is_offset && operands->rn != TN_NO_REGISTER && holders->addresses[operands->rn % TN_REGISTERS] != 0)
        address = holders->addresses[operands->rn % TN_REGISTERS] + operands->immediate;
    if (operands->operation == TN_A64_OR && operands->rn == TN_NO_REGISTER && operands->rm != TN_NO_REGISTER)
        address = holders->addresses[operands->rm % TN_REGISTERS];
    set(holders, operands->rd, operands->is_wide ? held : TN_HOLDING_NOT, address);
    if (sets_frame(operands)) {
        holders->has_base = true;
        holders->base_bytes = holders->stack_bytes + operands->immediate;
    }
}

static void step_select(struct tn_holders *holders, const struct tn_operands_aarch64 *operands)
{
    bool is_plain = operands->selection == TN_A64_AS_IS;
    enum tn_holding second = is_plain ? get(holders, operands->rm) : TN_HOLDING_NOT;
    enum tn_holding held = tn_holding_most(get(holders, operands->rn), second);
    set(holders, operands->rd, operands->is_wide ? held : TN_HOLDING_NOT, 0);
}

/* Of vector registers nothing is known, but that one of them is moved to a general one. */
static void step_vector(struct tn_holders *holders, const struct tn_operands_aarch64 *operands)
{
    bool writes_general = operands->vector_operation == TN_A64_VECTOR_TO_GENERAL ||
                          operands->vector_operation == TN_A64_VECTOR_GENERAL;
    write_back(holders, operands);
    if (writes_general)
        set(holders, operands->rd, TN_HOLDING_NOT, 0);
}

/* Instructions that work on no memory. */
static void step_register(struct tn_holders *holders, const struct tn_operands_aarch64 *operands,
                          uint64_t end)
{
    uint64_t own = end - TN_A64_BYTES, offset = (uint64_t)operands->immediate;
    switch (operands->operation) {
    case TN_A64_ADDRESS:
        set(holders, operands->rd, TN_HOLDING_NOT, (int64_t)(own + offset));
        break;
    case TN_A64_PAGE:
        set(holders, operands->rd, TN_HOLDING_NOT, (int64_t)((own & ~UINT64_C(4095)) + offset));
        break;
    case TN_A64_ADD:
    case TN_A64_SUBTRACT:
    case TN_A64_AND:
    case TN_A64_OR:
        step_sum(holders, operands);
        break;
    case TN_A64_SELECT:
        step_select(holders, operands);
        break;
    case TN_A64_NOTHING:
    case TN_A64_COMPARE:
    case TN_A64_MOVE_STACK:
        break;
    case TN_A64_KERNEL:
        set(holders, TN_A64_X0, TN_HOLDING_NOT, 0);
        break;
    default:
        set(holders, operands->rd, TN_HOLDING_NOT, 0);
        break;
    }
}

void tn_aarch64_step_holders(struct tn_holders *holders, const struct tn_instruction *instruction,
                             uint64_t end)
{
    const struct tn_operands_aarch64 *operands = &instruction->operands.aarch64;
    switch (operands->operation) {
    case TN_A64_LOAD:
        step_load(holders, operands, end);
        break;
    case TN_A64_STORE:
    case TN_A64_EXCHANGE:
        step_store(holders, operands, end);
        break;
    case TN_A64_UPDATE:
        write_back(holders, operands);
        set(holders, operands->rd, TN_HOLDING_NOT, 0);
        break;
    case TN_A64_VECTOR:
        step_vector(holders, operands);
        break;
    default:
        step_register(holders, operands, end);
        break;
    }
}
