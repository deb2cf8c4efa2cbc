/* SPDX-License-Identifier: MIT */
/* Completion for zsh, see completion.h: one call of _arguments a command, with a specification for each
 * option. */
#include "completion.h"

#include <string.h>

/* Append the first line of a text, for a place between single quotes; what a specification takes for its own
 * signs gets a backslash. */
static int print_text(struct tn_buffer *out, const char *text)
{
    int r = 0;
    for (; *text != '\0' && *text != '\n' && r == 0; text++) {
        if (*text == '\'')
            r = tn_buffer_print(out, "'\\''");
        else
            r = tn_buffer_print(out, strchr("[]:\\", *text) != NULL ? "\\%c" : "%c", *text);
    }
    return r;
}

/* What follows the description: ":NAME:ACTION". */
static int print_value(struct tn_buffer *out, const struct tn_option *option)
{
    struct tn_buffer words = {0};
    int kind = tn_completion_value(option, &words);
    int r = kind < 0 ? kind : 0;
    if (r == 0 && kind != TN_COMPLETES_NONE)
        r = tn_buffer_print(out, ":%s:", option->value);
    if (r == 0 && kind == TN_COMPLETES_FILE)
        r = tn_buffer_print(out, "_files");
    if (r == 0 && kind == TN_COMPLETES_WORDS)
        r = tn_buffer_print(out, "(%s)", (const char *)words.data);
    if (r == 0 && kind == TN_COMPLETES_LIST)
        r = tn_buffer_print(out, "_sequence compadd - %s", (const char *)words.data);
    tn_buffer_finish(&words);
    return r;
}

static int print_option(struct tn_buffer *out, const struct tn_option *option)
{
    const char *sign = option->value != NULL ? "=" : "";
    int r = 0;
    if (option->letter != '\0')
        r = tn_buffer_print(out, " \\\n            '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter,
                            option->name, option->letter, option->value != NULL ? "+" : "", option->name,
                            sign);
    else
        r = tn_buffer_print(out, " \\\n            '--%s%s[", option->name, sign);
    if (r == 0)
        r = print_text(out, option->help);
    if (r == 0)
        r = tn_buffer_print(out, "]");
    if (r == 0)
        r = print_value(out, option);
    return r == 0 ? tn_buffer_print(out, "'") : r;
}

static int print_command(struct tn_buffer *out, const struct tn_command *command)
{
    int r = tn_buffer_print(out, "    %s)\n        _arguments -s '(-)'{-h,--help}'[show the help]'",
                            command->name);
    for (size_t i = 0; i < command->options.count && r == 0; i++)
        r = print_option(out, &command->options.options[i]);
    if (r == 0 && command->options.words != NULL)
        r = tn_buffer_print(out, " \\\n            '2:what to do:(%s)'", command->options.words);
    if (r < 0)
        return r;
    return tn_buffer_print(out, " \\\n            %s\n        ;;\n",
                           tn_completion_runs_program(command)
                               ? "'(-)1:program:_command_names -e' '*:::arguments:_normal'"
                               : "'*:log:_files'");
}

int tn_completion_print_zsh(struct tn_buffer *out)
{
    int r = tn_buffer_print(out,
                            "#compdef tenure\n"
                            "# zsh completion for tenure; made from the tables of the tool\n"
                            "local -a commands\ncommands=(\n");
    for (size_t i = 0; tn_commands[i] != NULL && r == 0; i++) {
        r = tn_buffer_print(out, "    '%s:", tn_commands[i]->name);
        if (r == 0)
            r = print_text(out, tn_commands[i]->summary);
        if (r == 0)
            r = tn_buffer_print(out, "'\n");
    }
    if (r == 0)
        r = tn_buffer_print(out,
                            ")\n"
                            "if ((CURRENT == 2)); then\n"
                            "    _describe -t commands command commands\n"
                            "    compadd -- --help --version\n"
                            "    return\n"
                            "fi\n"
                            "local command=$words[2]\n"
                            "shift words\n"
                            "((CURRENT--))\n"
                            "case $command in\n");
    for (size_t i = 0; tn_commands[i] != NULL && r == 0; i++)
        r = print_command(out, tn_commands[i]);
    return r == 0 ? tn_buffer_print(out, "esac\n") : r;
}
