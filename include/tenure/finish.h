/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_H
#define TENURE_FINISH_H

/* What is made of a log once its events are closed: names of frames, sites, summaries, plain rows. It runs in
 * a process of its own (large debug data take memory that the recorder must not), on a log that stays
 * readable throughout; a log whose finishing was cut short is complete as to its events, and says that the
 * rest is missing (meta.finished = 0). */

#include "tenure/base.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_ROWS_ALL     UINT64_MAX
#define TN_ROWS_NONE    0
#define TN_ROWS_DEFAULT 1000000

/* An open file that holds the image of a module, from the moment it was mapped. */
struct tn_module_file {
    uint64_t module_id; /* row in `module` */
    int fd;             /* readable; borrowed */
};

struct tn_finish_options {
    uint64_t rows_max; /* fill `allocation` with plain rows if there are at most this many allocations */
    const char *wrapper_regex; /* POSIX extended: functions to skip as allocation wrappers; NULL: none */
    bool keeps_wrappers;       /* do not look for wrappers that no list and no expression names */
    const struct tn_module_file *files; /* may be NULL: modules are then looked for at their paths */
    unsigned file_count;
    void (*progress)(void *context, const char *step, unsigned percent); /* may be NULL */
    void *progress_context;
};

/* Name the frames (elfutils libdw), attribute each stack to its site, write site_summary, timeline and, where
 * they are wanted, the rows of `allocation`; set meta.finished to 1.
 *
 * path     a log with meta.complete = 1
 * Returns  0; negative errno with the story in error; steps that were done stay done
 * Cost     about 40 ns an event with two cores, and symbol look-up once per distinct address */
int tn_finish(const char *path, const struct tn_finish_options *options, struct tn_error *error);

#endif
