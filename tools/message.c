/* SPDX-License-Identifier: MIT */
/* Prints the tools' messages, and maps errors to exit statuses. Called by all commands. */
#include "message.h"

#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message is one line, whatever the names and SQLite's texts in it hold. */
static void make_line(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        if (isspace((unsigned char)*c))
            *c = ' ';
}

void tn_say(const char *format, ...)
{
    char *text = NULL;
    struct tn_buffer line = {0};
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0) {
        make_line(text);
        tn_buffer_show(&line, text, "");
        free(text);
    }
    va_end(arguments);
    fprintf(stderr, "tenure: %s\n", line.data != NULL ? (const char *)line.data : "out of memory");
    tn_buffer_finish(&line);
}

int tn_say_error(const struct tn_error *error)
{
    tn_say("%s", error->text);
    switch (-error->code) {
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EIO:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return TN_STATUS_MACHINE;
    case EINVAL:
        return TN_STATUS_USAGE;
    default:
        return TN_STATUS_INPUT;
    }
}

int tn_print_out(const struct tn_buffer *text)
{
    size_t written = fwrite(text->data, 1, text->size_bytes, stdout);
    if (written == text->size_bytes && fflush(stdout) == 0)
        return TN_STATUS_DONE;
    if (errno == EPIPE)
        return TN_STATUS_DONE;
    tn_say("cannot write the output: %s", strerror(errno));
    return TN_STATUS_MACHINE;
}
