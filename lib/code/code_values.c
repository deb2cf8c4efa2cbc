/* SPDX-License-Identifier: MIT */
/* What is known of registers and of the words of a function's frame, at one place of it: where it begins,
 * what is left of it where ways meet, and what a store makes unknown. The steps of each processor change it,
 * value_ways.c joins it. */
#include "code_values.h"

#include <string.h>

static const struct tn_code_value unknown = {0};

void tn_code_values_begin(struct tn_code_values *values, const struct tn_processor *processor, bool is_entry)
{
    memset(values, 0, sizeof(*values));
    values->processor = processor;
    values->escaped = INT64_MAX;
    values->compared = TN_NO_REGISTER;
    values->registers[processor->stack_register].kind = TN_VALUE_STACK;
    for (size_t i = 0; is_entry && i < processor->argument_count; i++)
        values->registers[processor->arguments[i]] =
            (struct tn_code_value){.kind = TN_VALUE_PARAMETER, .reg = processor->arguments[i]};
}

bool tn_code_value_is_equal(struct tn_code_value one, struct tn_code_value other)
{
    return one.kind == other.kind &&
           (one.kind == TN_VALUE_UNKNOWN ||
            (one.reg == other.reg && one.root == other.root && one.is_loaded == other.is_loaded &&
             one.low == other.low && one.high == other.high));
}

struct tn_code_value tn_code_value_reach(struct tn_code_value address, bool is_loaded)
{
    if (address.kind == TN_VALUE_UNKNOWN)
        return unknown;
    if (address.kind == TN_VALUE_REACHED) {
        address.is_loaded |= is_loaded;
        return address;
    }
    return (struct tn_code_value){.kind = TN_VALUE_REACHED,
                                  .reg = address.reg,
                                  .root = address.kind,
                                  .is_loaded = is_loaded,
                                  .high = address.kind == TN_VALUE_RESULT ? address.high : 0};
}

/* How long what an address was found from lives, as far as that can be told. */
static unsigned lasting(struct tn_code_value address)
{
    switch (address.root) {
    case TN_VALUE_NUMBER:
        return 4;
    case TN_VALUE_PARAMETER:
        return 3;
    case TN_VALUE_RESULT:
        return 2;
    case TN_VALUE_STACK:
        return 1;
    default:
        return 0;
    }
}

/* Two addresses where ways meet: the one that leads to what lives longer, since either may be it. NULL gives
 * way to an address: it stands for none yet. */
static struct tn_code_value join_addresses(struct tn_code_value one, struct tn_code_value other)
{
    bool is_number = one.kind == TN_VALUE_NUMBER;
    if (one.kind == TN_VALUE_BLOCK && other.kind == TN_VALUE_BLOCK)
        return one.low < other.low ? one : other;
    if (one.kind == TN_VALUE_BLOCK || other.kind == TN_VALUE_BLOCK)
        return one.kind == TN_VALUE_BLOCK ? one : other;
    if (is_number || other.kind == TN_VALUE_NUMBER) {
        struct tn_code_value number = is_number ? one : other;
        return number.low == 0 && number.high == 0 ? (is_number ? other : one) : unknown;
    }
    one = tn_code_value_reach(one, false);
    other = tn_code_value_reach(other, false);
    if (one.kind == TN_VALUE_UNKNOWN || other.kind == TN_VALUE_UNKNOWN)
        return unknown;
    bool is_same = one.root == other.root && one.reg == other.reg && one.high == other.high;
    struct tn_code_value longer = lasting(other) > lasting(one) ? other : one;
    longer.is_loaded = one.is_loaded || other.is_loaded;
    return is_same || lasting(one) != lasting(other) ? longer : unknown;
}

struct tn_code_value tn_code_value_join(struct tn_code_value one, struct tn_code_value other,
                                        bool follows_block)
{
    if (tn_code_value_is_equal(one, other))
        return one;
    bool are_numbers = one.kind == TN_VALUE_NUMBER && other.kind == TN_VALUE_NUMBER;
    if (!are_numbers && follows_block)
        return join_addresses(one, other);
    if (!are_numbers)
        return unknown;
    one.low = one.low < other.low ? one.low : other.low;
    one.high = one.high > other.high ? one.high : other.high;
    return one;
}

/* ---------------------------------------------------------------------------------------- the frame */

struct tn_code_value tn_stack_word_find(const struct tn_code_values *values, struct tn_code_value address,
                                        unsigned bytes)
{
    for (size_t i = 0; address.kind == TN_VALUE_STACK && i < values->word_count; i++)
        if (values->words[i].offset == address.low && values->words[i].bytes >= bytes)
            return values->words[i].value;
    return unknown;
}

static void forget_word(struct tn_code_values *values, size_t index)
{
    values->words[index] = values->words[--values->word_count];
}

/* Forget words that lie between two offsets, also in part. */
void tn_stack_words_forget(struct tn_code_values *values, int64_t from, int64_t to)
{
    for (size_t i = 0; i < values->word_count;)
        if (values->words[i].offset + values->words[i].bytes > from && values->words[i].offset < to)
            forget_word(values, i);
        else
            i++;
}

