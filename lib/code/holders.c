/* SPDX-License-Identifier: MIT */
/* Which registers and words of memory hold a block's address: finds words again, and joins ways. Called by
 * hand_back.c, and by the steps of each processor. */
#include "holders.h"

#include <stddef.h>

enum tn_holding tn_holding_most(enum tn_holding one, enum tn_holding other)
{
    return one > other ? one : other;
}

/* ---------------------------------------------------------------------------------------- words */

static struct tn_held_word *find_word(struct tn_holders *holders, struct tn_held_place place)
{
    for (uint32_t i = 0; i < holders->word_count; i++)
        if (holders->words[i].room == place.room && holders->words[i].position == place.position)
            return &holders->words[i];
    return NULL;
}

/* Returns whether that is new. */
static bool hold(struct tn_holders *holders, struct tn_held_place place, enum tn_holding holding)
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

enum tn_holding tn_holders_load(struct tn_holders *holders, struct tn_held_place place)
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

void tn_holders_store(struct tn_holders *holders, struct tn_held_place place, enum tn_holding holding)
{
    struct tn_held_word *word = find_word(holders, place);
    if (word != NULL && place.room != TN_ROOM_POINTER)
        *word = holders->words[--holders->word_count];
    if (holding != TN_HOLDING_NOT)
        hold(holders, place, holding);
}

void tn_holders_set(struct tn_holders *holders, uint8_t reg, enum tn_holding holding)
{
    holders->registers[reg % TN_REGISTERS] = holding;
    if (reg != holders->processor->frame_register)
        return;
    holders->has_base = false;
    for (uint32_t i = 0; i < holders->word_count; i++)
        if (holders->words[i].room == TN_ROOM_BASE)
            holders->words[i].room = TN_ROOM_POINTER;
}

void tn_holders_call(struct tn_holders *holders, enum tn_holding result)
{
    const struct tn_processor *processor = holders->processor;
    for (size_t i = 0; i < processor->lost_count; i++) {
        holders->registers[processor->lost[i]] = TN_HOLDING_NOT;
        holders->addresses[processor->lost[i]] = 0;
    }
    holders->registers[processor->result_register] = result;
}

enum tn_holding tn_holders_arguments(const struct tn_holders *holders)
{
    enum tn_holding held = TN_HOLDING_NOT;
    for (size_t i = 0; i < holders->processor->argument_count; i++)
        held = tn_holding_most(held, holders->registers[holders->processor->arguments[i]]);
    return held;
}

bool tn_holders_join(struct tn_holders *holders, const struct tn_holders *other)
{
    bool has_changed = other->is_full && !holders->is_full;
    holders->is_full = holders->is_full || other->is_full;
    for (unsigned i = 0; i < holders->processor->register_count; i++) {
        has_changed = has_changed || other->registers[i] > holders->registers[i];
        if (holders->addresses[i] != other->addresses[i]) {
            has_changed = has_changed || holders->addresses[i] != 0;
            holders->addresses[i] = 0;
        }
        holders->registers[i] = tn_holding_most(holders->registers[i], other->registers[i]);
    }
    for (uint32_t i = 0; i < other->word_count; i++) {
        struct tn_held_place place = {other->words[i].room, other->words[i].position};
        has_changed = hold(holders, place, other->words[i].holding) || has_changed;
    }
    if (holders->has_base && (!other->has_base || other->base_bytes != holders->base_bytes)) {
        holders->has_base = false;
        has_changed = true;
    }
    return has_changed;
}
