/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_H
#define TENURE_FINISH_H

/* Finishes a log once its events are closed: names of frames, sites, summaries, plain rows. It runs in a
 * process of its own, because large debug data take memory that the recorder must not. The log stays readable
 * throughout; if finishing is cut short, the log has all its events and says that the rest is missing
 * (meta.finished = 0). One thread; it starts another one to unpack events. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_ROWS_ALL     UINT64_MAX
#define TN_ROWS_NONE    0
#define TN_ROWS_DEFAULT 1000000

/* The file of a module, held open since the module was mapped. */
struct tn_module_file {
    uint64_t module_id; /* row in `module` */
    int fd;             /* readable; borrowed */
};

struct tn_finish_options {
    uint64_t rows_max; /* fill `allocation` with plain rows if there are at most this many allocations */
    const char *wrapper_regex; /* POSIX extended: functions to skip as allocation wrappers; NULL: none */
    bool keeps_wrappers; /* no search for wrappers beyond the list and the expression: they stay sites */
    const struct tn_module_file *files; /* borrowed; NULL: modules are opened by their paths */
    unsigned file_count;
    void (*progress)(void *context, const char *step, unsigned percent); /* may be NULL */
    void *progress_context;
};

/* Name the frames (elfutils libdw), attribute each stack to its site, write site_summary, timeline and, if
 * wanted, the rows of `allocation`; set meta.finished to 1.
 *
 * path     a log with meta.complete = 1
 * options  borrowed during the call
 * Returns  0; negative errno: error says what failed and what to do; completed steps are kept
 * Cost     about 40 ns an event with two cores, and symbol look-up once per distinct address */
int tn_finish(const char *path, const struct tn_finish_options *options, struct tn_error *error);

#endif
