/* SPDX-License-Identifier: MIT */
#ifndef TENURE_COMPLETION_H
#define TENURE_COMPLETION_H

/* Completion of tenure's command lines in shells, from the same tables as --help. For print_pages.c, while
 * tenure is built. Any thread. */

#include "command.h"

/* What an option's value may be. */
enum tn_completes {
    TN_COMPLETES_NONE,  /* the option takes none */
    TN_COMPLETES_FREE,  /* a number, a name: nothing to offer */
    TN_COMPLETES_FILE,  /* a path */
    TN_COMPLETES_WORDS, /* one of some words */
    TN_COMPLETES_LIST,  /* some of them, with commas between */
};

/* Find out what a value may be from its name in the table: "yes|no", "FILE", "KIND,...".
 *
 * words    the words are appended, with a blank between two
 * Returns  an enum tn_completes; -ENOMEM */
int tn_completion_value(const struct tn_option *option, struct tn_buffer *words);

/* Whether the operands of a command are a program and its arguments, and not logs. */
bool tn_completion_runs_program(const struct tn_command *command);

/* Append the script of a shell. Returns 0 or -ENOMEM. */
int tn_completion_print_bash(struct tn_buffer *out);
int tn_completion_print_zsh(struct tn_buffer *out);
int tn_completion_print_fish(struct tn_buffer *out);

#endif
