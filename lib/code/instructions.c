/* SPDX-License-Identifier: MIT */
/* Follows numbers that stand in the code, and arguments that a function was given, through registers and
 * through the words of its own frame. Whatever an instruction does that is not listed here makes its result
 * unknown, so that a number is a number on every path. Where a block is followed, addresses that were found
 * from others are known by these. Called by value_ways.c for each instruction. */
#include "addresses.h"
#include "code_values.h"
#include "multiples.h"

static const struct tn_code_value unknown = {0};

static struct tn_code_value number(int64_t value)
{
    return (struct tn_code_value){.kind = TN_VALUE_NUMBER, .low = value, .high = value};
}

/* ---------------------------------------------------------------------------------------- operands */

static bool is_one_number(struct tn_code_value value)
{
    return value.kind == TN_VALUE_NUMBER && value.low == value.high;
}

static unsigned operand_bytes(const struct tn_operands *operands)
{
    return operands->is_wide ? 8 : operands->is_short ? 2 : 4;
}

/* An address of the frame that another register holds may be given away from then on. */
static void set_register(struct tn_code_values *values, uint8_t reg, struct tn_code_value value)
{
    if (value.kind == TN_VALUE_STACK && reg != TN_RSP && reg != TN_RBP && value.low < values->escaped)
        values->escaped = value.low;
    values->registers[reg & 15] = value;
}

/* What lies at an address that is no known word of the frame, where pointers are followed. */
static struct tn_code_value load_pointer(const struct tn_code_values *values,
                                         const struct tn_operands *operands, struct tn_code_value address)
{
    bool is_pointed = values->has_pointed && address.kind == TN_VALUE_PARAMETER &&
                      address.reg == values->pointed_reg && address.low == values->pointed_offset;
    bool is_variable = values->is_in_variable && is_one_number(address) && address.low != 0 &&
                       address.low == values->variable;
    if (is_pointed || is_variable)
        return (struct tn_code_value){.kind = TN_VALUE_BLOCK};
    bool is_filled_in = address.kind == TN_VALUE_NUMBER && address.low != 0 &&
                        tn_map_find(&values->code->imports, (uint64_t)address.low) != NULL;
    return tn_code_value_reach(
        address, !is_filled_in && !(operands->is_thread_local && operands->memory_displacement == 0));
}

/* Part of an address is none. */
static struct tn_code_value narrow(struct tn_code_value value, unsigned bytes)
{
    return bytes < 8 && tn_code_value_is_followed(value) ? unknown : value;
}

/* The operand of ModRM as a value. */
static struct tn_code_value load(struct tn_code_values *values, const struct tn_operands *operands,
                                 uint64_t end, unsigned bytes)
{
    if (!operands->is_memory)
        return narrow(values->registers[operands->rm], bytes);
    struct tn_code_value address = tn_code_values_address(values, operands, end);
    struct tn_code_value word = tn_stack_word_find(values, address, bytes);
    bool is_pointer = values->follows_block && word.kind == TN_VALUE_UNKNOWN && bytes == 8;
    return is_pointer ? load_pointer(values, operands, address) : narrow(word, bytes);
}

/* An address that is not known may be any that was given away; one with an unknown index, any above its
 * base. */
static void store(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end,
                  unsigned bytes, struct tn_code_value value)
{
    value = narrow(value, bytes);
    if (!operands->is_memory) {
        set_register(values, operands->rm, bytes >= 4 ? value : unknown);
        return;
    }
    struct tn_code_value address = tn_code_values_address(values, operands, end);
    if (address.kind == TN_VALUE_STACK) {
        tn_stack_word_store(values, address.low, bytes, value);
        return;
    }
    if (!values->follows_block && !operands->is_rip_relative && operands->base != TN_NO_REGISTER &&
        values->registers[operands->base].kind == TN_VALUE_STACK)
        tn_stack_words_forget(values, values->registers[operands->base].low + operands->memory_displacement,
                              INT64_MAX);
    tn_stack_words_forget_escaped(values);
}

static void push(struct tn_code_values *values, struct tn_code_value value)
{
    values->registers[TN_RSP] = tn_code_value_plus(values, values->registers[TN_RSP], -8);
    if (values->registers[TN_RSP].kind == TN_VALUE_STACK)
        tn_stack_word_store(values, values->registers[TN_RSP].low, 8, value);
}

static struct tn_code_value pop(struct tn_code_values *values)
{
    struct tn_code_value top = values->registers[TN_RSP];
    struct tn_code_value value = tn_stack_word_find(values, top, 8);
    values->registers[TN_RSP] = tn_code_value_plus(values, top, 8);
    return value;
}

