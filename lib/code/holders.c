/* SPDX-License-Identifier: MIT */
/* Follows a block's address through registers, the function's frame and other memory. Moves of a whole
 * register keep it, and so does what reaches into the block (adding, subtracting, masking); all else that an
 * instruction computes is no address of the block. Called by hand_back.c for each instruction. */
#include "holders.h"

#include <stddef.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

/* A word of memory that an instruction names. */
struct held_place {
    enum tn_word_room room;
    int64_t position;
};

static enum tn_holding most(enum tn_holding one, enum tn_holding other)
{
    return one > other ? one : other;
}

/* ---------------------------------------------------------------------------------------- words */

static struct held_place place_of(const struct tn_holders *holders, const struct tn_operands *operands,
                                  uint64_t end)
{
    int64_t position = operands->memory_displacement;
    if (operands->is_rip_relative)
        return (struct held_place){TN_ROOM_FIXED, (int64_t)(end + (uint64_t)position)};
    if (operands->index != TN_NO_REGISTER)
        return (struct held_place){TN_ROOM_POINTER, position};
    if (operands->base == RSP)
        return (struct held_place){TN_ROOM_STACK, holders->stack_bytes + position};
    if (operands->base == RBP && holders->has_base)
        return (struct held_place){TN_ROOM_STACK, holders->base_bytes + position};
    if (operands->base == RBP)
        return (struct held_place){TN_ROOM_BASE, position};
    return (struct held_place){operands->base == TN_NO_REGISTER ? TN_ROOM_FIXED : TN_ROOM_POINTER, position};
}

static struct tn_held_word *find_word(struct tn_holders *holders, struct held_place place)
{
    for (uint32_t i = 0; i < holders->word_count; i++)
        if (holders->words[i].room == place.room && holders->words[i].position == place.position)
            return &holders->words[i];
    return NULL;
}

/* Returns whether that is new. */
static bool hold(struct tn_holders *holders, struct held_place place, enum tn_holding holding)
{
    struct tn_held_word *word = find_word(holders, place);
    if (word != NULL && word->holding >= holding)
        return false;
    if (word == NULL && holders->word_count == TN_HELD_WORDS) {
        bool was_full = holders->is_full;
        holders->is_full = true;
        return !was_full;
    }
    if (word == NULL)
        word = &holders->words[holders->word_count++];
    *word = (struct tn_held_word){place.room, holding, place.position};
    return true;
}

/* Words of the frame are found by the stack pointer or by the frame pointer; where these meet is not always
 * known. */
static bool may_be_same(enum tn_word_room one, enum tn_word_room other)
{
    return (one == TN_ROOM_STACK && other == TN_ROOM_BASE) || (one == TN_ROOM_BASE && other == TN_ROOM_STACK);
}

static enum tn_holding load_word(struct tn_holders *holders, struct held_place place)
{
    const struct tn_held_word *word = find_word(holders, place);
    if (word != NULL)
        return word->holding;
    enum tn_holding found = holders->is_full ? TN_HOLDING_PERHAPS : TN_HOLDING_NOT;
    for (uint32_t i = 0; i < holders->word_count; i++)
        if (may_be_same(holders->words[i].room, place.room))
            found = TN_HOLDING_PERHAPS;
    return found;
}

/* A word that a pointer finds may be another one than before, so nothing there is ever overwritten for sure.
 */
static void store_word(struct tn_holders *holders, struct held_place place, enum tn_holding holding)
{
    struct tn_held_word *word = find_word(holders, place);
    if (word != NULL && place.room != TN_ROOM_POINTER)
        *word = holders->words[--holders->word_count];
    if (holding != TN_HOLDING_NOT)
        hold(holders, place, holding);
}

/* ---------------------------------------------------------------------------------------- operands */

static void set_register(struct tn_holders *holders, uint8_t reg, enum tn_holding holding)
{
    holders->registers[reg & 15] = holding;
    if ((reg & 15) != RBP)
        return;
    holders->has_base = false;
    for (uint32_t i = 0; i < holders->word_count; i++)
        if (holders->words[i].room == TN_ROOM_BASE)
            holders->words[i].room = TN_ROOM_POINTER;
}

static enum tn_holding load(struct tn_holders *holders, const struct tn_operands *operands, uint64_t end)
{
    if (!operands->is_wide)
        return TN_HOLDING_NOT;
    return operands->is_memory ? load_word(holders, place_of(holders, operands, end))
                               : holders->registers[operands->rm & 15];
}

static void store(struct tn_holders *holders, const struct tn_operands *operands, uint64_t end,
                  enum tn_holding holding)
{
    if (operands->is_memory)
        store_word(holders, place_of(holders, operands, end), holding);
    else
        set_register(holders, operands->rm, holding);
}

static void push(struct tn_holders *holders, enum tn_holding holding)
{
    holders->stack_bytes -= 8;
    store_word(holders, (struct held_place){TN_ROOM_STACK, holders->stack_bytes}, holding);
}

