/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SCREEN_H
#define TENURE_SCREEN_H

/* Text for people, as a terminal wants it: its width, colours, and a pager, as git does it; plain in a pipe
 * or a file. Called by the commands that write reports. One thread. */

#include "options.h"
#include "tenure/report.h"

/* How the output of a command is shown. */
struct tn_screen {
    struct tn_report_style style; /* for the text */
    const char *output;           /* file to write into; NULL: stdout. Borrowed */
    bool has_pager;               /* stdout is a terminal, and nobody refused a pager */
};

/* The options that a command with a screen has, for its table. */
/* clang-format off */
#define TN_SCREEN_OPTIONS                                                                                    \
    {0, "color", "auto|always|never",                                                                        \
     "colours in text (default: auto, on a terminal unless NO_COLOR\nis set)", NULL},                        \
    {0, "no-pager", NULL, "do not show text on a terminal through $PAGER (default: less)", NULL}
/* clang-format on */

/* Find out how to show a text.
 *
 * arguments  of a command whose table has TN_SCREEN_OPTIONS
 * output     file that the user named; NULL: stdout
 * Returns    0; -EINVAL, error says what is wrong */
int tn_screen_read(const struct tn_arguments *arguments, const char *output, struct tn_screen *ret_screen,
                   struct tn_error *error);

/* Show a text: into the file, through the pager, or on stdout. Without the pager's program, on stdout.
 *
 * Returns  as tn_output_write */
int tn_screen_write(const struct tn_screen *screen, const struct tn_buffer *text);

#endif