/* What a call leaves: callee-saved registers, and words of the frame that nobody else knows of. */
static void call(struct tn_code_values *values)
{
    static const uint8_t lost[] = {TN_RAX, TN_RCX, TN_RDX, TN_RSI, TN_RDI, 8, 9, 10, 11};
    for (size_t i = 0; i < sizeof(lost); i++)
        values->registers[lost[i]] = unknown;
    values->low_halves = values->high_halves = 0;
    tn_stack_words_forget_escaped(values);
}

/* ---------------------------------------------------------------------------------------- arithmetic */

static struct tn_code_value add(const struct tn_code_values *values, struct tn_code_value left,
                                struct tn_code_value right)
{
    struct tn_code_value sum = is_one_number(right)  ? tn_code_value_plus(values, left, right.low)
                               : is_one_number(left) ? tn_code_value_plus(values, right, left.low)
                                                     : unknown;
    return sum.kind != TN_VALUE_UNKNOWN ? sum : tn_code_value_move(values, left, right);
}

/* add, or, adc, sbb, and, sub, xor, cmp, as the opcodes number them. A frame address that is aligned stays in
 * the frame, but where is not known. */
static struct tn_code_value combine(const struct tn_code_values *values, unsigned operation,
                                    struct tn_code_value left, struct tn_code_value right)
{
    bool is_kept = operation == 1 || operation == 4; /* or, and: a flag in it, its alignment */
    if (tn_code_value_is_followed(left) && is_one_number(right) && is_kept)
        return left;
    if (operation == 5 && is_one_number(right) && right.low != INT64_MIN)
        return tn_code_value_plus(values, left, -right.low);
    if ((operation == 0 || operation == 5) && tn_code_value_factor(values, left) != 0 &&
        tn_code_value_factor(values, right) != 0)
        return tn_code_value_sum(values, left, right, operation == 0 ? 1 : -1);
    if (operation == 0)
        return add(values, left, right);
    if (!is_one_number(left) || !is_one_number(right))
        return unknown;
    switch (operation) {
    case 1:
        return number(left.low | right.low);
    case 4:
        return number(left.low & right.low);
    case 6:
        return number(left.low ^ right.low);
    default:
        return unknown;
    }
}

/* `and $-16, %rsp` moves the frame by an unknown amount: words are told apart from there on. */
static struct tn_code_value align_stack(struct tn_code_values *values, struct tn_code_value left)
{
    if (left.kind != TN_VALUE_STACK)
        return unknown;
    values->word_count = 0;
    return unknown;
}

static void compute(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    unsigned operation = operands->opcode >> 3 & 7, form = operands->opcode & 7;
    bool is_group = operands->opcode >= 0x80;
    if (is_group)
        operation = operands->reg & 7;
    unsigned bytes =
        is_group ? (operands->opcode & 1) != 0 || operands->opcode == 0x83 ? operand_bytes(operands) : 1
        : (form & 1) != 0 ? operand_bytes(operands)
                          : 1;
    if (operation == 7)
        return;
    bool into_register = !is_group && (form == 2 || form == 3);
    bool into_rax = !is_group && form >= 4;
    struct tn_code_value memory =
        into_rax ? values->registers[TN_RAX] : load(values, operands, end, operand_bytes(operands));
    struct tn_code_value other =
        is_group || into_rax ? number(operands->immediate) : values->registers[operands->reg & 15];
    bool is_cleared =
        operation == 6 && !is_group && !into_rax && !operands->is_memory && operands->reg == operands->rm;
    struct tn_code_value result = is_cleared      ? number(0)
                                  : into_register ? combine(values, operation, other, memory)
                                                  : combine(values, operation, memory, other);
    if (operation == 4 && memory.kind == TN_VALUE_STACK)
        result = align_stack(values, memory);
    if (into_rax)
        set_register(values, TN_RAX, bytes >= 4 ? result : unknown);
    else if (into_register)
        set_register(values, operands->reg, bytes >= 4 ? narrow(result, bytes) : unknown);
    else
        store(values, operands, end, bytes, result);
}

static struct tn_code_value shift(const struct tn_code_values *values, const struct tn_operands *operands,
                                  struct tn_code_value value, int64_t count)
{
    unsigned operation = operands->reg & 7;
    bool is_plain = is_one_number(value) && value.low >= 0 && value.low <= INT32_MAX;
    if (count < 0 || count > 31)
        return unknown;
    if (operation == 4 && (is_plain || tn_code_value_factor(values, value) != 0))
        return tn_code_value_times(values, value, INT64_C(1) << count);
    return is_plain && (operation == 5 || operation == 7) ? number(value.low >> count) : unknown;
}

/* ---------------------------------------------------------------------------------------- instructions */

static void forget_all(struct tn_code_values *values)
{
    for (unsigned i = 0; i < TN_REGISTERS; i++)
        if (i != TN_RSP)
            values->registers[i] = unknown;
    tn_stack_words_forget_escaped(values);
}

