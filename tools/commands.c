/* SPDX-License-Identifier: MIT */
/* The table of commands, and what is said about all of them. main.c runs a command, print_pages.c writes its
 * manual page. A new command is one file, cmd_NAME.c, and one line here, in command.h and in meson.build. */
#include "command.h"

#include <string.h>

const char tn_tool_usage[] = "tenure COMMAND [OPTIONS] ...";
const char tn_tool_purpose[] =
    "Record every allocation of a program with its call stack and its lifetime,\n"
    "and find out how to get rid of heap fragmentation.";

const struct tn_command *const tn_commands[] = {
    &tn_command_record, &tn_command_report,
    &tn_command_view,   &tn_command_simulate,
    &tn_command_diff,   &tn_command_check,
    &tn_command_info,   &tn_command_sql,
    &tn_command_unpack, &tn_command_export,
    &tn_command_ctl,    &tn_command_fail,
    &tn_command_try,    NULL,
};

const struct tn_command *tn_command_find(const char *name)
{
    for (size_t i = 0; tn_commands[i] != NULL; i++)
        if (strcmp(tn_commands[i]->name, name) == 0)
            return tn_commands[i];
    return NULL;
}
