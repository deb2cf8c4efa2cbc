/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RECORDER_LINK_H
#define TENURE_RECORDER_LINK_H

/* The tool's end of the line protocol of include/tenure/record.h: starts the recorder, sends lines and splits
 * what it receives into lines. One thread. */

#include "tenure/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How to start the recorder. Strings are borrowed during tn_link_start. */
struct tn_link_options {
    const char *recorder;     /* path of tenure-recorder */
    const char *log;          /* path of the log */
    const char *rows;         /* N, all or none, as given on the command line */
    const char *wrapper;      /* NULL: none */
    bool keeps_wrappers;      /* no search for other wrappers */
    bool omits_command_lines; /* the log gets no arguments of processes */
    const char *text;         /* for meta.options */
    bool is_replacing;        /* an existing log is replaced */
    bool is_paused;           /* recording begins paused */
    uint64_t resume_after_ns; /* and resumes after this time; 0: not by time */
    const char *resume_mark;  /* and resumes with this mark; NULL: with none */
    bool is_background;       /* the tool does not wait for names and summaries */
};

struct tn_link {
    int fd;            /* our end of the socket pair; -1 when closed */
    pid_t pid;         /* the recorder, our child */
    size_t used_bytes; /* bytes in text that were not taken as lines yet */
    size_t line_bytes; /* of these, the ones of the line taken last, with its newline */
    char text[TN_RECORD_LINE_BYTES + 1];
};

/* Start the recorder. Does not wait for its first line.
 *
 * Returns  0; negative errno: error says what failed
 * Owns     tn_link_finish releases ret_link */
int tn_link_start(const struct tn_link_options *options, struct tn_link *ret_link, struct tn_error *error);

/* Read what the recorder has sent; blocks if there is nothing.
 *
 * Returns  1: something came; 0: end of file, the recorder has gone; negative errno */
int tn_link_read(struct tn_link *link);

/* Take the next whole line that was read, without its newline, or NULL. Valid until the next call. */
char *tn_link_next_line(struct tn_link *link);

/* Send a line; the newline is added. A recorder that has gone is not an error here: tn_link_read tells. */
void tn_link_send(struct tn_link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The number behind "KEY=" in a line, or 0. */
uint64_t tn_link_number(const char *line, const char *key);

/* Close our end. Only after tn_link_start returned 0. */
void tn_link_finish(struct tn_link *link);

#endif
