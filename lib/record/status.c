/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_line(struct tn_status *status, int flags, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void send_line(struct tn_status *status, int flags, const char *format, va_list arguments)
{
    char line[TN_RECORD_LINE_BYTES];
    if (status->fd < 0)
        return;
    int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
    size_t bytes = length < (int)sizeof(line) - 2 ? (size_t)length : sizeof(line) - 2;
    line[bytes++] = '\n';
    for (size_t done = 0; done < bytes;) {
        ssize_t n = send(status->fd, line + done, bytes - done, MSG_NOSIGNAL | (done == 0 ? flags : 0));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        done += (size_t)n;
    }
}

void tn_status_say(struct tn_status *status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    send_line(status, 0, format, arguments);
    va_end(arguments);
}

void tn_status_mention(struct tn_status *status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    send_line(status, MSG_DONTWAIT, format, arguments);
    va_end(arguments);
}

static void take_line(struct tn_status *status, const char *line)
{
    int value;
    if (sscanf(line, "child %d", &value) == 1) {
        status->has_child = true;
        status->child_pid = value;
    } else if (sscanf(line, "exited %d", &value) == 1) {
        status->has_exited = true;
        status->child_status = value;
    } else if (strcmp(line, "close") == 0) {
        status->is_to_close = true;
    } else if (strcmp(line, "discard") == 0) {
        status->is_to_discard = true;
    }
}

static void take_lines(struct tn_status *status)
{
    char *start = status->input;
    char *end = status->input + status->input_bytes;
    for (char *newline; (newline = memchr(start, '\n', (size_t)(end - start))) != NULL; start = newline + 1) {
        *newline = '\0';
        take_line(status, start);
    }
    status->input_bytes = (unsigned)(end - start);
    memmove(status->input, start, status->input_bytes);
    if (status->input_bytes == sizeof(status->input))
        status->input_bytes = 0;
}

void tn_status_hear(struct tn_status *status)
{
    while (status->fd >= 0) {
        ssize_t n = recv(status->fd, status->input + status->input_bytes,
                         sizeof(status->input) - status->input_bytes, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            tn_status_finish(status);
            return;
        }
        status->input_bytes += (unsigned)n;
        take_lines(status);
    }
}

void tn_status_finish(struct tn_status *status)
{
    if (status->fd >= 0)
        close(status->fd);
    status->fd = -1;
}
