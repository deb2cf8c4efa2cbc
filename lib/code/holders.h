/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_HOLDERS_H
#define TN_CODE_HOLDERS_H

/* Which registers and words of memory may hold one block's address at a place in the code, on any way that
 * leads there; and how an instruction changes it. For hand_back.c. */

#include "processor.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_HELD_WORDS 32u /* that are told apart; a block in further ones may be anywhere */

/* Whether a place holds the block, or an address inside it. */
enum tn_holding {
    TN_HOLDING_NOT,
    TN_HOLDING_PERHAPS, /* a function that is not known was given the block, and this came back */
    TN_HOLDING_SURE,    /* on some way */
};

/* How a word of memory is found again. */
enum tn_word_room {
    TN_ROOM_STACK,   /* position from the stack pointer at the start */
    TN_ROOM_BASE,    /* position from the frame pointer at the start */
    TN_ROOM_FIXED,   /* position is its address in the module */
    TN_ROOM_POINTER, /* position from any other register: two such words may be one */
};

/* A word that may hold the block. */
struct tn_held_word {
    enum tn_word_room room;
    enum tn_holding holding; /* never NOT */
    int64_t position;        /* bytes */
};

/* A word of memory that an instruction names. */
struct tn_held_place {
    enum tn_word_room room;
    int64_t position; /* bytes */
};

/* All that may hold the block. Zeroed but for the processor: nothing does. */
struct tn_holders {
    const struct tn_processor *processor;
    enum tn_holding registers[TN_REGISTERS]; /* as instructions number them */
    int64_t addresses[TN_REGISTERS];         /* of static memory that registers are known to hold; 0: none */
    struct tn_held_word words[TN_HELD_WORDS];
    uint32_t word_count;
    bool is_full;        /* a word was left out */
    int64_t stack_bytes; /* stack pointer now, from that at the start */
    bool has_base;       /* base_bytes is known */
    int64_t base_bytes;  /* frame pointer now, from the stack pointer at the start */
};

enum tn_holding tn_holding_most(enum tn_holding one, enum tn_holding other);

/* What a word holds. */
enum tn_holding tn_holders_load(struct tn_holders *holders, struct tn_held_place place);

/* Write a word. One that a pointer finds may be another one than before, so nothing there is ever overwritten
 * for sure. */
void tn_holders_store(struct tn_holders *holders, struct tn_held_place place, enum tn_holding holding);

/* Write a register. Where it is the frame pointer, words are not found by it any more. */
void tn_holders_set(struct tn_holders *holders, uint8_t reg, enum tn_holding holding);

/* Take a call: what it may change, and what it gives back. */
void tn_holders_call(struct tn_holders *holders, enum tn_holding result);

/* The most that one of the registers for arguments holds. */
enum tn_holding tn_holders_arguments(const struct tn_holders *holders);

/* What is held where two ways meet: what either of them holds. Returns whether `holders` changed. */
bool tn_holders_join(struct tn_holders *holders, const struct tn_holders *other);

#endif
