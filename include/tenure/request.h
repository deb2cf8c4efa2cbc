/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REQUEST_H
#define TENURE_REQUEST_H

/* Requests to the recorder of a recording that runs: to pause, to go on, to commit what it has. While a
 * recording is paused, births are left out and releases are still recorded: so a block that is in the log
 * dies in the log, and a block that is born meanwhile is counted and otherwise unknown. All processes of a
 * recording are paused at once. */

#include <stdbool.h>
#include <stdint.h>

struct tn_error;

enum tn_request_verb {
    TN_REQUEST_STATUS = 0, /* tell how the recording is */
    TN_REQUEST_START = 1,  /* record, or go on after a pause */
    TN_REQUEST_STOP = 2,   /* pause */
    TN_REQUEST_FLUSH = 3,  /* commit what was recorded until now, so that readers of the log see it */
    TN_REQUEST_VERB_COUNT
};

#define TN_REQUEST_PATH_BYTES 4096

/* How a recording is. Written by its recorder; times are of the log: from its first process on. */
struct tn_recording_status {
    uint32_t recorder_pid;                /* as the recorder sees itself */
    uint32_t is_paused;                   /* 0 or 1 */
    uint32_t processes;                   /* recorded and alive */
    uint32_t reserved;                    /* 0 */
    uint64_t duration_ns;                 /* of the log until now; 0: no process has come yet */
    uint64_t since_ns;                    /* when it was paused, or went on, for the last time */
    uint64_t paused_ns;                   /* spent in pauses until now */
    uint64_t pauses;                      /* how many, this one included */
    uint64_t allocations;                 /* births recorded */
    uint64_t frees;                       /* releases recorded */
    uint64_t allocated_bytes;             /* asked for in these births */
    uint64_t events_lost;                 /* that should have been recorded and were not */
    uint64_t unrecorded_allocations;      /* births during pauses */
    uint64_t unrecorded_frees;            /* releases of such blocks */
    uint64_t log_bytes;                   /* size of the log and its write-ahead log */
    char log_path[TN_REQUEST_PATH_BYTES]; /* absolute; ends with NUL */
};

/* Ask the recorder that records a process, or writes a log.
 *
 * target      a PID in decimal, or the path of a log
 * ret_status  of the recording, after the request was met
 * Returns     0; -ENOENT: no live recorder of this user has it; -EACCES: the recorder is another user's;
 * -EPROTO:
 *             the recorder is of another build; -ETIMEDOUT: no answer in time, the request may still be met; other
 *             negative errno of the recorder. error says what failed and what to do. ret_status is undefined
 *             then
 * Threads     any
 * Cost        until the recorder has answered: milliseconds; a flush takes what one commit takes */
int tn_request(const char *target, enum tn_request_verb verb, struct tn_recording_status *ret_status,
               struct tn_error *error);

#endif
