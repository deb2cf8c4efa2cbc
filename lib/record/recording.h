/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_RECORDING_H
#define TN_RECORD_RECORDING_H

/* A recording as a whole: what record.c (the loop), life.c (processes come and go) and closing.c (the end)
 * work on. One thread. */

#include "order.h"
#include "process.h"
#include "session_dir.h"
#include "tool_link.h"

#include "tenure/map.h"
#include "tenure/record.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_RECORD_CONNECTIONS_MAX 256

/* Where the child of `tenure record` went: what is certain about its end comes from its parent. */
struct tn_child_end {
    uint64_t process_id; /* row; 0: not known, or it still runs */
    uint64_t end_ns;
};

struct tn_recording {
    const struct tn_record_options *options; /* borrowed */
    struct tn_error *error;                  /* borrowed; of the first failure */
    struct tn_process_shared shared;
    struct tn_order order;
    struct tn_session_dir session_dir;
    struct tn_tool_link tool;
    char log_path[PATH_MAX];         /* absolute; "" until it is known */
    bool is_log_made;                /* the file is ours, and there was none before */
    struct tn_clock_pair started[4]; /* by enum tn_clock: both clocks when the recorder started */
    bool has_clock;                  /* shared.clock is set: a process has introduced itself */
    struct tn_process **processes;   /* owned, with what they point to */
    uint32_t process_count;
    uint32_t process_capacity;
    uint64_t process_total;        /* rows made */
    struct tn_map rows_by_pid;     /* the newest row of each PID */
    struct tn_map rows_by_process; /* the same by PID and start time: what an exec leads on from */
    struct tn_child_end child;
    int epoll_fd;
    int signal_fd;
    int connections[TN_RECORD_CONNECTIONS_MAX]; /* accepted, hello not read yet */
    uint32_t connection_count;
    uint64_t waiting_digest;  /* of the last `waiting` line */
    bool is_closing;          /* SIGTERM or `close`: what still runs is let go */
    bool is_attached_refused; /* the first process was told that it cannot be recorded */
    uint64_t last_second_ns;  /* CLOCK_MONOTONIC of the last once-a-second work */
    uint64_t last_pending_look_ns;
    uint64_t last_event_ticks; /* when the last process ended */
};

/* record.c */
uint64_t tn_recording_monotonic_ns(void);

/* Note the first failure: the writer's story, or what the code says. Returns code. */
int tn_recording_fail(struct tn_recording *recording, int code, const char *what);

/* life.c */

/* What epoll tells: kind in the upper half of the data, a descriptor or PID in the lower. */
enum tn_recording_source {
    TN_SOURCE_LISTEN = 1,
    TN_SOURCE_CONNECTION,
    TN_SOURCE_STATUS,
    TN_SOURCE_SIGNAL,
    TN_SOURCE_PIDFD,
};

/* Watch a descriptor. Returns 0 or a negative errno. */
int tn_recording_watch(struct tn_recording *recording, enum tn_recording_source source, int fd);

/* Take in who has introduced itself on a connection; answers and closes it, unless nothing was there to read
 * yet.
 *
 * Returns  0; -EAGAIN: nothing there yet, the connection stays; other negative errno: the recording has
 * failed */
int tn_recording_admit(struct tn_recording *recording, int connection_fd);

/* Handle everything that epoll has to tell, without waiting. Returns 0, or a negative errno: it has failed.
 */
int tn_recording_handle_events(struct tn_recording *recording);

/* Close the rows of ended processes whose rings are drained. Returns 0 or a negative errno. */
int tn_recording_reap(struct tn_recording *recording);

/* Once a second: has a silent process executed an image that is not recorded? */
void tn_recording_detect_exec(struct tn_recording *recording);

/* Whether the recording is over: nobody lives, the child has been waited for, nobody is about to come. */
bool tn_recording_is_over(struct tn_recording *recording);

/* Tell the tool who still runs after its child. */
void tn_recording_report_waiting(struct tn_recording *recording);

/* open.c */

/* Make the log. Returns 0 or a negative errno with the story in the error. */
int tn_recording_create_log(struct tn_recording *recording, const char *clock, const char *options);

/* The first process of a bare preload decides on the log's name: find it, make it, or hand the process over
 * to the recorder that writes it.
 *
 * Returns  0; 1: handed over, there is nothing to do here; negative errno as above */
int tn_recording_open_log_for(struct tn_recording *recording, int connection_fd,
                              const struct tn_handshake *handshake);

/* Begin the log's clock with the first process. */
void tn_recording_start_clock(struct tn_recording *recording, enum tn_clock kind, uint64_t start_ticks);

/* closing.c */

/* What a reader must know to trust the log, into meta. Every second, so that a log that is cut short has it
 * too. Returns 0 or the writer's error. */
int tn_recording_write_totals(struct tn_recording *recording);

/* The events are all there: totals into meta, close the log, have it finished, say `done`. Returns 0 or a
 * negative errno with the story in the error; a finishing that fails is only a warning. */
int tn_recording_close(struct tn_recording *recording);

/* It failed, or was called off: let the programs go, leave what was committed, say what happened. */
void tn_recording_abort(struct tn_recording *recording);

/* Remove a log that nobody wrote to. */
void tn_recording_remove_log(const struct tn_recording *recording);

/* Size of the log and of its write-ahead log, bytes. */
uint64_t tn_recording_log_bytes(const struct tn_recording *recording);

/* Events lost so far, of all processes. */
uint64_t tn_recording_lost_count(const struct tn_recording *recording);

#endif
