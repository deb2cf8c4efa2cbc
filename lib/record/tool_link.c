/* SPDX-License-Identifier: MIT */
/* Sends lines to `tenure record` and takes its lines apart. Progress lines are dropped when the tool is
 * slow; all others wait. Called by record.c, processes.c, close.c. */
#include "tool_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* 10 ms apart: how often a line is sent again while the kernel has no memory for it. */
#define SEND_ATTEMPTS 200

/* Whether to try again: the kernel has no memory at the moment. The tool waits for each line. */
static bool is_worth_another(int code, unsigned *attempts)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    if (code == EINTR)
        return true;
    if ((code != ENOBUFS && code != ENOMEM) || ++*attempts > SEND_ATTEMPTS)
        return false;
    nanosleep(&pause, NULL);
    return true;
}

static void send_line(struct tn_tool_link *link, int flags, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void send_line(struct tn_tool_link *link, int flags, const char *format, va_list arguments)
{
    char line[TN_RECORD_LINE_BYTES];
    if (link->fd < 0)
        return;
    int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
    size_t bytes = length < (int)sizeof(line) - 2 ? (size_t)length : sizeof(line) - 2;
    line[bytes++] = '\n';
    unsigned attempts = 0;
    for (size_t done = 0; done < bytes;) {
        ssize_t n = send(link->fd, line + done, bytes - done, MSG_NOSIGNAL | (done == 0 ? flags : 0));
        if (n < 0 && is_worth_another(errno, &attempts))
            continue;
        if (n < 0)
            return;
        done += (size_t)n;
    }
}

void tn_tool_link_send(struct tn_tool_link *link, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    send_line(link, 0, format, arguments);
    va_end(arguments);
}

void tn_tool_link_try_send(struct tn_tool_link *link, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    send_line(link, MSG_DONTWAIT, format, arguments);
    va_end(arguments);
}

static void take_line(struct tn_tool_link *link, const char *line)
{
    int value;
    if (sscanf(line, "child %d", &value) == 1) {
        link->has_child = true;
        link->child_pid = value;
    } else if (sscanf(line, "exited %d", &value) == 1) {
        link->has_exited = true;
        link->child_status = value;
    } else if (strcmp(line, "close") == 0) {
        link->is_to_close = true;
    } else if (strcmp(line, "discard") == 0) {
        link->is_to_discard = true;
    }
}

static void take_lines(struct tn_tool_link *link)
{
    char *start = link->input;
    char *end = link->input + link->input_bytes;
    for (char *newline; (newline = memchr(start, '\n', (size_t)(end - start))) != NULL; start = newline + 1) {
        *newline = '\0';
        take_line(link, start);
    }
    link->input_bytes = (unsigned)(end - start);
    memmove(link->input, start, link->input_bytes);
    if (link->input_bytes == sizeof(link->input))
        link->input_bytes = 0;
}

void tn_tool_link_read(struct tn_tool_link *link)
{
    while (link->fd >= 0) {
        ssize_t n = recv(link->fd, link->input + link->input_bytes, sizeof(link->input) - link->input_bytes,
                         MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS))
            return;
        if (n <= 0) {
            tn_tool_link_close(link);
            return;
        }
        link->input_bytes += (unsigned)n;
        take_lines(link);
    }
}

void tn_tool_link_close(struct tn_tool_link *link)
{
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}
