/* SPDX-License-Identifier: MIT */
#ifndef TENURE_OPTIONS_H
#define TENURE_OPTIONS_H

/* The option parser: from a table of options to values and a help text. Values stay text until a command
 * asks for a number, so that the error can name the option. No state besides the caller's structs; one
 * thread. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_OPTIONS_MAX 24
#define TN_GIVEN_MAX   64 /* options on one command line that are kept one by one */

/* One option of a command. Static. */
struct tn_option {
    char letter;             /* 'o' for -o; 0: none */
    const char *name;        /* without the dashes */
    const char *value;       /* name of the value in the help; NULL: the option takes none */
    const char *help;        /* what it does; a newline begins another line of the help */
    const char *environment; /* variable that holds the value if the option is not given; NULL: none */
};

/* All options of a command. Static. */
struct tn_option_table {
    const struct tn_option *options;
    size_t count;         /* <= TN_OPTIONS_MAX */
    bool ends_at_operand; /* the first operand ends the options: the rest belongs to another program */
    size_t operand_min;   /* operands that must be there */
    size_t operand_max;   /* SIZE_MAX: any number */
    const char *operands; /* their name, for the error when one is missing: "a LOG" */
    const char *words;    /* what the second operand may be, separated by blanks; NULL: no fixed words */
};

/* A parsed command line. Strings are borrowed from argv. */
struct tn_arguments {
    const char *command; /* whose arguments these are */
    const struct tn_option_table *table;
    const char *values[TN_OPTIONS_MAX]; /* by index in the table; NULL: not given; "" for a flag */
    struct {
        const struct tn_option *option;
        const char *value;
    } given[TN_GIVEN_MAX]; /* in the order of the command line; none from the environment */
    size_t given_count;    /* length of given; more than TN_GIVEN_MAX are an error */
    bool wants_help;       /* --help or -h was given; nothing else was checked then */
    char **operands;       /* operand_count of them, in order, then NULL */
    size_t operand_count;
};

/* Parse a command line. Options may stand anywhere before `--`, unless the table says ends_at_operand; the
 * last one of repeated options counts.
 *
 * command        name, for messages
 * argv           argc words after the command's name; reordered, so that the operands are at its front
 * ret_arguments  written on success; borrows from command, table and argv
 * Returns        0; -EINVAL, error says what is wrong */
int tn_options_parse(const char *command, const struct tn_option_table *table, int argc, char **argv,
                     struct tn_arguments *ret_arguments, struct tn_error *error);

/* The value of an option; NULL: not given. name must be in the table. */
const char *tn_option_text(const struct tn_arguments *arguments, const char *name);

/* The next value of an option that may be repeated.
 *
 * position  0 before the first call; moved on
 * Returns   NULL at the end */
const char *tn_option_next(const struct tn_arguments *arguments, const char *name, size_t *position);

/* Whether an option was given. */
bool tn_option_is_given(const struct tn_arguments *arguments, const char *name);

/* A whole number.
 *
 * minimum, maximum  its bounds, both allowed
 * fallback          the result if the option was not given
 * Returns           0; -EINVAL, error says what is wrong (ret_value untouched) */
int tn_option_count(const struct tn_arguments *arguments, const char *name, uint64_t minimum,
                    uint64_t maximum, uint64_t fallback, uint64_t *ret_value, struct tn_error *error);

/* A size in bytes, with K, M or G; otherwise as tn_option_count. */
int tn_option_bytes(const struct tn_arguments *arguments, const char *name, uint64_t minimum,
                    uint64_t maximum, uint64_t fallback, uint64_t *ret_bytes, struct tn_error *error);

/* "yes" or "no", or 1 or 0 as variables have it; otherwise as tn_option_count. */
int tn_option_yes_no(const struct tn_arguments *arguments, const char *name, bool fallback, bool *ret_value,
                     struct tn_error *error);

/* A duration: a number and s, m, h, d, w or y, as in "90m"; at most 100 years.
 *
 * fallback_ns  if the option was not given
 * Returns      0; -EINVAL, error says what is wrong (ret_ns untouched) */
int tn_option_duration(const struct tn_arguments *arguments, const char *name, uint64_t fallback_ns,
                       uint64_t *ret_ns, struct tn_error *error);

/* Append the options as the help shows them. Returns 0 or -ENOMEM. */
int tn_options_print(const struct tn_option_table *table, struct tn_buffer *out);

/* Find the word that a misspelt one was meant to be.
 *
 * words         count strings
 * stride_bytes  from one to the next: they may be a field of an array of structs
 * Returns       the nearest one, at most two letters away; NULL: there is none */
const char *tn_nearest_word(const char *word, const char *const *words, size_t count, size_t stride_bytes);

#endif
