/* SPDX-License-Identifier: MIT */
/* What one x86-64 instruction does to values. Whatever an instruction does that is not listed here makes its
 * result unknown. Called by value_ways.c for each instruction, through the processor's table. */
#include "arithmetic.h"
#include "multiples.h"
#include "processor_x86_64.h"

static const struct tn_code_value unknown = {0};

/* ---------------------------------------------------------------------------------------- operands */

/* With an index that is not known, or that is itself the address, as compilers write it where they do not
 * optimise. */
static struct tn_code_value indexed(const struct tn_code_values *values,
                                    const struct tn_operands_x86_64 *operands)
{
    struct tn_code_value base =
        operands->base != TN_NO_REGISTER ? values->registers[operands->base] : tn_code_value_number(0);
    struct tn_code_value index = operands->scale == 1 ? values->registers[operands->index] : unknown;
    struct tn_code_value moved = tn_code_value_move(values, base, index);
    return moved.kind != TN_VALUE_UNKNOWN
               ? moved
               : tn_code_value_plus(values, unknown, operands->memory_displacement);
}

static struct tn_code_value with_index(const struct tn_code_values *values,
                                       const struct tn_operands_x86_64 *operands)
{
    int64_t displacement = operands->memory_displacement;
    struct tn_code_value index = values->registers[operands->index];
    struct tn_code_value base =
        operands->base != TN_NO_REGISTER ? values->registers[operands->base] : tn_code_value_number(0);
    struct tn_code_value scaled = tn_code_value_times(values, index, operands->scale);
    if (scaled.kind == TN_VALUE_UNKNOWN)
        return indexed(values, operands);
    if (scaled.kind == TN_VALUE_NUMBER) {
        struct tn_code_value sum =
            tn_code_value_plus(values, tn_code_value_plus(values, base, scaled.low), displacement);
        return sum.kind != TN_VALUE_UNKNOWN ? sum : indexed(values, operands);
    }
    bool is_one = tn_code_value_is_number(base);
    return tn_code_value_plus(values,
                              is_one ? tn_code_value_plus(values, scaled, base.low)
                                     : tn_code_value_sum(values, base, scaled, 1),
                              displacement);
}

struct tn_code_value tn_x86_64_address(const struct tn_code_values *values,
                                       const struct tn_operands_x86_64 *operands, uint64_t end)
{
    int64_t displacement = operands->memory_displacement;
    if (operands->is_thread_local)
        return values->follows_block ? tn_code_value_reach(tn_code_value_number(1), false) : unknown;
    if (operands->is_rip_relative)
        return tn_code_value_number((int64_t)(end + (uint64_t)displacement));
    if (operands->index != TN_NO_REGISTER)
        return with_index(values, operands);
    if (operands->base == TN_NO_REGISTER)
        return tn_code_value_number(displacement);
    return tn_code_value_plus(values, values->registers[operands->base], displacement);
}

static unsigned operand_bytes(const struct tn_operands_x86_64 *operands)
{
    return operands->is_wide ? 8 : operands->is_short ? 2 : 4;
}

/* The operand of ModRM as a value. */
static struct tn_code_value load(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                                 uint64_t end, unsigned bytes)
{
    if (!operands->is_memory)
        return tn_code_value_narrow(values->registers[operands->rm], bytes);
    bool is_own = operands->is_thread_local && operands->memory_displacement == 0;
    return tn_code_values_load(values, tn_x86_64_address(values, operands, end), bytes, is_own);
}

static void store(struct tn_code_values *values, const struct tn_operands_x86_64 *operands, uint64_t end,
                  unsigned bytes, struct tn_code_value value)
{
    value = tn_code_value_narrow(value, bytes);
    if (!operands->is_memory) {
        tn_code_values_set(values, operands->rm, bytes >= 4 ? value : unknown);
        return;
    }
    struct tn_code_value base = unknown;
    if (!operands->is_rip_relative && operands->base != TN_NO_REGISTER &&
        values->registers[operands->base].kind == TN_VALUE_STACK)
        base = tn_code_value_plus(values, values->registers[operands->base], operands->memory_displacement);
    tn_code_values_store(values, tn_x86_64_address(values, operands, end), base, bytes, value);
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

/* ---------------------------------------------------------------------------------------- arithmetic */

/* `and $-16, %rsp` moves the frame by an unknown amount: words are told apart from there on. */
static struct tn_code_value align_stack(struct tn_code_values *values, struct tn_code_value left)
{
    if (left.kind != TN_VALUE_STACK)
        return unknown;
    values->word_count = 0;
    return unknown;
}

static void compute(struct tn_code_values *values, const struct tn_operands_x86_64 *operands, uint64_t end)
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
    struct tn_code_value other = is_group || into_rax ? tn_code_value_number(operands->immediate)
                                                      : values->registers[operands->reg & 15];
    bool is_cleared =
        operation == 6 && !is_group && !into_rax && !operands->is_memory && operands->reg == operands->rm;
    struct tn_code_value result =
        is_cleared      ? tn_code_value_number(0)
        : into_register ? tn_code_value_combine(values, (enum tn_arithmetic)operation, other, memory)
                        : tn_code_value_combine(values, (enum tn_arithmetic)operation, memory, other);
    if (operation == 4 && memory.kind == TN_VALUE_STACK)
        result = align_stack(values, memory);
    if (into_rax)
        tn_code_values_set(values, TN_RAX, bytes >= 4 ? result : unknown);
    else if (into_register)
        tn_code_values_set(values, operands->reg, bytes >= 4 ? tn_code_value_narrow(result, bytes) : unknown);
    else
        store(values, operands, end, bytes, result);
}

