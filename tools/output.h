/* SPDX-License-Identifier: MIT */
#ifndef TENURE_OUTPUT_H
#define TENURE_OUTPUT_H

/* Output of a command: to stdout or a file. */

#include "tenure/base.h"

#include <limits.h>
#include <stdbool.h>

/* Output that is written in parts. Written by the functions below only. */
struct tn_output {
    const char *path;         /* borrowed; NULL: stdout */
    int fd;                   /* what is written to */
    int error;                /* of the first part that could not be written; 0: none */
    bool is_replacing;        /* a new file beside path becomes path when it is whole */
    char temporary[PATH_MAX]; /* that file */
};

/* Whether both paths name the same existing file. */
bool tn_output_is_same(const char *a, const char *b);

/* Write text into a file, all or nothing: a full disk leaves what was there before. A device or a pipe is
 * written to directly.
 *
 * path     NULL: stdout
 * Returns  TN_STATUS_DONE; TN_STATUS_MACHINE after a message on stderr */
int tn_output_write(const char *path, const struct tn_buffer *text);

/* Begin an output in parts. What is at path stays until tn_output_close; a device or a pipe is written to
 * directly.
 *
 * path     NULL: stdout; borrowed until tn_output_close
 * Returns  TN_STATUS_DONE; TN_STATUS_MACHINE after a message on stderr */
int tn_output_open(const char *path, struct tn_output *ret_output);

/* Append a part. user: a struct tn_output, as libraries hand it through. Returns 0 or a negative errno. */
int tn_output_append(void *user, const void *data, size_t size_bytes);

/* End an output.
 *
 * is_whole  false: what was written is dropped where path allows it
 * Returns   TN_STATUS_DONE, also when the reader of stdout closed the pipe; TN_STATUS_MACHINE: a part, or the
 *           end, could not be written, and the reason was printed */
int tn_output_close(struct tn_output *output, bool is_whole);

#endif
