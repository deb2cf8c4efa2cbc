/* SPDX-License-Identifier: MIT */
/* What one x86-64 instruction does to the registers and words that hold a block. Moves of a whole register
 * keep it, and so does what reaches into the block (adding, subtracting, masking); all else that an
 * instruction computes is no address of the block. Called by hand_back.c, through the processor's table. */
#include "processor_x86_64.h"

/* ---------------------------------------------------------------------------------------- operands */

static struct tn_held_place place_of(const struct tn_holders *holders,
                                     const struct tn_operands_x86_64 *operands, uint64_t end)
{
    int64_t position = operands->memory_displacement;
    if (operands->is_rip_relative)
        return (struct tn_held_place){TN_ROOM_FIXED, (int64_t)(end + (uint64_t)position)};
    if (operands->index != TN_NO_REGISTER)
        return (struct tn_held_place){TN_ROOM_POINTER, position};
    if (operands->base == TN_RSP)
        return (struct tn_held_place){TN_ROOM_STACK, holders->stack_bytes + position};
    if (operands->base == TN_RBP && holders->has_base)
        return (struct tn_held_place){TN_ROOM_STACK, holders->base_bytes + position};
    if (operands->base == TN_RBP)
        return (struct tn_held_place){TN_ROOM_BASE, position};
    return (struct tn_held_place){operands->base == TN_NO_REGISTER ? TN_ROOM_FIXED : TN_ROOM_POINTER,
                                  position};
}

static enum tn_holding load(struct tn_holders *holders, const struct tn_operands_x86_64 *operands,
                            uint64_t end)
{
    if (!operands->is_wide)
        return TN_HOLDING_NOT;
    return operands->is_memory ? tn_holders_load(holders, place_of(holders, operands, end))
                               : holders->registers[operands->rm & 15];
}

static void store(struct tn_holders *holders, const struct tn_operands_x86_64 *operands, uint64_t end,
                  enum tn_holding holding)
{
    if (operands->is_memory)
        tn_holders_store(holders, place_of(holders, operands, end), holding);
    else
        tn_holders_set(holders, operands->rm, holding);
}

static void push(struct tn_holders *holders, enum tn_holding holding)
{
    holders->stack_bytes -= 8;
    tn_holders_store(holders, (struct tn_held_place){TN_ROOM_STACK, holders->stack_bytes}, holding);
}

static enum tn_holding pop(struct tn_holders *holders)
{
    enum tn_holding holding =
        tn_holders_load(holders, (struct tn_held_place){TN_ROOM_STACK, holders->stack_bytes});
    holders->stack_bytes += 8;
    return holding;
}

/* ---------------------------------------------------------------------------------------- instructions */

/* A number that is added to or taken from the stack pointer; any other change of it moves the frame by an
 * unknown amount, as it does for variable arrays: their words are not told apart any more. */
static void move_stack(struct tn_holders *holders, unsigned operation,
                       const struct tn_operands_x86_64 *operands)
{
    bool has_number = operands->opcode == 0x81 || operands->opcode == 0x83;
    if (has_number && operation == 0)
        holders->stack_bytes += operands->immediate;
    else if (has_number && operation == 5)
        holders->stack_bytes -= operands->immediate;
}

/* add, or, adc, sbb, and, sub, xor, cmp, as the opcodes number them. */
static void compute(struct tn_holders *holders, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    bool is_group = operands->opcode >= 0x80;
    unsigned form = operands->opcode & 7,
             operation = is_group ? operands->reg & 7u : operands->opcode >> 3 & 7u;
    bool is_kept =
        operands->is_wide && (operation == 0 || operation == 1 || operation == 4 || operation == 5);
    if (operation == 7)
        return;
    if (!is_group && form >= 4) {
        tn_holders_set(holders, TN_RAX, is_kept ? holders->registers[TN_RAX] : TN_HOLDING_NOT);
        return;
    }
    enum tn_holding held = load(holders, operands, end);
    if (!is_group)
        held = tn_holding_most(held, holders->registers[operands->reg & 15]);
    bool into_register = !is_group && form >= 2;
    uint8_t target = into_register ? operands->reg : operands->rm;
    if ((into_register || !operands->is_memory) && (target & 15) == TN_RSP)
        move_stack(holders, operation, operands);
    else if (into_register)
        tn_holders_set(holders, operands->reg, is_kept ? held : TN_HOLDING_NOT);
    else
        store(holders, operands, end, is_kept ? held : TN_HOLDING_NOT);
}

