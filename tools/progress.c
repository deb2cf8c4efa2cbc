/* SPDX-License-Identifier: MIT */
/* The progress line on stderr; see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define QUIET_NS UINT64_C(1000000000)

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
    bool is_new = !progress->is_shown || percent != progress->percent;
    if (now - progress->start_ns < QUIET_NS || !is_new || isatty(STDERR_FILENO) == 0)
        return;
    progress->is_shown = true;
    progress->percent = percent;
    fprintf(stderr, "\rtenure: %s, %d %% ", progress->what, percent);
    fflush(stderr);
}

void tn_progress_end(const struct tn_progress *progress)
{
    if (!progress->is_shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
