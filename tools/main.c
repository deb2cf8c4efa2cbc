/* SPDX-License-Identifier: MIT */
/* Entry of `tenure`: finds the command in the table of commands.c, parses its options, and runs it, or
 * prints its help. */
#include "command.h"
#include "message.h"
#include "recorder_stack.h"

#include <stdio.h>
#include <string.h>

#define COMMANDS_MAX 64

static int print_commands(struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "Usage: %s\n\n%s\n\nCommands:\n", tn_tool_usage, tn_tool_purpose);
    for (size_t i = 0; tn_commands[i] != NULL && r == 0; i++)
        r = tn_buffer_print(out, "  %-10s%s\n", tn_commands[i]->name, tn_commands[i]->summary);
    if (r < 0)
        return r;
    return tn_buffer_print(
        out,
        "\n'tenure COMMAND --help' shows the options of a command, 'tenure --version' the version.\n"
        "A start: tenure record PROGRAM ARGS, then tenure report LOG\n");
}

static int print_help(const struct tn_command *command, struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "Usage: tenure %s %s\n\n%s.\n\nOptions:\n", command->name, command->usage,
                            command->summary);
    if (r < 0)
        return r;
    r = tn_options_print(&command->options, out);
    if (r < 0 || command->details == NULL)
        return r;
    return tn_buffer_print(out, "\n%s", command->details);
}

static int show(int (*print)(const struct tn_command *, struct tn_buffer *), const struct tn_command *command)
{
    struct tn_buffer text = {0};
    int status = TN_STATUS_MACHINE;
    if (print(command, &text) < 0)
        tn_say("cannot print the help: out of memory");
    else
        status = tn_print_out(&text);
    tn_buffer_finish(&text);
    return status;
}

static int print_overview(const struct tn_command *command, struct tn_buffer *out)
{
    (void)command;
    return print_commands(out);
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS_MAX];
    size_t count = 0;
    for (; tn_commands[count] != NULL && count < COMMANDS_MAX; count++)
        names[count] = tn_commands[count]->name;
    const char *nearest = tn_nearest_word(name, names, count, sizeof(names[0]));
    const char *what = name[0] == '-' ? "option" : "command";
    if (nearest != NULL)
        tn_say("unknown %s '%s': did you mean '%s'? See 'tenure --help'", what, name, nearest);
    else
        tn_say("unknown %s '%s': there is no such %s; see 'tenure --help'", what, name, what);
    return TN_STATUS_USAGE;
}

/* A command and its command line. */
struct command_call {
    const struct tn_command *command;
    int argc;
    char **argv;
};

static int run_command(void *context)
{
    const struct command_call *call = context;
    const struct tn_command *command = call->command;
    struct tn_arguments arguments;
    struct tn_error error;
    if (tn_options_parse(command->name, &command->options, call->argc, call->argv, &arguments, &error) < 0) {
        tn_say("%s", error.text);
        return command->usage_status;
    }
    if (arguments.wants_help)
        return show(print_help, command);
    return command->run(&arguments);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        tn_say("no command was given; see 'tenure --help'");
        return TN_STATUS_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        const struct tn_command *command = argc > 2 ? tn_command_find(argv[2]) : NULL;
        return command != NULL ? show(print_help, command) : show(print_overview, NULL);
    }
    if (strcmp(name, "--version") == 0) {
        puts("tenure " TN_VERSION);
        return TN_STATUS_DONE;
    }
    const struct tn_command *command = tn_command_find(name);
    if (command == NULL)
        return unknown_command(name);
    return tn_tool_run_on_stack(run_command, &(struct command_call){command, argc - 2, argv + 2});
}
