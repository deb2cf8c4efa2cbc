/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_CODE_VALUES_H
#define TN_CODE_CODE_VALUES_H

/* What is known of registers and of words of the stack at a place of a function, whichever way control came
 * there; and how one instruction changes it. For argument.c. */

#include "decode.h"

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
};

struct tn_code_value {
    enum tn_value_kind kind;
    uint8_t reg; /* of a parameter */
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

/* Take an instruction that is neither a jump nor a return.
 *
 * end  address behind it */
void tn_code_values_step(struct tn_code_values *values, const struct tn_instruction *instruction,
                         uint64_t end);

/* What is known where two ways meet: what both agree on; of numbers their range. Returns whether `values`
 * changed. */
bool tn_code_values_join(struct tn_code_values *values, const struct tn_code_values *other);

/* What is known of one value where two ways meet. */
struct tn_code_value tn_code_value_join(struct tn_code_value one, struct tn_code_value other);

bool tn_code_value_is_equal(struct tn_code_value one, struct tn_code_value other);

#endif
