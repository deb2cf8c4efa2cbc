/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PROGRESS_H
#define TENURE_PROGRESS_H

/* Progress of a long task: one line on stderr that is overwritten on a terminal, and only after a second; or,
 * if that is wanted, lines where stderr goes elsewhere, after five. The libraries call tn_progress_show as a
 * callback. One thread. */

#include <stdbool.h>
#include <stdint.h>

/* Begin with {.what = "analysing"}; the rest is tn_progress_show's. */
struct tn_progress {
    const char *what;  /* static storage */
    bool has_lines;    /* without a terminal: a line for every tenth; by the caller */
    uint64_t start_ns; /* 0 until the first call */
    int percent;       /* as last shown */
    bool is_shown;     /* the line is on the terminal, or a line was written */
};

/* Show that `done` of `total` steps are done, if there is anything new to show.
 *
 * user  a struct tn_progress */
void tn_progress_show(void *user, uint64_t done, uint64_t total);

/* Erase the line. */
void tn_progress_end(const struct tn_progress *progress);

#endif
