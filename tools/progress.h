/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PROGRESS_H
#define TENURE_PROGRESS_H

/* How far a long task is: one line on stderr that is written over, on a terminal only, and only once the task
 * has taken a second. */

#include <stdbool.h>
#include <stdint.h>

/* Begin with {.what = "analysing"}. */
struct tn_progress {
    const char *what;  /* static storage */
    uint64_t start_ns; /* 0 until the first call */
    int percent;       /* as shown last */
    bool is_shown;
};

/* Note that `done` of `total` steps are done. user is a struct tn_progress. */
void tn_progress_show(void *user, uint64_t done, uint64_t total);

/* Take the line away. */
void tn_progress_end(const struct tn_progress *progress);

#endif
