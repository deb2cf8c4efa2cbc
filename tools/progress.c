/* SPDX-License-Identifier: MIT */
/* The progress line on stderr; see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define QUIET_NS       UINT64_C(1000000000)
#define LINES_QUIET_NS UINT64_C(5000000000) /* most runs in scripts end before, and say nothing */
#define LINE_PERCENT   10

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

void tn_progress_show(void *user, uint64_t done, uint64_t total)
{
    struct tn_progress *progress = user;
    uint64_t now = now_ns();
    if (progress->start_ns == 0)
        progress->start_ns = now;
    int percent = total != 0 ? (int)((double)done * 100 / (double)total) : 0;
    bool is_terminal = isatty(STDERR_FILENO) != 0;
    int step = is_terminal ? 1 : LINE_PERCENT;
    bool is_new = !progress->is_shown || percent >= progress->percent + step || percent < progress->percent;
    uint64_t quiet_ns = is_terminal ? QUIET_NS : LINES_QUIET_NS;
    if (now - progress->start_ns < quiet_ns || !is_new || !(is_terminal || progress->has_lines))
        return;
    progress->is_shown = true;
    progress->percent = percent;
    fprintf(stderr, is_terminal ? "\rtenure: %s, %d %% " : "tenure: %s, %d %%\n", progress->what, percent);
    fflush(stderr);
}

void tn_progress_end(const struct tn_progress *progress)
{
    if (!progress->is_shown || isatty(STDERR_FILENO) == 0)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