static enum tn_holding pop(struct tn_holders *holders)
{
    enum tn_holding holding = load_word(holders, (struct held_place){TN_ROOM_STACK, holders->stack_bytes});
    holders->stack_bytes += 8;
    return holding;
}

/* ---------------------------------------------------------------------------------------- instructions */

/* A number that is added to or taken from the stack pointer; any other change of it moves the frame by an
 * unknown amount, as it does for variable arrays: their words are not told apart any more. */
static void move_stack(struct tn_holders *holders, unsigned operation, const struct tn_operands *operands)
{
    bool has_number = operands->opcode == 0x81 || operands->opcode == 0x83;
    if (has_number && operation == 0)
        holders->stack_bytes += operands->immediate;
    else if (has_number && operation == 5)
        holders->stack_bytes -= operands->immediate;
}

/* add, or, adc, sbb, and, sub, xor, cmp, as the opcodes number them. */
static void compute(struct tn_holders *holders, const struct tn_operands *operands, uint64_t end)
{
    bool is_group = operands->opcode >= 0x80;
    unsigned form = operands->opcode & 7,
             operation = is_group ? operands->reg & 7u : operands->opcode >> 3 & 7u;
    bool is_kept =
        operands->is_wide && (operation == 0 || operation == 1 || operation == 4 || operation == 5);
    if (operation == 7)
        return;
    if (!is_group && form >= 4) {
        set_register(holders, RAX, is_kept ? holders->registers[RAX] : TN_HOLDING_NOT);
        return;
    }
    enum tn_holding held = load(holders, operands, end);
    if (!is_group)
        held = most(held, holders->registers[operands->reg & 15]);
    bool into_register = !is_group && form >= 2;
    uint8_t target = into_register ? operands->reg : operands->rm;
    if ((into_register || !operands->is_memory) && (target & 15) == RSP)
        move_stack(holders, operation, operands);
    else if (into_register)
        set_register(holders, operands->reg, is_kept ? held : TN_HOLDING_NOT);
    else
        store(holders, operands, end, is_kept ? held : TN_HOLDING_NOT);
}

/* lea: an address inside the block; or of the frame, when the stack pointer is moved by it. */
static void load_address(struct tn_holders *holders, const struct tn_operands *operands)
{
    enum tn_holding held = TN_HOLDING_NOT;
    if (operands->base != TN_NO_REGISTER)
        held = holders->registers[operands->base & 15];
    if (operands->index != TN_NO_REGISTER)
        held = most(held, holders->registers[operands->index & 15]);
    if ((operands->reg & 15) != RSP) {
        set_register(holders, operands->reg, operands->is_wide ? held : TN_HOLDING_NOT);
        return;
    }
    if (operands->base == RBP && holders->has_base)
        holders->stack_bytes = holders->base_bytes + operands->memory_displacement;
    else if (operands->base == RSP)
        holders->stack_bytes += operands->memory_displacement;
}

static void exchange(struct tn_holders *holders, const struct tn_operands *operands, uint64_t end)
{
    enum tn_holding theirs = load(holders, operands, end);
    store(holders, operands, end,
          operands->is_wide ? holders->registers[operands->reg & 15] : TN_HOLDING_NOT);
    set_register(holders, operands->reg, theirs);
}

/* mov between registers and memory. */
static void move(struct tn_holders *holders, const struct tn_operands *operands, uint64_t end)
{
    bool into_register = operands->opcode == 0x8a || operands->opcode == 0x8b;
    uint8_t target = into_register ? operands->reg : operands->rm;
    uint8_t source = into_register ? operands->rm : operands->reg;
    bool is_between = !operands->is_memory && operands->is_wide;
    if (is_between && target == RBP && source == RSP) {
        set_register(holders, RBP, TN_HOLDING_NOT);
        holders->has_base = true;
        holders->base_bytes = holders->stack_bytes;
    } else if (is_between && target == RSP) {
        if (source == RBP && holders->has_base)
            holders->stack_bytes = holders->base_bytes;
    } else if (into_register) {
        set_register(holders, operands->reg, load(holders, operands, end));
    } else {
        store(holders, operands, end,
              operands->is_wide ? holders->registers[operands->reg & 15] : TN_HOLDING_NOT);
    }
}

static void leave(struct tn_holders *holders)
{
    if (holders->has_base)
        holders->stack_bytes = holders->base_bytes;
    set_register(holders, RBP, pop(holders));
}

/* Multiplications and divisions write rax and rdx; inc and dec stay in the block. */
static void step_group(struct tn_holders *holders, const struct tn_operands *operands, uint64_t end)
{
    unsigned operation = operands->reg & 7;
    bool is_group3 = operands->opcode <= 0xf7;
    if (is_group3 && operation >= 4) {
        set_register(holders, RAX, TN_HOLDING_NOT);
        set_register(holders, RDX, TN_HOLDING_NOT);
    } else if (is_group3 && operation >= 2) {
        store(holders, operands, end, TN_HOLDING_NOT);
    } else if (operands->opcode == 0xff && operation == 6) {
        push(holders, operands->is_memory ? load_word(holders, place_of(holders, operands, end))
                                          : holders->registers[operands->rm & 15]);
    }
}

