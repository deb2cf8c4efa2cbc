/* SPDX-License-Identifier: MIT */
/* Follows values from the entry of a function, over all its ways, until nothing changes any more. A switch's
 * table is read as compilers of today write it; any other jump through a register, or code that is not
 * understood, ends a way with not knowing. Called by argument.c and stores.c. */
#include "value_ways.h"

#include "arithmetic.h"
#include "imports.h"
#include "no_return.h"

#include <errno.h>
#include <stdlib.h>

#define PLACES_MAX 20000u /* jump targets of a function */
#define TABLE_MAX  1024u  /* entries of a switch's table */

/* A place that a jump leads to, and what is known there. */
struct tn_landing {
    uint64_t address;
    struct tn_code_values values;
    bool is_reached, is_waiting;
};

static int find_place(struct tn_ways *ways, uint64_t address, struct tn_landing **ret_place)
{
    const uint64_t *known = tn_map_find(&ways->index, address + 1);
    if (known != NULL) {
        *ret_place = &ways->places[*known - 1];
        return 0;
    }
    if (ways->count == PLACES_MAX)
        return -EOVERFLOW;
    if (ways->count == ways->capacity) {
        size_t capacity = ways->capacity * 2 + 32;
        void *places = realloc(ways->places, capacity * sizeof(ways->places[0]));
        if (places == NULL)
            return -ENOMEM;
        ways->places = places;
        ways->capacity = capacity;
    }
    *ret_place = &ways->places[ways->count++];
    **ret_place = (struct tn_landing){.address = address};
    return tn_map_put(&ways->index, address + 1, ways->count);
}

/* A way leads to an address with these values. */
static int arrive(struct tn_ways *ways, uint64_t address, const struct tn_code_values *values)
{
    struct tn_landing *place;
    int r = find_place(ways, address, &place);
    if (r < 0)
        return r;
    if (!place->is_reached) {
        place->values = *values;
        place->is_reached = place->is_waiting = true;
    } else if (tn_code_values_join(&place->values, values)) {
        place->is_waiting = true;
    }
    return 0;
}

static bool is_inside(const struct tn_ways *ways, uint64_t address)
{
    return address >= ways->function.start && address < ways->function.end;
}

/* A jump: within the function, into a part of it that was split off, or to another function, which is called
 * so. */
static int jump(struct tn_ways *ways, const struct tn_code_way *way)
{
    struct tn_code_function other;
    bool is_own = is_inside(ways, way->target) || (tn_code_function(ways->code, way->target, &other) &&
                                                   !(other.is_entry && other.start == way->target) &&
                                                   tn_code_import_at(ways->code, way->target) ==
                                                       NULL); /* a stub is none, and no entry either */
    if (is_own && way->target != ways->function.start)
        return arrive(ways, way->target, way->values);
    return ways->see(ways, TN_WAY_LEAVES, way);
}

/* An entry of a switch's table. */
static bool read_entry(const struct tn_code *code, const struct tn_switch_table *table, uint64_t index,
                       int64_t *ret_entry)
{
    uint8_t bytes[4];
    uint64_t number = 0;
    if (!tn_code_read_data(code, (uint64_t)table->address + table->bytes * index, bytes, table->bytes))
        return false;
    for (unsigned i = 0; i < table->bytes; i++)
        number |= (uint64_t)bytes[i] << 8 * i;
    uint64_t sign = UINT64_C(1) << (8 * table->bytes - 1);
    *ret_entry = table->is_signed ? (int64_t)((number ^ sign) - sign) : (int64_t)number;
    return true;
}

/* The targets of a switch: a table of offsets. Where the code does not say how many, something else lies
 * behind it. */
static int jump_by_table(struct tn_ways *ways, const struct tn_code_way *way)
{
    const struct tn_code_values *values = way->values;
    int r = 0;
    const struct tn_switch_table *table = &values->table;
    uint32_t most = table->count != 0 && table->count < TABLE_MAX ? table->count : TABLE_MAX, count = 0;
    bool is_known = table->address != 0 && table->base != 0 && table->reg == way->instruction->jump_register;
    for (; is_known && r == 0 && count < most; count++) {
        int64_t entry;
        if (!read_entry(ways->code, table, count, &entry))
            break;
        uint64_t target = (uint64_t)table->base + ((uint64_t)entry << table->shift);
        if (!is_inside(ways, target))
            break;
        r = arrive(ways, target, values);
    }
    if (count == 0)
        ways->is_not_known = true;
    return r;
}

/* A branch. Where the block's address is compared with NULL, one side has no block. */
static int branch(struct tn_ways *ways, struct tn_code_way *way)
{
    const struct tn_instruction *instruction = way->instruction;
    struct tn_code_values none = *way->values;
    struct tn_code_way taken = *way;
    bool is_asked = instruction->zero_register == TN_NO_REGISTER
                        ? none.tests_block
                        : none.registers[instruction->zero_register].kind == TN_VALUE_BLOCK;
    if (instruction->zero == TN_ZERO_UNTOLD || !none.follows_block || !is_asked)
        return jump(ways, way);
    tn_code_values_no_block(&none);
    if (instruction->zero == TN_ZERO_TAKEN)
        taken.values = &none;
    int r = jump(ways, &taken);
    if (instruction->zero == TN_ZERO_PASSED)
        *way->values = none;
    return r;
}

