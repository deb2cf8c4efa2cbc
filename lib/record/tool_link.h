/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_TOOL_LINK_H
#define TN_RECORD_TOOL_LINK_H

/* The line protocol with `tenure record` (record.h), the recorder's side. */

#include "tenure/record.h"

#include <stdbool.h>
#include <sys/types.h>

struct tn_tool_link {
    int fd;                           /* owned; -1: nobody listens */
    char input[TN_RECORD_LINE_BYTES]; /* the beginning of a line */
    unsigned input_bytes;
    bool has_child; /* `child` was said */
    pid_t child_pid;
    bool has_exited; /* `exited` was said */
    int child_status;
    bool is_to_close;   /* `close` was said */
    bool is_to_discard; /* `discard` was said */
};

/* Say a line (without its newline). Waits when the reader is slow; without a reader nothing happens. */
void tn_tool_link_send(struct tn_tool_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, but drop it rather than wait: for progress. */
void tn_tool_link_try_send(struct tn_tool_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Read what the tool said, without waiting; at the end of file the descriptor is closed. */
void tn_tool_link_read(struct tn_tool_link *link);

/* Close. */
void tn_tool_link_close(struct tn_tool_link *link);

#endif
