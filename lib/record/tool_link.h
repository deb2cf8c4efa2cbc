/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_TOOL_LINK_H
#define TN_RECORD_TOOL_LINK_H

/* The recorder's end of the line protocol with `tenure record` (record.h). One thread. */

#include "tenure/record.h"

#include <stdbool.h>
#include <sys/types.h>

struct tn_tool_link {
    int fd;                           /* owned; -1: there is no tool, or it has closed */
    char input[TN_RECORD_LINE_BYTES]; /* of a line whose end has not arrived */
    unsigned input_bytes;
    bool has_child; /* a `child` line came */
    pid_t child_pid;
    bool has_exited; /* an `exited` line came */
    int child_status;
    bool is_to_close;   /* a `close` line came */
    bool is_to_discard; /* a `discard` line came */
};

/* Send a line; the newline is added. Waits when the tool is slow; without a tool nothing happens. */
void tn_tool_link_send(struct tn_tool_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, but drop the line instead of waiting: for progress. */
void tn_tool_link_try_send(struct tn_tool_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Read the lines that the tool has sent, without waiting. At the end of file the descriptor is closed. */
void tn_tool_link_read(struct tn_tool_link *link);

/* Close the descriptor. One that is closed already is fine. */
void tn_tool_link_close(struct tn_tool_link *link);

#endif