static void forget_operands(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    if (!operands->has_modrm)
        return;
    set_register(values, operands->reg, unknown);
    store(values, operands, end, 16, unknown);
}

static void load_address(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    struct tn_code_value address = tn_code_values_address(values, operands, end);
    bool is_frame =
        operands->base != TN_NO_REGISTER && values->registers[operands->base].kind == TN_VALUE_STACK;
    if (operands->is_rip_relative)
        values->table = address.low;
    if (is_frame && operands->index != TN_NO_REGISTER) {
        int64_t lowest = values->registers[operands->base].low + operands->memory_displacement;
        values->escaped = lowest < values->escaped ? lowest : values->escaped;
    }
    set_register(values, operands->reg, address);
}

static void step_group3(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    unsigned operation = operands->reg & 7;
    unsigned bytes = operands->opcode == 0xf7 ? operand_bytes(operands) : 1;
    if (operation == 2 || operation == 3)
        store(values, operands, end, bytes, unknown);
    if (operation < 4)
        return;
    set_register(values, TN_RAX, unknown);
    set_register(values, TN_RDX, unknown);
}

static void step_group5(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    unsigned operation = operands->reg & 7;
    unsigned bytes = operands->opcode == 0xff ? operand_bytes(operands) : 1;
    if (operation <= 1)
        store(values, operands, end, bytes,
              tn_code_value_plus(values, load(values, operands, end, operand_bytes(operands)),
                                 operation == 0 ? 1 : -1));
    if (operation == 6 && operands->opcode == 0xff)
        push(values, load(values, operands, end, operand_bytes(operands)));
}

static void step_move(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    unsigned bytes = (operands->opcode & 1) != 0 ? operand_bytes(operands) : 1;
    switch (operands->opcode) {
    case 0x88:
    case 0x89:
        /* an address of the frame that is stored is known to others from then on */
        if (values->registers[operands->reg].kind == TN_VALUE_STACK && operands->is_memory &&
            values->registers[operands->reg].low < values->escaped)
            values->escaped = values->registers[operands->reg].low;
        store(values, operands, end, bytes, values->registers[operands->reg]);
        break;
    case 0x8a:
    case 0x8b:
        set_register(values, operands->reg,
                     bytes >= 4 ? load(values, operands, end, operand_bytes(operands)) : unknown);
        break;
    default: /* c6, c7 */
        store(values, operands, end, bytes, number(operands->immediate));
        break;
    }
}

static void swap(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    struct tn_code_value value =
        operands->opcode == 0x87 ? load(values, operands, end, operand_bytes(operands)) : unknown;
    struct tn_code_value own = operands->opcode == 0x87 ? values->registers[operands->reg] : unknown;
    store(values, operands, end, operands->opcode == 0x87 ? operand_bytes(operands) : 1, own);
    set_register(values, operands->reg, value);
}

static void step_strings(struct tn_code_values *values)
{
    static const uint8_t changed[] = {TN_RAX, TN_RCX, TN_RSI, TN_RDI};
    for (size_t i = 0; i < sizeof(changed); i++)
        set_register(values, changed[i], unknown);
    if (!values->follows_block)
        values->word_count = 0;
}

/* Opcodes 50 to bf. Returns false for those it does not know. */
static bool step_short_forms(struct tn_code_values *values, const struct tn_operands *operands)
{
    uint8_t opcode = operands->opcode;
    if (opcode >= 0x50 && opcode <= 0x57)
        push(values, values->registers[operands->rm]);
    else if (opcode >= 0x58 && opcode <= 0x5f)
        set_register(values, operands->rm, pop(values));
    else if (opcode == 0x68 || opcode == 0x6a)
        push(values, number(operands->immediate));
    else if (opcode >= 0xb0 && opcode <= 0xb7)
        set_register(values, operands->rm, unknown);
    else if (opcode >= 0xb8 && opcode <= 0xbf)
        set_register(
            values, operands->rm,
            number(operands->is_wide ? operands->immediate : (int64_t)(uint32_t)operands->immediate));
    else if (opcode == 0x99)
        set_register(values, TN_RDX, unknown);
    else if (opcode == 0xa8 || opcode == 0xa9 || opcode == 0x90 || opcode == 0x98 || opcode == 0x9b)
        return true; /* test, nop; cltq keeps what numbers and sizes are */
    else if (opcode >= 0x91 && opcode <= 0x97) {
        struct tn_code_value value = values->registers[operands->rm];
        set_register(values, operands->rm, values->registers[TN_RAX]);
        set_register(values, TN_RAX, value);
    } else if (opcode >= 0xa4 && opcode <= 0xaf)
        step_strings(values);
    else
        return false;
    return true;
}