void tn_stack_words_forget_escaped(struct tn_code_values *values)
{
    if (values->escaped != INT64_MAX && !values->follows_block)
        tn_stack_words_forget(values, values->escaped, INT64_MAX);
}

void tn_stack_word_store(struct tn_code_values *values, int64_t offset, unsigned bytes,
                         struct tn_code_value value)
{
    tn_stack_words_forget(values, offset, offset + bytes);
    if ((bytes == 4 || bytes == 8) && value.kind != TN_VALUE_UNKNOWN && values->word_count < TN_STACK_WORDS)
        values->words[values->word_count++] = (struct tn_stack_word){offset, (uint8_t)bytes, value};
}

static struct tn_code_value same_word(const struct tn_code_values *values, const struct tn_stack_word *word)
{
    for (size_t i = 0; i < values->word_count; i++)
        if (values->words[i].offset == word->offset && values->words[i].bytes == word->bytes)
            return values->words[i].value;
    return unknown;
}

/* Words and halves that hold the block on the other way alone hold it here, too. */
static bool join_block(struct tn_code_values *values, const struct tn_code_values *other)
{
    uint32_t low = values->low_halves, high = values->high_halves;
    uint8_t word_count = values->word_count;
    struct tn_block_left left = values->left;
    bool is_released = values->is_released;
    int64_t variable = values->variable;
    for (size_t i = 0; i < other->word_count; i++)
        if (other->words[i].value.kind == TN_VALUE_BLOCK && values->word_count < TN_STACK_WORDS &&
            same_word(values, &other->words[i]).kind == TN_VALUE_UNKNOWN)
            values->words[values->word_count++] = other->words[i];
    values->tests_block = false;
    values->low_halves |= other->low_halves;
    values->high_halves |= other->high_halves;
    if (other->left.in_variable)
        values->variable = !left.in_variable || values->variable == other->variable ? other->variable : 0;
    values->left.in_variable |= other->left.in_variable;
    values->left.parameters |= other->left.parameters;
    values->is_released &= other->is_released;
    return values->word_count != word_count || values->low_halves != low || values->high_halves != high ||
           values->left.in_variable != left.in_variable || values->left.parameters != left.parameters ||
           values->variable != variable || values->is_released != is_released;
}

void tn_code_values_no_block(struct tn_code_values *values)
{
    for (unsigned i = 0; i < TN_REGISTERS; i++)
        if (values->registers[i].kind == TN_VALUE_BLOCK)
            values->registers[i] = (struct tn_code_value){.kind = TN_VALUE_NUMBER};
    for (size_t i = 0; i < values->word_count; i++)
        if (values->words[i].value.kind == TN_VALUE_BLOCK)
            values->words[i].value = (struct tn_code_value){.kind = TN_VALUE_NUMBER};
    values->low_halves = values->high_halves = 0;
    values->left = (struct tn_block_left){0};
    values->is_released = true;
}

static bool is_same_table(const struct tn_switch_table *one, const struct tn_switch_table *other)
{
    return one->address == other->address && one->base == other->base && one->count == other->count &&
           one->bytes == other->bytes && one->reg == other->reg && one->shift == other->shift &&
           one->is_signed == other->is_signed;
}

/* What leads to a switch's table is written in one run: where ways meet, another one begins. */
static bool join_switch(struct tn_code_values *values, const struct tn_code_values *other)
{
    bool has_changed = false;
    if (values->table.address != 0 && !is_same_table(&values->table, &other->table)) {
        values->table = (struct tn_switch_table){0};
        has_changed = true;
    }
    bool is_compared =
        values->compared == other->compared && values->compared_number == other->compared_number;
    if (values->compared != TN_NO_REGISTER && !is_compared) {
        values->compared = TN_NO_REGISTER;
        has_changed = true;
    }
    return has_changed;
}

bool tn_code_values_join(struct tn_code_values *values, const struct tn_code_values *other)
{
    bool has_changed = false;
    for (unsigned i = 0; i < values->processor->register_count; i++) {
        struct tn_code_value joined =
            tn_code_value_join(values->registers[i], other->registers[i], values->follows_block);
        has_changed |= !tn_code_value_is_equal(joined, values->registers[i]);
        values->registers[i] = joined;
    }
    for (size_t i = 0; i < values->word_count;) {
        struct tn_code_value joined = tn_code_value_join(
            values->words[i].value, same_word(other, &values->words[i]), values->follows_block);
        has_changed |= !tn_code_value_is_equal(joined, values->words[i].value);
        values->words[i].value = joined;
        if (joined.kind == TN_VALUE_UNKNOWN)
            forget_word(values, i);
        else
            i++;
    }
    if (other->escaped < values->escaped) {
        values->escaped = other->escaped;
        has_changed = true;
    }
    has_changed |= join_switch(values, other);
    if (values->follows_block)
        has_changed |= join_block(values, other);
    return has_changed;
}