/* lea: an address inside the block; or of the frame, when the stack pointer is moved by it. */
static void load_address(struct tn_holders *holders, const struct tn_operands_x86_64 *operands)
{
    enum tn_holding held = TN_HOLDING_NOT;
    if (operands->base != TN_NO_REGISTER)
        held = holders->registers[operands->base & 15];
    if (operands->index != TN_NO_REGISTER)
        held = tn_holding_most(held, holders->registers[operands->index & 15]);
    if ((operands->reg & 15) != TN_RSP) {
        tn_holders_set(holders, operands->reg, operands->is_wide ? held : TN_HOLDING_NOT);
        return;
    }
    if (operands->base == TN_RBP && holders->has_base)
        holders->stack_bytes = holders->base_bytes + operands->memory_displacement;
    else if (operands->base == TN_RSP)
        holders->stack_bytes += operands->memory_displacement;
}

static void exchange(struct tn_holders *holders, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    enum tn_holding theirs = load(holders, operands, end);
    store(holders, operands, end,
          operands->is_wide ? holders->registers[operands->reg & 15] : TN_HOLDING_NOT);
    tn_holders_set(holders, operands->reg, theirs);
}

/* mov between registers and memory. */
static void move(struct tn_holders *holders, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    bool into_register = operands->opcode == 0x8a || operands->opcode == 0x8b;
    uint8_t target = into_register ? operands->reg : operands->rm;
    uint8_t source = into_register ? operands->rm : operands->reg;
    bool is_between = !operands->is_memory && operands->is_wide;
    if (is_between && target == TN_RBP && source == TN_RSP) {
        tn_holders_set(holders, TN_RBP, TN_HOLDING_NOT);
        holders->has_base = true;
        holders->base_bytes = holders->stack_bytes;
    } else if (is_between && target == TN_RSP) {
        if (source == TN_RBP && holders->has_base)
            holders->stack_bytes = holders->base_bytes;
    } else if (into_register) {
        tn_holders_set(holders, operands->reg, load(holders, operands, end));
    } else {
        store(holders, operands, end,
              operands->is_wide ? holders->registers[operands->reg & 15] : TN_HOLDING_NOT);
    }
}

static void leave(struct tn_holders *holders)
{
    if (holders->has_base)
        holders->stack_bytes = holders->base_bytes;
    tn_holders_set(holders, TN_RBP, pop(holders));
}

/* Multiplications and divisions write rax and rdx; inc and dec stay in the block. */
static void step_group(struct tn_holders *holders, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    unsigned operation = operands->reg & 7;
    bool is_group3 = operands->opcode <= 0xf7;
    if (is_group3 && operation >= 4) {
        tn_holders_set(holders, TN_RAX, TN_HOLDING_NOT);
        tn_holders_set(holders, TN_RDX, TN_HOLDING_NOT);
    } else if (is_group3 && operation >= 2) {
        store(holders, operands, end, TN_HOLDING_NOT);
    } else if (operands->opcode == 0xff && operation == 6) {
        push(holders, operands->is_memory ? tn_holders_load(holders, place_of(holders, operands, end))
                                          : holders->registers[operands->rm & 15]);
    }
}