static void step_one(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    uint8_t opcode = operands->opcode;
    if (opcode < 0x40 || opcode == 0x80 || opcode == 0x81 || opcode == 0x83)
        compute(values, operands, end);
    else if (opcode == 0x63)
        set_register(values, operands->reg, load(values, operands, end, 4));
    else if (opcode == 0x69 || opcode == 0x6b)
        set_register(values, operands->reg,
                     tn_code_value_product(values, load(values, operands, end, operand_bytes(operands)),
                                           number(operands->immediate)));
    else if (opcode == 0x84 || opcode == 0x85)
        return;
    else if (opcode == 0x86 || opcode == 0x87)
        swap(values, operands, end);
    else if ((opcode >= 0x88 && opcode <= 0x8b) || opcode == 0xc6 || opcode == 0xc7)
        step_move(values, operands, end);
    else if (opcode == 0x8d)
        load_address(values, operands, end);
    else if (opcode == 0x8f)
        store(values, operands, end, 8, pop(values));
    else if (opcode == 0xc0 || opcode == 0xc1)
        store(values, operands, end, opcode == 0xc1 ? operand_bytes(operands) : 1,
              shift(values, operands, load(values, operands, end, operand_bytes(operands)),
                    operands->immediate));
    else if (opcode == 0xd0 || opcode == 0xd1)
        store(values, operands, end, opcode == 0xd1 ? operand_bytes(operands) : 1,
              shift(values, operands, load(values, operands, end, operand_bytes(operands)), 1));
    else if (opcode == 0xd2 || opcode == 0xd3)
        store(values, operands, end, operand_bytes(operands), unknown);
    else if (opcode == 0xc9) {
        values->registers[TN_RSP] = values->registers[TN_RBP];
        set_register(values, TN_RBP, pop(values));
    } else if (opcode == 0xf6 || opcode == 0xf7)
        step_group3(values, operands, end);
    else if (opcode == 0xfe || opcode == 0xff)
        step_group5(values, operands, end);
    else if (!step_short_forms(values, operands))
        forget_all(values);
}

/* The 0f map: what writes a general register, or memory. SSE registers hold no sizes. */
static void step_two(struct tn_code_values *values, const struct tn_operands *operands, uint64_t end)
{
    uint8_t opcode = operands->opcode;
    bool is_sse_store = opcode == 0x11 || opcode == 0x13 || opcode == 0x17 || opcode == 0x29 ||
                        opcode == 0x2b || opcode == 0x7e || opcode == 0x7f || opcode == 0xd6 ||
                        opcode == 0xe7;
    if (opcode >= 0x40 && opcode <= 0x4f)
        set_register(values, operands->reg,
                     tn_code_value_join(values->registers[operands->reg],
                                        load(values, operands, end, operand_bytes(operands)),
                                        values->follows_block));
    else if (opcode >= 0x90 && opcode <= 0x9f)
        store(values, operands, end, 1, unknown);
    else if (opcode == 0xaf)
        set_register(values, operands->reg,
                     tn_code_value_product(values, values->registers[operands->reg],
                                           load(values, operands, end, operand_bytes(operands))));
    else if (is_sse_store && values->follows_block)
        return;
    else if (is_sse_store && (operands->is_memory || opcode == 0x7e))
        store(values, operands, end, 16, unknown);
    else if (opcode == 0x05 || opcode == 0x31 || opcode == 0xa2)
        forget_all(values);
    else if (opcode >= 0xc8 && opcode <= 0xcf)
        set_register(values, operands->rm, unknown);
    else if (opcode == 0x2c || opcode == 0x2d || opcode == 0x50 || opcode == 0xd7 || opcode == 0xc5 ||
             opcode == 0x02 || opcode == 0x03)
        set_register(values, operands->reg, unknown);
    else if (opcode == 0xb6 || opcode == 0xb7 ||
             (opcode >= 0xb8 && opcode <= 0xbf && opcode != 0xba && opcode != 0xbb))
        set_register(values, operands->reg, unknown); /* movzx, movsx, popcnt, bsf, bsr */
    else if (opcode >= 0xa3 && opcode <= 0xc7)
        forget_operands(values, operands, end);
}

void tn_code_values_step(struct tn_code_values *values, const struct tn_instruction *instruction,
                         uint64_t end)
{
    const struct tn_operands *operands = &instruction->operands;
    if (values->follows_block && operands->map != TN_MAP_ONE &&
        tn_code_values_step_vector(values, operands, tn_code_values_address(values, operands, end)))
        return;
    if (instruction->flow == TN_FLOW_CALL)
        call(values);
    else if (operands->is_vector && operands->map == TN_MAP_TWO)
        step_two(values, operands, end);
    else if (operands->is_vector)
        forget_all(values);
    else if (operands->map == TN_MAP_ONE)
        step_one(values, operands, end);
    else if (operands->map == TN_MAP_TWO)
        step_two(values, operands, end);
    else
        forget_operands(values, operands, end);
}
