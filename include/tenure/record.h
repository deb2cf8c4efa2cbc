/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RECORD_H
#define TENURE_RECORD_H

/* The recorder: reads the rings of every process of a tree, restores the order of their events, matches
 * releases to allocations and writes the log. It is an executable of its own, `tenure-recorder`, which is
 * started in one of three ways:
 *
 *   tenure-recorder --attach FD
 *       by the shim, under a bare preload. FD is one end of a SOCK_SEQPACKET socket pair over which the first
 * process sends its hello (session.h). Options come from the environment: TENURE_LOG, TENURE_ROWS,
 * TENURE_COMMAND_LINE, TENURE_PAUSED, TENURE_AFTER. Nothing is ever printed.
 *
 *   tenure-recorder --listen --status-fd FD --log FILE [--rows N|all|none] [--force] [--wrapper REGEX]
 *                   [--keep-wrappers] [--background] [--no-command-line] [--options TEXT]
 *                   [--paused] [--resume-after NS] [--resume-mark TEXT]
 *       by `tenure record`. FD is one end of a SOCK_STREAM socket pair; the other end is the tool's.
 *       --force: an existing FILE that is an ordinary file is replaced. --options: text for meta.options.
 *       --background: nobody waits for names and summaries, so they are made at low priority.
 *
 *   tenure-recorder --finish --log FILE [--rows N|all|none] [--wrapper REGEX] [--keep-wrappers]
 *                   [--status-fd FD] [--module ID:FD ...] [--locked]
 *       by the recorder itself, once the events are closed (finish.h). Exit status 0 or 1.
 *
 * Line protocol on the status descriptor. Each message is a line of at most TN_RECORD_LINE_BYTES with its
 * newline; fields are separated by one space; numbers are decimal. Both sides ignore a first word that they
 * do not know.
 *
 * From the recorder, first exactly one of
 *   ready SOCKET            it listens; SOCKET (the rest of the line, an absolute path) goes into
 *                           TENURE_SESSION of the program. The log file exists
 *   error ERRNO TEXT        it cannot start; no file was left behind that was not there. Nothing follows
 * then, while it records
 *   progress allocations=N frees=N bytes=N live=N lost=N processes=N log_bytes=N
 *                           about once a second; bytes: asked for in total; live: blocks; processes: alive
 *   waiting PID ...         the tool's child has been waited for, and these recorded processes still run;
 *                           said once, and again when the list changes (at most 32 of them are named)
 *   error ERRNO TEXT        recording stopped (disk full...): the programs run on, what was committed stays
 *                           readable, meta.complete is 0. Nothing follows
 * then, once every recorded process has gone and the child has been waited for
 *   closed allocations=N frees=N live=N bytes=N lost=N processes=N duration_ns=N log_bytes=N finished=0
 *                           all events are in the log, and readers find them; the tool may go
 *   finishing PERCENT STEP  names, sites, summaries; STEP is the rest of the line
 *   warning TEXT            the log is complete as to its events, but finishing failed
 *   done allocations=N frees=N live=N bytes=N lost=N processes=N
 *        duration_ns=N log_bytes=N finished=0|1 unrecorded=N (processes) unable=N (0, or why one said that it runs on
 *        unrecorded: enum tn_child_loss, ring.h, and 1) damaged=N (rings and headers) paused_ns=N (spent in
 *        pauses) left_out=N (births in pauses) is_paused=0|1 (to the end)
 *                           (one line) the log is closed. processes=0: no program ever reported to the
 *                           recorder, and the log file has been removed. Nothing follows
 *
 * From the tool
 *   child PID               after fork, before the child may execute the program
 *   exited STATUS           the child has been waited for; STATUS as wait(2) gives it
 *   close                   close the log now, whatever still runs (it runs on, unrecorded)
 *   discard                 the program could not be started: remove the log, end; answered by `done` with
 *                           processes=0
 * End of file on the descriptor (the tool is gone) means: no `exited` will come; the recorder goes on until
 * no recorded process lives. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_RECORD_LINE_BYTES 1024

/* What to record and where. Strings are borrowed until tn_record_run returns. */
struct tn_record_options {
    int attach_fd;        /* connected SOCK_SEQPACKET of the first process; -1: listen; taken over */
    int status_fd;        /* for the line protocol; -1: silent; taken over */
    const char *log_path; /* NULL: tenure.PROGRAM.PID.db in the working directory (with attach_fd only) */
    bool is_replacing;    /* an existing log is replaced */
    uint64_t rows_max;    /* as finish.h */
    const char *wrapper_regex; /* as finish.h */
    bool keeps_wrappers;       /* as finish.h */
    bool is_background;        /* finish at low priority: nobody waits for it */
    bool has_lock;             /* of the finishing process: the lock of finish.h is inherited */
    bool omits_command_lines;  /* the arguments of processes are left out of the log */
    bool is_paused; /* recording begins paused: until tn_request says so, or the time or mark comes */
    uint64_t resume_after_ns; /* it begins paused and resumes this long after the first process came; 0: not
                                 by time */
    const char *resume_mark;  /* it begins paused and resumes when a process writes this mark; NULL: none */
    const char *options_text; /* for meta.options; NULL: made from the first process's hello */
    const char *self_path;    /* path of the recorder's executable, which also finishes */
};

/* Record until no recorded process lives (and `tenure record` has waited for its child), close the log and
 * have it finished. Changes the whole process: signals, resource limits, scheduling policy.
 *
 * options  borrowed during the call
 * Returns  0; negative errno: error says what failed and what to do, and the tool was sent the same
 * Threads  one call in the life of a process */
int tn_record_run(const struct tn_record_options *options, struct tn_error *error);

#endif
