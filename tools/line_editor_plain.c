/* SPDX-License-Identifier: MIT */
/* Lines as the terminal gives them, for a build without libedit and readline; see line_editor.h. Called by
 * sql_shell.c. */
#include "line_editor.h"

#include "input_wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void tn_line_editor_complete(char **words, size_t count)
{
    (void)words, (void)count;
}

void tn_line_editor_begin(void)
{
}

int tn_line_editor_read(const char *prompt, bool (*was_interrupted)(void), char **ret_line)
{
    char *line = NULL;
    size_t line_bytes = 0;
    sigset_t before;
    tn_input_hold(&before);
    fputs(prompt, stdout);
    fflush(stdout);
    int r = tn_input_wait(&before, was_interrupted);
    tn_input_release(&before);
    if (r < 0) {
        putchar('\n');
        return r;
    }
    errno = 0;
    ssize_t length = getline(&line, &line_bytes, stdin);
    if (length < 0) {
        r = errno == ENOMEM ? -ENOMEM : 0;
        free(line);
        clearerr(stdin);
        return r;
    }
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = '\0';
    *ret_line = line;
    return 1;
}

void tn_line_editor_remember(const char *text)
{
    (void)text;
}

void tn_line_editor_end(void)
{
}
