/* SPDX-License-Identifier: MIT */
#ifndef TENURE_COMMAND_H
#define TENURE_COMMAND_H

/* A command of `tenure`. commands.c has the table of them; each one has a file, cmd_NAME.c, with its options
 * and calls into the libraries. All of it runs in the main thread. */

#include "options.h"

#include <stddef.h>

/* Exit statuses, as documented for users. All failures of `record` itself, wrong usage included, are
 * TN_STATUS_RECORD, so that they cannot be taken for the status of the recorded program. */
enum tn_status {
    TN_STATUS_DONE = 0,
    TN_STATUS_NO = 1,
    TN_STATUS_USAGE = 2,
    TN_STATUS_INPUT = 3,
    TN_STATUS_MACHINE = 4,
    TN_STATUS_RECORD = 125,
    TN_STATUS_NOT_EXECUTABLE = 126,
    TN_STATUS_NOT_FOUND = 127,
};

/* Static. */
struct tn_command {
    const char *name;    /* the word after `tenure` */
    const char *summary; /* one line, for the list of commands */
    const char *usage;   /* what follows the name: "[OPTIONS] LOG [QUERY]" */
    const char *details; /* more lines for --help, each ended by a newline; NULL: none */
    struct tn_option_table options;
    int usage_status;                                 /* exit status of a wrong command line */
    int (*run)(const struct tn_arguments *arguments); /* returns the exit status */
};

extern const struct tn_command tn_command_record;
extern const struct tn_command tn_command_report;
extern const struct tn_command tn_command_view;
extern const struct tn_command tn_command_diff;
extern const struct tn_command tn_command_check;
extern const struct tn_command tn_command_info;
extern const struct tn_command tn_command_simulate;
extern const struct tn_command tn_command_sql;
extern const struct tn_command tn_command_unpack;
extern const struct tn_command tn_command_export;
extern const struct tn_command tn_command_ctl;
extern const struct tn_command tn_command_fail;
extern const struct tn_command tn_command_try;

/* All of them, in the order in which --help lists them, ended by NULL. */
extern const struct tn_command *const tn_commands[];

/* What `tenure --help` and tenure(1) begin with: how to call it, and what it is for, with line breaks. */
extern const char tn_tool_usage[];
extern const char tn_tool_purpose[];

/* The command of this name; NULL: there is none. */
const struct tn_command *tn_command_find(const char *name);

#endif
