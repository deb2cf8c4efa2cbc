/* SPDX-License-Identifier: MIT */
/* Prints what is installed beside the tool and made from its tables: manual pages, and completion for shells.
 * The build runs it; it is not installed.
 *
 * usage: tenure-pages man tenure|tenure-COMMAND | bash | zsh | fish */
#include "completion.h"
#include "manual.h"
#include "message.h"

#include <string.h>

static int print_manual(const char *page, struct tn_buffer *out)
{
    if (strcmp(page, "tenure") == 0)
        return tn_manual_print_overview(out);
    const char *name = strncmp(page, "tenure-", 7) == 0 ? page + 7 : page;
    const struct tn_command *command = tn_command_find(name);
    return command != NULL ? tn_manual_print_command(command, out) : -1;
}

static int print_page(int argc, char **argv, struct tn_buffer *out)
{
    if (argc == 3 && strcmp(argv[1], "man") == 0)
        return print_manual(argv[2], out);
    if (argc == 2 && strcmp(argv[1], "bash") == 0)
        return tn_completion_print_bash(out);
    if (argc == 2 && strcmp(argv[1], "zsh") == 0)
        return tn_completion_print_zsh(out);
    if (argc == 2 && strcmp(argv[1], "fish") == 0)
        return tn_completion_print_fish(out);
    return -1;
}

int main(int argc, char **argv)
{
    struct tn_buffer text = {0};
    int status = TN_STATUS_USAGE;
    if (print_page(argc, argv, &text) == 0)
        status = tn_print_out(&text);
    else
        tn_say("cannot print the page: usage: tenure-pages man tenure|tenure-COMMAND | bash | zsh | fish");
    tn_buffer_finish(&text);
    return status;
}