static void step_two_byte(struct tn_holders *holders, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    uint8_t opcode = operands->opcode;
    if ((opcode & 0xf0) == 0x40) {
        enum tn_holding old = holders->registers[operands->reg & 15];
        tn_holders_set(holders, operands->reg, tn_holding_most(old, load(holders, operands, end)));
    } else if ((opcode & 0xf0) == 0x90) {
        store(holders, operands, end, TN_HOLDING_NOT);
    } else if (opcode == 0x7e || opcode == 0xb0 || opcode == 0xb1) {
        if (!operands->is_memory)
            tn_holders_set(holders, operands->rm, TN_HOLDING_NOT);
        if (opcode != 0x7e)
            tn_holders_set(holders, TN_RAX, TN_HOLDING_NOT);
    } else if (opcode == 0xaf || (opcode >= 0xb6 && opcode <= 0xbf && opcode != 0xba) || opcode == 0x2c ||
               opcode == 0x2d || opcode == 0x50 || opcode == 0xd7 || opcode == 0xc5) {
        tn_holders_set(holders, operands->reg, TN_HOLDING_NOT);
    } else if (opcode >= 0xc8 && opcode <= 0xcf) {
        tn_holders_set(holders, operands->rm, TN_HOLDING_NOT);
    }
}

/* Instructions without ModRM: registers in the opcode. */
static bool step_short(struct tn_holders *holders, const struct tn_operands_x86_64 *operands)
{
    uint8_t opcode = operands->opcode, reg = operands->rm & 15;
    switch (opcode & 0xf8) {
    case 0x50:
        push(holders, holders->registers[reg]);
        return true;
    case 0x58:
        tn_holders_set(holders, reg, pop(holders));
        return true;
    case 0x90: {
        enum tn_holding held = holders->registers[TN_RAX];
        holders->registers[TN_RAX] = holders->registers[reg];
        tn_holders_set(holders, reg, held);
        return true;
    }
    case 0xb0:
    case 0xb8:
        tn_holders_set(holders, reg, TN_HOLDING_NOT);
        return true;
    default:
        return false;
    }
}

static void step_one_byte(struct tn_holders *holders, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    uint8_t opcode = operands->opcode;
    if (opcode < 0x40 || (opcode >= 0x80 && opcode <= 0x83))
        compute(holders, operands, end);
    else if (opcode == 0x86 || opcode == 0x87)
        exchange(holders, operands, end);
    else if (opcode >= 0x88 && opcode <= 0x8b)
        move(holders, operands, end);
    else if (opcode == 0x8d)
        load_address(holders, operands);
    else if (opcode == 0x8f)
        store(holders, operands, end, pop(holders));
    else if (opcode == 0x63 || opcode == 0x69 || opcode == 0x6b)
        tn_holders_set(holders, operands->reg, TN_HOLDING_NOT);
    else if (opcode == 0x68 || opcode == 0x6a)
        push(holders, TN_HOLDING_NOT);
    else if (opcode == 0x98 || opcode == 0x99)
        tn_holders_set(holders, opcode == 0x98 ? TN_RAX : TN_RDX, TN_HOLDING_NOT);
    else if (opcode == 0xc0 || opcode == 0xc1 || (opcode >= 0xd0 && opcode <= 0xd3) || opcode == 0xc6 ||
             opcode == 0xc7)
        store(holders, operands, end, TN_HOLDING_NOT);
    else if (opcode == 0xc9)
        leave(holders);
    else if (opcode >= 0xf6)
        step_group(holders, operands, end);
}

void tn_x86_64_step_holders(struct tn_holders *holders, const struct tn_instruction *instruction,
                            uint64_t end)
{
    const struct tn_operands_x86_64 *operands = &instruction->operands.x86_64;
    if (operands->is_vector || operands->map > TN_MAP_TWO)
        return;
    if (operands->map == TN_MAP_TWO)
        step_two_byte(holders, operands, end);
    else if (operands->has_modrm || !step_short(holders, operands))
        step_one_byte(holders, operands, end);
}