static void step_two_byte(struct tn_holders *holders, const struct tn_operands *operands, uint64_t end)
{
    uint8_t opcode = operands->opcode;
    if ((opcode & 0xf0) == 0x40) {
        enum tn_holding old = holders->registers[operands->reg & 15];
        set_register(holders, operands->reg, most(old, load(holders, operands, end)));
    } else if ((opcode & 0xf0) == 0x90) {
        store(holders, operands, end, TN_HOLDING_NOT);
    } else if (opcode == 0x7e || opcode == 0xb0 || opcode == 0xb1) {
        if (!operands->is_memory)
            set_register(holders, operands->rm, TN_HOLDING_NOT);
        if (opcode != 0x7e)
            set_register(holders, RAX, TN_HOLDING_NOT);
    } else if (opcode == 0xaf || (opcode >= 0xb6 && opcode <= 0xbf && opcode != 0xba) || opcode == 0x2c ||
               opcode == 0x2d || opcode == 0x50 || opcode == 0xd7 || opcode == 0xc5) {
        set_register(holders, operands->reg, TN_HOLDING_NOT);
    } else if (opcode >= 0xc8 && opcode <= 0xcf) {
        set_register(holders, operands->rm, TN_HOLDING_NOT);
    }
}

/* Instructions without ModRM: registers in the opcode. */
static bool step_short(struct tn_holders *holders, const struct tn_operands *operands)
{
    uint8_t opcode = operands->opcode, reg = operands->rm & 15;
    switch (opcode & 0xf8) {
    case 0x50:
        push(holders, holders->registers[reg]);
        return true;
    case 0x58:
        set_register(holders, reg, pop(holders));
        return true;
    case 0x90: {
        enum tn_holding held = holders->registers[RAX];
        holders->registers[RAX] = holders->registers[reg];
        set_register(holders, reg, held);
        return true;
    }
    case 0xb0:
    case 0xb8:
        set_register(holders, reg, TN_HOLDING_NOT);
        return true;
    default:
        return false;
    }
}

static void step_one_byte(struct tn_holders *holders, const struct tn_operands *operands, uint64_t end)
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
        set_register(holders, operands->reg, TN_HOLDING_NOT);
    else if (opcode == 0x68 || opcode == 0x6a)
        push(holders, TN_HOLDING_NOT);
    else if (opcode == 0x98 || opcode == 0x99)
        set_register(holders, opcode == 0x98 ? RAX : RDX, TN_HOLDING_NOT);
    else if (opcode == 0xc0 || opcode == 0xc1 || (opcode >= 0xd0 && opcode <= 0xd3) || opcode == 0xc6 ||
             opcode == 0xc7)
        store(holders, operands, end, TN_HOLDING_NOT);
    else if (opcode == 0xc9)
        leave(holders);
    else if (opcode >= 0xf6)
        step_group(holders, operands, end);
}

void tn_holders_step(struct tn_holders *holders, const struct tn_instruction *instruction, uint64_t end)
{
    const struct tn_operands *operands = &instruction->operands;
    if (operands->is_vector || operands->map > TN_MAP_TWO)
        return;
    if (operands->map == TN_MAP_TWO)
        step_two_byte(holders, operands, end);
    else if (operands->has_modrm || !step_short(holders, operands))
        step_one_byte(holders, operands, end);
}

void tn_holders_call(struct tn_holders *holders, enum tn_holding result)
{
    static const uint8_t lost[] = {RCX, RDX, RSI, RDI, 8, 9, 10, 11};
    for (size_t i = 0; i < sizeof(lost); i++)
        holders->registers[lost[i]] = TN_HOLDING_NOT;
    holders->registers[RAX] = result;
}

enum tn_holding tn_holders_arguments(const struct tn_holders *holders)
{
    static const uint8_t arguments[] = {RDI, RSI, RDX, RCX, 8, 9};
    enum tn_holding held = TN_HOLDING_NOT;
    for (size_t i = 0; i < sizeof(arguments); i++)
        held = most(held, holders->registers[arguments[i]]);
    return held;
}

bool tn_holders_join(struct tn_holders *holders, const struct tn_holders *other)
{
    bool has_changed = other->is_full && !holders->is_full;
    holders->is_full = holders->is_full || other->is_full;
    for (unsigned i = 0; i < 16; i++) {
        has_changed = has_changed || other->registers[i] > holders->registers[i];
        holders->registers[i] = most(holders->registers[i], other->registers[i]);
    }
    for (uint32_t i = 0; i < other->word_count; i++) {
        struct held_place place = {other->words[i].room, other->words[i].position};
        has_changed = hold(holders, place, other->words[i].holding) || has_changed;
    }
    if (holders->has_base && (!other->has_base || other->base_bytes != holders->base_bytes)) {
        holders->has_base = false;
        has_changed = true;
    }
    return has_changed;
}
