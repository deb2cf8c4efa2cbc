/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_CODE_VALUES_H
#define TN_CODE_CODE_VALUES_H

/* What is known of registers and of words of the stack at a place of a function, whichever way control came
 * there; and how one instruction changes it. For value_ways.c. */

#include "module_code.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_STACK_WORDS 48u /* words that are told apart in one function; of further ones nothing is known */

enum tn_value_kind {
    TN_VALUE_UNKNOWN = 0, /* computed, or loaded from where nothing is known of */
    TN_VALUE_NUMBER,      /* one of the numbers from low to high that stand in the code */
    TN_VALUE_PARAMETER,   /* what the register had when the function was entered, plus low */
    TN_VALUE_STACK,       /* the stack pointer at the entry, plus low */
    TN_VALUE_MULTIPLE,    /* as PARAMETER, but times high; not where a block is followed */
    /* Only where a block is followed: */
    TN_VALUE_BLOCK,   /* the block that is followed, or an address inside it, on one way at least; low is 1 if
                         it lies behind the block's first byte on all ways that have it, else 0 */
    TN_VALUE_RESULT,  /* what the call that returns to high gave back, or an address inside that */
    TN_VALUE_REACHED, /* an address that was found from another one, root */
};

struct tn_code_value {
    enum tn_value_kind kind;
    uint8_t reg;             /* of a parameter, root or not */
    enum tn_value_kind root; /* of REACHED: what it was found from: PARAMETER, STACK, BLOCK, RESULT, or NUMBER
                                for static storage */
    bool is_loaded; /* REACHED: a pointer was loaded on the way, so that it leads to another object */
    int64_t low, high;
};

/* A word of the function's frame. */
struct tn_stack_word {
    int64_t offset; /* from the stack pointer at the entry */
    uint8_t bytes;  /* 4 or 8; of a smaller one nothing is known */
    struct tn_code_value value;
};

/* The table of a switch: numbers that lead to its targets when they are added to a base. */
struct tn_switch_table {
    int64_t address; /* of its first entry; 0: none was loaded */
    int64_t base;    /* that targets are counted from; 0: not known so far */
    uint32_t count;  /* entries; 0: not known, it ends where an entry leads out of the function */
    uint8_t bytes;   /* of an entry: 1, 2, 4 */
    uint8_t shift;   /* bits that an entry is shifted to the left by */
    uint8_t reg;     /* register that the jump goes through; as jump_register of an instruction */
    bool is_signed;  /* entries may be below 0 */
};

struct tn_code_values {
    const struct tn_processor *processor;
    struct tn_code_value registers[TN_REGISTERS]; /* as instructions number them */
    struct tn_stack_word words[TN_STACK_WORDS];
    uint8_t word_count;
    int64_t escaped; /* lowest address in the frame that was given away: what lies there or above may be
                        changed by any call or store; INT64_MAX: none */
    struct tn_switch_table table; /* of the next jump through a register, if that is a switch */
    uint8_t compared;             /* register that was last compared with a number; TN_NO_REGISTER: none, or
                                     it has changed since */
    uint32_t compared_number;     /* that number */

    bool follows_block; /* pointers are followed, too; what a call or a store through another pointer may
                           change is taken to stay as it was */
    const struct tn_code *code;       /* with follows_block: tells the addresses that the loader fills in */
    bool has_pointed;                 /* a parameter points to a word that holds the block */
    uint8_t pointed_reg;              /* that parameter */
    int64_t pointed_offset;           /* of the word, from it */
    uint32_t low_halves, high_halves; /* of vector registers: a bit for each that holds the block */
    struct tn_block_left left;        /* on one way at least */
    int64_t variable; /* address of the variable that has the block; 0: not known, or several */
    bool is_released; /* the block has been, on all ways */
    bool tests_block; /* the instruction before compares the block's address with NULL */
};

/* What an instruction stores in memory. */
struct tn_stored {
    struct tn_code_value address; /* where; of several words, of the one that gets the block */
    bool is_block;                /* the block's address, or one inside it */
    bool is_inside;               /* is_block: it lies behind the block's first byte on all ways */
    bool may_be_address;          /* something else, perhaps, that is an address */
};

/* Values at the entry of a function; or, in a part of one that is not its entry, nothing at all. */
void tn_code_values_begin(struct tn_code_values *values, const struct tn_processor *processor, bool is_entry);

/* The word at an address, if that is one of the frame and so many bytes of it are known. */
struct tn_code_value tn_stack_word_find(const struct tn_code_values *values, struct tn_code_value address,
                                        unsigned bytes);

/* Store a value in the frame, at an offset from the stack pointer at the entry. */
void tn_stack_word_store(struct tn_code_values *values, int64_t offset, unsigned bytes,
                         struct tn_code_value value);

/* Forget words that lie between two offsets, also in part. */
void tn_stack_words_forget(struct tn_code_values *values, int64_t from, int64_t to);

/* Forget all words that others know of. */
void tn_stack_words_forget_escaped(struct tn_code_values *values);

/* What is known where the block's address is NULL: that there is none. */
void tn_code_values_no_block(struct tn_code_values *values);

/* What is known where two ways meet: what both agree on; of numbers their range. Returns whether `values`
 * changed. */
bool tn_code_values_join(struct tn_code_values *values, const struct tn_code_values *other);

/* What is known of one value where two ways meet. follows_block: as of the values that it belongs to. */
struct tn_code_value tn_code_value_join(struct tn_code_value one, struct tn_code_value other,
                                        bool follows_block);

/* What an address leads to, as a value of its own: another place in the same object, or, with is_loaded, one
 * that a pointer in that object leads to. Of what is no address nothing is known. */
struct tn_code_value tn_code_value_reach(struct tn_code_value address, bool is_loaded);

bool tn_code_value_is_equal(struct tn_code_value one, struct tn_code_value other);

#endif
