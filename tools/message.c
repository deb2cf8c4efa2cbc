/* SPDX-License-Identifier: MIT */
/* Prints the tools' messages, and maps errors to exit statuses. Called by all commands. */
#include "message.h"

#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void tn_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    flockfile(stderr);
    fputs("tenure: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(arguments);
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
