/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RECORDER_LINK_H
#define TENURE_RECORDER_LINK_H

/* The tool's end of the line protocol that include/tenure/record.h describes: starts the recorder, sends it
 * lines and takes its lines apart. One thread. */

#include "tenure/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How to start the recorder. Strings are borrowed during tn_link_start. */
struct tn_link_options {
    const char *recorder; /* path of tenure-recorder */
    const char *log;      /* path of the log */
    const char *rows;     /* as the option says it: N, all or none */
    const char *wrapper;  /* NULL: none */
    bool keeps_wrappers;  /* look for no others */
    const char *text;     /* for meta.options */
    bool is_replacing;    /* an existing log is replaced */
};

struct tn_link {
    int fd;            /* our end of the socket pair; -1 when closed */
    pid_t pid;         /* the recorder, our child */
    size_t used_bytes; /* bytes in text that wait to be taken as lines */
    size_t line_bytes; /* of these, the ones of the line taken last, with its newline */
    char text[TN_RECORD_LINE_BYTES + 1];
};

/* Start the recorder. It has not said anything yet.
 *
 * Returns  0; negative errno with the story in error
 * Owns     tn_link_finish releases ret_link */
int tn_link_start(const struct tn_link_options *options, struct tn_link *ret_link, struct tn_error *error);

/* Read what the recorder has sent; blocks if there is nothing. Call after poll, or in order to wait.
 *
 * Returns  1 something came; 0 end: the recorder is gone; negative errno */
int tn_link_read(struct tn_link *link);

/* Take the next whole line that was read, without its newline, or NULL. Valid until the next call. */
char *tn_link_next_line(struct tn_link *link);

/* Send a line (no newline in it). A recorder that is gone is no error here: its end is seen by reading. */
void tn_link_send(struct tn_link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The number behind "KEY=" in a line, or 0. */
uint64_t tn_link_number(const char *line, const char *key);

/* Close our end. Zeroed is not fine: only after tn_link_start said 0. */
void tn_link_finish(struct tn_link *link);

#endif