static struct tn_code_value shift(const struct tn_code_values *values,
                                  const struct tn_operands_x86_64 *operands, struct tn_code_value value,
                                  int64_t count)
{
    unsigned operation = operands->reg & 7;
    if (count < 0 || count > 31 || (operation != 4 && operation != 5 && operation != 7))
        return unknown;
    return tn_code_value_shift(values, value, operation == 4 ? count : -count);
}

/* ---------------------------------------------------------------------------------------- instructions */

static void forget_operands(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                            uint64_t end)
{
    if (!operands->has_modrm)
        return;
    tn_code_values_set(values, operands->reg, unknown);
    store(values, operands, end, 16, unknown);
}

static void load_address(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                         uint64_t end)
{
    struct tn_code_value address = tn_x86_64_address(values, operands, end);
    bool is_frame =
        operands->base != TN_NO_REGISTER && values->registers[operands->base].kind == TN_VALUE_STACK;
    if (operands->is_rip_relative)
        values->table = (struct tn_switch_table){
            .address = address.low, .base = address.low, .bytes = 4, .is_signed = true};
    if (is_frame && operands->index != TN_NO_REGISTER)
        tn_code_values_escape(values, tn_code_value_plus(values, values->registers[operands->base],
                                                         operands->memory_displacement));
    tn_code_values_set(values, operands->reg, address);
}

static void step_group3(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                        uint64_t end)
{
    unsigned operation = operands->reg & 7;
    unsigned bytes = operands->opcode == 0xf7 ? operand_bytes(operands) : 1;
    if (operation == 2 || operation == 3)
        store(values, operands, end, bytes, unknown);
    if (operation < 4)
        return;
    tn_code_values_set(values, TN_RAX, unknown);
    tn_code_values_set(values, TN_RDX, unknown);
}

static void step_group5(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                        uint64_t end)
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

static void step_move(struct tn_code_values *values, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    unsigned bytes = (operands->opcode & 1) != 0 ? operand_bytes(operands) : 1;
    switch (operands->opcode) {
    case 0x88:
    case 0x89:
        /* an address of the frame that is stored is known to others from then on */
        if (operands->is_memory)
            tn_code_values_escape(values, values->registers[operands->reg]);
        store(values, operands, end, bytes, values->registers[operands->reg]);
        break;
    case 0x8a:
    case 0x8b:
        tn_code_values_set(values, operands->reg,
                           bytes >= 4 ? load(values, operands, end, operand_bytes(operands)) : unknown);
        break;
    default: /* c6, c7 */
        store(values, operands, end, bytes, tn_code_value_number(operands->immediate));
        break;
    }
}

static void swap(struct tn_code_values *values, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    struct tn_code_value value =
        operands->opcode == 0x87 ? load(values, operands, end, operand_bytes(operands)) : unknown;
    struct tn_code_value own = operands->opcode == 0x87 ? values->registers[operands->reg] : unknown;
    store(values, operands, end, operands->opcode == 0x87 ? operand_bytes(operands) : 1, own);
    tn_code_values_set(values, operands->reg, value);
}

static void step_strings(struct tn_code_values *values)
{
    static const uint8_t changed[] = {TN_RAX, TN_RCX, TN_RSI, TN_RDI};
    for (size_t i = 0; i < sizeof(changed); i++)
        tn_code_values_set(values, changed[i], unknown);
    if (!values->follows_block)
        values->word_count = 0;
}

/* Opcodes 50 to bf. Returns false for those it does not know. */
static bool step_short_forms(struct tn_code_values *values, const struct tn_operands_x86_64 *operands)
{
    uint8_t opcode = operands->opcode;
    if (opcode >= 0x50 && opcode <= 0x57)
        push(values, values->registers[operands->rm]);
    else if (opcode >= 0x58 && opcode <= 0x5f)
        tn_code_values_set(values, operands->rm, pop(values));
    else if (opcode == 0x68 || opcode == 0x6a)
        push(values, tn_code_value_number(operands->immediate));
    else if (opcode >= 0xb0 && opcode <= 0xb7)
        tn_code_values_set(values, operands->rm, unknown);
    else if (opcode >= 0xb8 && opcode <= 0xbf)
        tn_code_values_set(values, operands->rm,
                           tn_code_value_number(operands->is_wide ? operands->immediate
                                                                  : (int64_t)(uint32_t)operands->immediate));
    else if (opcode == 0x99)
        tn_code_values_set(values, TN_RDX, unknown);
    else if (opcode == 0xa8 || opcode == 0xa9 || opcode == 0x90 || opcode == 0x98 || opcode == 0x9b)
        return true; /* test, nop; cltq keeps what numbers and sizes are */
    else if (opcode >= 0x91 && opcode <= 0x97) {
        struct tn_code_value value = values->registers[operands->rm];
        tn_code_values_set(values, operands->rm, values->registers[TN_RAX]);
        tn_code_values_set(values, TN_RAX, value);
    } else if (opcode >= 0xa4 && opcode <= 0xaf)
        step_strings(values);
    else
        return false;
    return true;
}

