/* SPDX-License-Identifier: MIT */
/* Writes manual pages; see manual.h. Text of the tables becomes paragraphs: an empty line ends one, and a
 * line that begins with a blank stands as it is. */
#include "manual.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Append text so that man(7) takes no character of it for a command. is_bare: a hyphen is the one of options,
 * to be copied. */
static int print_escaped(struct tn_buffer *out, const char *text, size_t length)
{
    bool starts_line = out->size_bytes == 0 || out->data[out->size_bytes - 1] == '\n';
    int r = 0;
    for (size_t i = 0; i < length && r == 0; i++) {
        if (starts_line && (text[i] == '.' || text[i] == '\''))
            r = tn_buffer_print(out, "\\&");
        starts_line = text[i] == '\n';
        if (r < 0)
            return r;
        if (text[i] == '\\')
            r = tn_buffer_print(out, "\\e");
        else if (text[i] == '-')
            r = tn_buffer_print(out, "\\-");
        else if (text[i] == '\'')
            r = tn_buffer_print(out, "\\(aq");
        else
            r = tn_buffer_append(out, &text[i], 1);
    }
    return r;
}

/* Append lines as paragraphs. */
static int print_paragraphs(struct tn_buffer *out, const char *text)
{
    bool is_example = false;
    int r = 0;
    while (r == 0 && *text != '\0') {
        size_t length = strcspn(text, "\n");
        bool stands = length > 0 && text[0] == ' ';
        if (stands != is_example && length > 0) {
            r = tn_buffer_print(out, stands ? ".PP\n.nf\n" : ".fi\n.PP\n");
            is_example = stands;
        }
        if (r == 0 && length == 0)
            r = tn_buffer_print(out, is_example ? "\n" : ".PP\n");
        if (r == 0 && length > 0)
            r = print_escaped(out, text, length);
        if (r == 0 && length > 0)
            r = tn_buffer_print(out, "\n");
        text += length + (text[length] == '\n');
    }
    return r == 0 && is_example ? tn_buffer_print(out, ".fi\n") : r;
}

/* The title, and the section NAME. suffix: "-record", or "". */
static int print_top(struct tn_buffer *out, const char *suffix, const char *summary)
{
    int r = tn_buffer_print(out, ".\\\" made from the tables of the tool\n.TH \"TENURE");
    for (size_t i = 0; suffix[i] != '\0' && r == 0; i++)
        r = tn_buffer_print(out, "%s%c", suffix[i] == '-' ? "\\" : "", toupper((unsigned char)suffix[i]));
    if (r == 0)
        r = tn_buffer_print(out, "\" 1 \"\" \"tenure " TN_VERSION "\" \"tenure\"\n.SH NAME\ntenure");
    if (r == 0)
        r = print_escaped(out, suffix, strlen(suffix));
    if (r == 0)
        r = tn_buffer_print(out, " \\- ");
    if (r == 0)
        r = print_escaped(out, summary, strlen(summary));
    return r == 0 ? tn_buffer_print(out, "\n") : r;
}

static int print_option(struct tn_buffer *out, const struct tn_option *option)
{
    int r = tn_buffer_print(out, ".TP\n.B ");
    if (r == 0 && option->letter != '\0')
        r = tn_buffer_print(out, "\\-%c, ", option->letter);
    if (r == 0)
        r = tn_buffer_print(out, "\\-\\-");
    if (r == 0)
        r = print_escaped(out, option->name, strlen(option->name));
    if (r == 0 && option->value != NULL)
        r = tn_buffer_print(out, " ");
    if (r == 0 && option->value != NULL)
        r = print_escaped(out, option->value, strlen(option->value));
    if (r == 0)
        r = tn_buffer_print(out, "\n");
    if (r == 0)
        r = print_escaped(out, option->help, strlen(option->help));
    if (r == 0 && option->environment != NULL)
        r = tn_buffer_print(out, " (variable %s)", option->environment);
    return r == 0 ? tn_buffer_print(out, "\n") : r;
}

