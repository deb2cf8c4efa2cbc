/* SPDX-License-Identifier: MIT */
/* What is known of registers and of the words of a function's frame, at one place of it: where it begins,
 * what is left of it where ways meet, and what a store makes unknown. instructions.c changes it, argument.c
 * joins it. */
#include "code_values.h"

#include <string.h>

static const struct tn_code_value unknown = {0};

void tn_code_values_begin(struct tn_code_values *values, bool is_entry)
{
    static const uint8_t arguments[] = {TN_RDI, TN_RSI, TN_RDX, TN_RCX, 8, 9};
    memset(values, 0, sizeof(*values));
    values->escaped = INT64_MAX;
    values->registers[TN_RSP].kind = TN_VALUE_STACK;
    for (size_t i = 0; is_entry && i < sizeof(arguments); i++)
        values->registers[arguments[i]] = (struct tn_code_value){TN_VALUE_PARAMETER, arguments[i], 0, 0};
}

bool tn_code_value_is_equal(struct tn_code_value one, struct tn_code_value other)
{
    return one.kind == other.kind &&
           (one.kind == TN_VALUE_UNKNOWN ||
            (one.reg == other.reg && one.low == other.low && one.high == other.high));
}

struct tn_code_value tn_code_value_join(struct tn_code_value one, struct tn_code_value other)
{
    if (tn_code_value_is_equal(one, other))
        return one;
    if (one.kind != TN_VALUE_NUMBER || other.kind != TN_VALUE_NUMBER)
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
    if (values->escaped != INT64_MAX)
        tn_stack_words_forget(values, values->escaped, INT64_MAX);
}

void tn_stack_word_store(struct tn_code_values *values, int64_t offset, unsigned bytes,
                         struct tn_code_value value)
{
    tn_stack_words_forget(values, offset, offset + bytes);
    if ((bytes == 4 || bytes == 8) && value.kind != TN_VALUE_UNKNOWN && values->word_count < TN_STACK_WORDS)
        values->words[values->word_count++] = (struct tn_stack_word){offset, (uint8_t)bytes, value};
}

bool tn_code_values_join(struct tn_code_values *values, const struct tn_code_values *other)
{
    bool has_changed = false;
    for (unsigned i = 0; i < TN_REGISTERS; i++) {
        struct tn_code_value joined = tn_code_value_join(values->registers[i], other->registers[i]);
        has_changed |= !tn_code_value_is_equal(joined, values->registers[i]);
        values->registers[i] = joined;
    }
    for (size_t i = 0; i < values->word_count;) {
        struct tn_code_value theirs = unknown;
        for (size_t k = 0; k < other->word_count; k++)
            if (other->words[k].offset == values->words[i].offset &&
                other->words[k].bytes == values->words[i].bytes)
                theirs = other->words[k].value;
        struct tn_code_value joined = tn_code_value_join(values->words[i].value, theirs);
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
    if (values->table != other->table && values->table != 0) {
        values->table = 0;
        has_changed = true;
    }
    return has_changed;
}
