/* SPDX-License-Identifier: MIT */
#ifndef TENURE_EXCERPT_H
#define TENURE_EXCERPT_H

/* Lines of source files around those that findings name, for the HTML report. A log may come from anywhere
 * and is not trusted to name a file: only regular files below one folder are read, without following a link,
 * and only small ones. One thread at a time. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines that are shown before a line and behind it. */
#define TN_EXCERPT_AROUND 3u

/* A larger file is no source that somebody wrote. */
#define TN_EXCERPT_FILE_BYTES_MAX (1024u * 1024u)

/* Bytes that are kept of a line. */
#define TN_EXCERPT_LINE_BYTES_MAX 200u

/* The lines around one. */
struct tn_excerpt {
    char *file;          /* owned; as the log names it */
    uint32_t line;       /* of that file, from 1 */
    uint32_t first_line; /* number of the first line of text */
    char *text;          /* owned; whole lines, each ended by a newline, but for what was cut of long ones */
};

/* Excerpts of files below one folder. */
struct tn_excerpts {
    bool is_open;             /* folder_fd is one */
    int folder_fd;            /* owned, if is_open */
    struct tn_excerpt *items; /* owned */
    size_t count;             /* in items */
};

/* Begin with no excerpt.
 *
 * folder    where the sources are
 * Returns   0; -ENOENT, -ENOTDIR, -EACCES...: error says why the folder cannot be opened; ret_excerpts is
 *           then untouched
 * Owns      tn_excerpts_finish releases what ret_excerpts owns */
int tn_excerpts_open(const char *folder, struct tn_excerpts *ret_excerpts, struct tn_error *error);

/* Add the lines around one. The file is looked for below the folder by its whole path, then without its first
 * folder, and so on, down to its name. Where there is none, or it has no such line, nothing is added.
 *
 * file     as the debug information has it
 * line     from 1; 0 adds nothing
 * Returns  0; -ENOMEM
 * Cost     some system calls, and reading the file */
int tn_excerpts_add(struct tn_excerpts *excerpts, const char *file, uint32_t line);

/* The excerpt of a line; NULL: there is none, or excerpts is NULL. Borrowed until the next addition. */
const struct tn_excerpt *tn_excerpts_find(const struct tn_excerpts *excerpts, const char *file,
                                          uint32_t line);

/* Close the folder and release all excerpts. NULL and zeroed are fine. */
void tn_excerpts_finish(struct tn_excerpts *excerpts);

#endif
