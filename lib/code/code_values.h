/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_CODE_VALUES_H
#define TN_CODE_CODE_VALUES_H

/* What is known of registers and of words of the stack at a place of a function, whichever way control came
 * there; and how one instruction changes it. For value_ways.c. */

#include "decode.h"
#include "module_code.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_REGISTERS   16u
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

struct tn_code_values {
    struct tn_code_value
        registers[TN_REGISTERS]; /* as instructions number them: rax, rcx, rdx, rbx, rsp... */
    struct tn_stack_word words[TN_STACK_WORDS];
    uint8_t word_count;
    int64_t escaped; /* lowest address in the frame that was given away: what lies there or above may be
                        changed by any call or store; INT64_MAX: none */
    int64_t table;   /* last address of the module that was loaded: a switch's table; 0: none */

    bool follows_block; /* pointers are followed, too; what a call or a store through another pointer may
                           change is taken to stay as it was */
    const struct tn_code *code;       /* with follows_block: tells the addresses that the loader fills in */
    bool has_pointed;                 /* a parameter points to a word that holds the block */
    uint8_t pointed_reg;              /* that parameter */
    int64_t pointed_offset;           /* of the word, from it */
    uint16_t low_halves, high_halves; /* of SSE registers: a bit for each that holds the block */
    bool is_in_variable;              /* a static variable got its address on one way at least, and the block
                                         has not been released since */
    int64_t variable;                 /* address of that variable; 0: not known, or several */
    bool is_released;                 /* the block has been, on all ways */
};

/* General registers, as instructions number them. */
enum tn_register { TN_RAX, TN_RCX, TN_RDX, TN_RBX, TN_RSP, TN_RBP, TN_RSI, TN_RDI };

/* Values at the entry of a function; or, in a part of one that is not its entry, nothing at all. */
void tn_code_values_begin(struct tn_code_values *values, bool is_entry);

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

/* The address of the operand in memory: base, index and displacement; in addresses.c. end: address behind the
 * instruction. */
struct tn_code_value tn_code_values_address(const struct tn_code_values *values,
                                            const struct tn_operands *operands, uint64_t end);

/* Take an instruction that is neither a jump nor a return.
 *
 * end  address behind it */
void tn_code_values_step(struct tn_code_values *values, const struct tn_instruction *instruction,
                         uint64_t end);

/* What is known where two ways meet: what both agree on; of numbers their range. Returns whether `values`
 * changed. */
bool tn_code_values_join(struct tn_code_values *values, const struct tn_code_values *other);

/* What is known of one value where two ways meet. follows_block: as of the values that it belongs to. */
struct tn_code_value tn_code_value_join(struct tn_code_value one, struct tn_code_value other,
                                        bool follows_block);

/* What an address leads to, as a value of its own: another place in the same object, or, with is_loaded, one
 * that a pointer in that object leads to. Of what is no address nothing is known. */
struct tn_code_value tn_code_value_reach(struct tn_code_value address, bool is_loaded);

/* What an instruction that works on SSE registers does to the halves that hold the block, to words of the
 * frame that they are stored in, and to a general register that one is moved to.
 *
 * address  of its operand in memory
 * Returns  whether nothing else is to be known of the instruction */
bool tn_code_values_step_vector(struct tn_code_values *values, const struct tn_operands *operands,
                                struct tn_code_value address);

/* Whether an instruction stores a half of an SSE register that holds the block. */
bool tn_code_stores_half(const struct tn_code_values *values, const struct tn_operands *operands);

/* Whether an instruction stores an SSE register, or half of one, in memory. */
bool tn_code_stores_vector(const struct tn_operands *operands);

bool tn_code_value_is_equal(struct tn_code_value one, struct tn_code_value other);

#endif
