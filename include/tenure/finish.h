/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_H
#define TENURE_FINISH_H

/* Finishes a log once its events are closed: names of frames, sites, summaries, plain rows. It runs in a
 * process of its own, because large debug data take memory that the recorder must not. The log stays readable
 * throughout; if finishing is cut short, the log has all its events and says that the rest is missing
 * (meta.finished = 0), and whoever reads it next can finish it. One thread; it starts another one to unpack
 * events. */

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

#define TN_FINISH_WAITING "waiting"

/* Keys of meta that a recording writes, so that another process can finish its log as it was asked to. */
#define TN_FINISH_META_ROWS    "finish_rows"          /* rows_max in decimal */
#define TN_FINISH_META_WRAPPER "finish_wrapper"       /* wrapper_regex; missing: none */
#define TN_FINISH_META_KEEPS   "finish_keep_wrappers" /* keeps_wrappers, 0 or 1 */

/* Take the lock under which one process at a time finishes a log, without waiting: flock on the file itself,
 * which ends with the process that holds it, however that ends. Child processes that inherit the descriptor
 * share the lock.
 *
 * Returns  a descriptor, close-on-exec; closing all its copies ends the lock; -EWOULDBLOCK: another process
 *          holds it; another negative errno: the file cannot be opened, or its file system has no such locks
 * Owns     the caller. It must not be closed while this process has a connection to the log: with any
 *          descriptor of a file, POSIX takes away SQLite's own locks */
int tn_finish_lock(const char *path);

struct tn_finish_options {
    uint64_t rows_max; /* fill `allocation` with plain rows if there are at most this many allocations */
    const char *wrapper_regex; /* POSIX extended: functions to skip as allocation wrappers; NULL: none */
    bool keeps_wrappers; /* no search for wrappers beyond the list and the expression: they stay sites */
    const struct tn_module_file *files; /* borrowed; NULL: modules are opened by their paths */
    unsigned file_count;
    bool is_locked;  /* the caller holds the lock of tn_finish_lock; else it is waited for */
    bool is_resumed; /* rows_max, wrapper_regex and keeps_wrappers are those of the recording, from meta */
    /* May be NULL. While another process holds the lock, step is TN_FINISH_WAITING, and percent how much of
     * the whole that one has done; otherwise percent is of the step. */
    void (*progress)(void *context, const char *step, unsigned percent);
    void *progress_context;
};

/* Name the frames (elfutils libdw), attribute each stack to its site, write site_summary, timeline and, if
 * wanted, the rows of `allocation`; set meta.finished to 1.
 *
 * path     a log whose recording was closed (meta.closed); one that is finished stays as it is
 * options  borrowed during the call
 * Returns  0; negative errno: error says what failed and what to do; completed steps are kept
 * Cost     about 40 ns an event with two cores, and symbol look-up once per distinct address */
int tn_finish(const char *path, const struct tn_finish_options *options, struct tn_error *error);

#endif