static void step_one(struct tn_code_values *values, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    uint8_t opcode = operands->opcode;
    if (opcode < 0x40 || opcode == 0x80 || opcode == 0x81 || opcode == 0x83)
        compute(values, operands, end);
    else if (opcode == 0x63)
        tn_code_values_set(values, operands->reg, load(values, operands, end, 4));
    else if (opcode == 0x69 || opcode == 0x6b)
        tn_code_values_set(values, operands->reg,
                           tn_code_value_product(values, load(values, operands, end, operand_bytes(operands)),
                                                 tn_code_value_number(operands->immediate)));
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
        tn_code_values_set(values, TN_RBP, pop(values));
    } else if (opcode == 0xf6 || opcode == 0xf7)
        step_group3(values, operands, end);
    else if (opcode == 0xfe || opcode == 0xff)
        step_group5(values, operands, end);
    else if (!step_short_forms(values, operands))
        tn_code_values_forget_all(values);
}

/* The 0f map: what writes a general register, or memory. SSE registers hold no sizes. */
static void step_two(struct tn_code_values *values, const struct tn_operands_x86_64 *operands, uint64_t end)
{
    uint8_t opcode = operands->opcode;
    bool is_sse_store = opcode == 0x11 || opcode == 0x13 || opcode == 0x17 || opcode == 0x29 ||
                        opcode == 0x2b || opcode == 0x7e || opcode == 0x7f || opcode == 0xd6 ||
                        opcode == 0xe7;
    if (opcode >= 0x40 && opcode <= 0x4f)
        tn_code_values_set(values, operands->reg,
                           tn_code_value_join(values->registers[operands->reg],
                                              load(values, operands, end, operand_bytes(operands)),
                                              values->follows_block));
    else if (opcode >= 0x90 && opcode <= 0x9f)
        store(values, operands, end, 1, unknown);
    else if (opcode == 0xaf)
        tn_code_values_set(values, operands->reg,
                           tn_code_value_product(values, values->registers[operands->reg],
                                                 load(values, operands, end, operand_bytes(operands))));
    else if (is_sse_store && values->follows_block)
        return;
    else if (is_sse_store && (operands->is_memory || opcode == 0x7e))
        store(values, operands, end, 16, unknown);
    else if (opcode == 0x05 || opcode == 0x31 || opcode == 0xa2)
        tn_code_values_forget_all(values);
    else if (opcode >= 0xc8 && opcode <= 0xcf)
        tn_code_values_set(values, operands->rm, unknown);
    else if (opcode == 0x2c || opcode == 0x2d || opcode == 0x50 || opcode == 0xd7 || opcode == 0xc5 ||
             opcode == 0x02 || opcode == 0x03)
        tn_code_values_set(values, operands->reg, unknown);
    else if (opcode == 0xb6 || opcode == 0xb7 ||
             (opcode >= 0xb8 && opcode <= 0xbf && opcode != 0xba && opcode != 0xbb))
        tn_code_values_set(values, operands->reg, unknown); /* movzx, movsx, popcnt, bsf, bsr */
    else if (opcode >= 0xa3 && opcode <= 0xc7)
        forget_operands(values, operands, end);
}

/* `test` of a register with itself, or `cmp` with 0, of a word that holds the block. */
static bool tests_block(struct tn_code_values *values, const struct tn_operands_x86_64 *operands,
                        uint64_t end)
{
    bool is_test = operands->opcode == 0x85 && !operands->is_memory && operands->reg == operands->rm;
    bool is_compare = (operands->opcode == 0x83 || operands->opcode == 0x81) && (operands->reg & 7) == 7 &&
                      operands->immediate == 0;
    return operands->map == TN_MAP_ONE && operands->is_wide && (is_test || is_compare) &&
           load(values, operands, end, 8).kind == TN_VALUE_BLOCK;
}

void tn_x86_64_step(struct tn_code_values *values, const struct tn_instruction *instruction, uint64_t end)
{
    const struct tn_operands_x86_64 *operands = &instruction->operands.x86_64;
    values->tests_block = values->follows_block && tests_block(values, operands, end);
    if (values->follows_block && operands->map != TN_MAP_ONE &&
        tn_x86_64_step_vector(values, operands, tn_x86_64_address(values, operands, end)))
        return;
    if (operands->is_vector && operands->map == TN_MAP_TWO)
        step_two(values, operands, end);
    else if (operands->is_vector)
        tn_code_values_forget_all(values);
    else if (operands->map == TN_MAP_ONE)
        step_one(values, operands, end);
    else if (operands->map == TN_MAP_TWO)
        step_two(values, operands, end);
    else
        forget_operands(values, operands, end);
}