/* Take one instruction. *ret_goes_on: the way may also go on behind it. */
static int take(struct tn_ways *ways, struct tn_code_way *way, bool *ret_goes_on)
{
    enum tn_instruction_flow flow = way->instruction->flow;
    bool is_direct = flow == TN_FLOW_JUMP || flow == TN_FLOW_BRANCH || way->instruction->is_direct;
    way->target = is_direct ? way->end + (uint64_t)way->instruction->displacement : 0;
    *ret_goes_on = flow == TN_FLOW_NEXT || flow == TN_FLOW_CALL || flow == TN_FLOW_BRANCH;
    int r;
    switch (flow) {
    case TN_FLOW_NEXT:
    case TN_FLOW_CALL:
        r = ways->see(ways, flow == TN_FLOW_CALL ? TN_WAY_CALL : TN_WAY_STEP, way);
        *ret_goes_on = flow == TN_FLOW_NEXT || !tn_code_call_ends(ways->code, way->instruction, way->end);
        if (!*ret_goes_on)
            return r;
        if (flow == TN_FLOW_CALL)
            tn_code_values_call(way->values);
        else
            ways->code->processor->step(way->values, way->instruction, way->end);
        return r == 0 && flow == TN_FLOW_CALL ? ways->see(ways, TN_WAY_CALLED, way) : r;
    case TN_FLOW_BRANCH:
        return branch(ways, way);
    case TN_FLOW_JUMP:
        return jump(ways, way);
    case TN_FLOW_INDIRECT:
        return jump_by_table(ways, way);
    case TN_FLOW_LEAVE:
        return ways->see(ways, TN_WAY_LEAVES, way);
    case TN_FLOW_RETURN:
        return ways->see(ways, TN_WAY_RETURNS, way);
    default: /* the program stops */
        return 0;
    }
}

/* Follow instructions from a place on, up to the next one that a jump leads to. A function that ends with a
 * call has called one that does not return. */
static int follow(struct tn_ways *ways, uint64_t address, struct tn_code_values values)
{
    bool is_first = true, goes_on = true;
    int r = 0;
    struct tn_code_function own;
    uint64_t end = tn_code_function(ways->code, address, &own) ? own.end : ways->function.end;
    while (r == 0 && goes_on && address < end) {
        struct tn_instruction instruction;
        if (!is_first && tn_map_find(&ways->index, address + 1) != NULL)
            return arrive(ways, address, &values);
        is_first = false;
        if (*ways->left == 0 || !tn_code_read(ways->code, address, &instruction)) {
            ways->is_not_known = true;
            return 0;
        }
        --*ways->left;
        address += instruction.size_bytes;
        struct tn_code_way way = {.instruction = &instruction, .end = address, .values = &values};
        r = take(ways, &way, &goes_on);
    }
    return r;
}

/* A target inside a run that was followed before it was known to be one: its values have to arrive there, so
 * all that was reached is followed once more. */
static int settle(struct tn_ways *ways)
{
    int r = 0;
    for (bool is_busy = true; is_busy && r == 0 && (ways->goes_on || !ways->is_not_known);) {
        is_busy = false;
        size_t known = ways->count;
        for (size_t i = 0; i < ways->count && r == 0; i++) {
            if (!ways->places[i].is_waiting)
                continue;
            ways->places[i].is_waiting = false;
            is_busy = true;
            r = follow(ways, ways->places[i].address, ways->places[i].values);
        }
        for (size_t i = 0; i < ways->count && ways->count != known; i++)
            ways->places[i].is_waiting |= ways->places[i].is_reached;
    }
    return r;
}

int tn_ways_follow(struct tn_ways *ways, const struct tn_code_values *values)
{
    if (!tn_code_function(ways->code, ways->inside, &ways->function))
        return -ENOENT;
    int r = arrive(ways, ways->function.start, values);
    if (r == 0)
        r = settle(ways);
    tn_map_finish(&ways->index);
    free(ways->places);
    ways->places = NULL;
    return r;
}

int tn_ways_follow_entry(struct tn_ways *ways, bool follows_block)
{
    struct tn_code_values values;
    if (!tn_code_function(ways->code, ways->inside, &ways->function))
        return -ENOENT;
    tn_code_values_begin(&values, ways->code->processor, ways->function.is_entry);
    values.follows_block = follows_block;
    values.code = ways->code;
    return tn_ways_follow(ways, &values);
}

uint64_t tn_code_call_target(const struct tn_code *code, uint64_t call)
{
    struct tn_instruction instruction;
    uint32_t size_bytes = code->processor->direct_call_bytes;
    bool is_direct = call >= size_bytes && tn_code_read(code, call - size_bytes, &instruction) &&
                     instruction.size_bytes == size_bytes && instruction.is_direct;
    return is_direct ? call + (uint64_t)instruction.displacement : 0;
}