static int print_statuses(struct tn_buffer *out)
{
    return tn_buffer_print(out,
                           ".SH \"EXIT STATUS\"\n"
                           ".TP\n.B 0\ndone\n"
                           ".TP\n.B 1\nthe answer is no\n"
                           ".TP\n.B 2\nwrong usage\n"
                           ".TP\n.B 3\nthe input cannot be used\n"
                           ".TP\n.B 4\nthe system refused: disk full, no permission\n");
}

/* Pages of the other commands, and where the rest is told. */
static int print_others(struct tn_buffer *out, const struct tn_command *self)
{
    int r = tn_buffer_print(out, ".SH \"SEE ALSO\"\n");
    if (r == 0 && self != NULL)
        r = tn_buffer_print(out, ".BR tenure (1),\n");
    for (size_t i = 0; tn_commands[i] != NULL && r == 0; i++)
        if (tn_commands[i] != self)
            r = tn_buffer_print(out, ".BR tenure\\-%s (1),\n", tn_commands[i]->name);
    return r == 0 ? tn_buffer_print(out,
                                    "and the pages in the folder of the documentation, "
                                    "of which log\\-format.md, queries.md and analyses.md say most.\n")
                  : r;
}

int tn_manual_print_command(const struct tn_command *command, struct tn_buffer *out)
{
    char suffix[32] = "-";
    strncat(suffix, command->name, sizeof(suffix) - 2);
    int r = print_top(out, suffix, command->summary);
    if (r == 0)
        r = tn_buffer_print(out, ".SH SYNOPSIS\n.B tenure %s\n", command->name);
    if (r == 0)
        r = print_escaped(out, command->usage, strlen(command->usage));
    if (r == 0 && command->details != NULL)
        r = tn_buffer_print(out, "\n.SH DESCRIPTION\n");
    if (r == 0 && command->details != NULL)
        r = print_paragraphs(out, command->details);
    if (r == 0)
        r = tn_buffer_print(out, "\n.SH OPTIONS\n");
    for (size_t i = 0; i < command->options.count && r == 0; i++)
        r = print_option(out, &command->options.options[i]);
    if (r == 0)
        r = tn_buffer_print(out, ".TP\n.B \\-h, \\-\\-help\nshow a short form of this text\n");
    if (r == 0 && command->usage_status != TN_STATUS_RECORD)
        r = print_statuses(out);
    return r == 0 ? print_others(out, command) : r;
}

static int print_command_list(struct tn_buffer *out)
{
    int r = tn_buffer_print(out, ".SH COMMANDS\n");
    for (size_t i = 0; tn_commands[i] != NULL && r == 0; i++) {
        r = tn_buffer_print(out, ".TP\n.BR tenure\\-%s (1)\n", tn_commands[i]->name);
        if (r == 0)
            r = print_escaped(out, tn_commands[i]->summary, strlen(tn_commands[i]->summary));
        if (r == 0)
            r = tn_buffer_print(out, "\n");
    }
    return r;
}

int tn_manual_print_overview(struct tn_buffer *out)
{
    int r = print_top(out, "",
                      "record every allocation of a program, and find out how to get rid of fragmentation");
    if (r == 0)
        r = tn_buffer_print(out, ".SH SYNOPSIS\n");
    if (r == 0)
        r = print_escaped(out, tn_tool_usage, strlen(tn_tool_usage));
    if (r == 0)
        r = tn_buffer_print(out, "\n.SH DESCRIPTION\n");
    if (r == 0)
        r = print_paragraphs(out, tn_tool_purpose);
    if (r == 0)
        r = tn_buffer_print(
            out,
            "\n.PP\nA start: record a program, then read the report on the newest log here.\n.PP\n"
            ".nf\n    tenure record ./program \\-x\n    tenure report\n.fi\n");
    if (r == 0)
        r = print_command_list(out);
    if (r == 0)
        r = tn_buffer_print(out,
                            ".SH OPTIONS\n.TP\n.B \\-h, \\-\\-help\nlist the commands\n"
                            ".TP\n.B \\-\\-version\nprint the version\n");
    if (r == 0)
        r = print_statuses(out);
    if (r == 0)
        r = tn_buffer_print(out, ".PP\n.BR tenure\\-record (1)\nexits with the status of the program.\n");
    return r == 0 ? print_others(out, NULL) : r;
}
