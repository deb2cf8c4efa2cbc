/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_RECORDING_H
#define TN_RECORD_RECORDING_H

/* The state of a recording, and what its files offer each other: record.c has the loop, open.c the beginning,
 * processes.c admission and exits, close.c the end. One thread. */

#include "order.h"
#include "process.h"
#include "session_dir.h"
#include "tool_link.h"

#include "tenure/map.h"
#include "tenure/record.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_RECORD_CONNECTIONS_MAX 256

/* The child of `tenure record`, once it has ended: only its parent knows its exit status for certain. */
struct tn_child_end {
    uint64_t process_id; /* row; 0: not known yet, or still running */
    uint64_t end_ns;
};

struct tn_recording {
    const struct tn_record_options *options; /* borrowed */
    struct tn_error *error;                  /* borrowed; of the first failure */
    struct tn_process_shared shared;
    struct tn_order order;
    struct tn_session_dir session_dir;
    struct tn_tool_link tool;
    char log_path[PATH_MAX];         /* absolute; "" until known */
    bool is_log_made;                /* this recorder created the file */
    struct tn_clock_pair started[4]; /* by enum tn_clock: ticks and time when the recorder started */
    bool has_clock;                  /* shared.clock is set: a process was admitted */
    struct tn_process **processes;   /* owned, with what they point to */
    uint32_t process_count;
    uint32_t process_capacity;
    uint64_t process_total; /* rows made */
    struct tn_process_rows rows;
    struct tn_child_end child;
    int epoll_fd;
    int signal_fd;
    int connections[TN_RECORD_CONNECTIONS_MAX]; /* accepted, hello not received yet */
    uint32_t connection_count;
    uint64_t waiting_digest;  /* of the PIDs in the last `waiting` line */
    bool is_leaving;          /* a process ends that takes the recorder along */
    bool is_closing;          /* SIGTERM or `close` came: processes that still run are released */
    bool is_attached_refused; /* the first process was told that it cannot be recorded */
    uint32_t
        heard_loss; /* why a process said that it runs on unrecorded: enum tn_child_loss and 1; 0: none did */
    bool has_root_told;    /* the tool's child was counted as not recorded, since it or its hello said so */
    uint64_t resume_at_ns; /* CLOCK_MONOTONIC when the first pause ends; 0: not by time */
    uint64_t watermark_ticks; /* everything with an older stamp was applied in the last round */
    uint64_t last_second_ns;  /* CLOCK_MONOTONIC of the last once-a-second work */
    uint64_t last_pending_look_ns;
    uint64_t last_folder_look_ns; /* when it was last asked which processes without a pidfd have ended */
    uint64_t last_event_ticks;    /* when the last process ended */
};

/* ---- record.c */
uint64_t tn_recording_monotonic_ns(void);

/* One round: read all rings, apply what is complete, give room back, end processes that are gone.
 *
 * is_thorough  as tn_process_reclaim
 * ret_events   events applied
 * Returns      0; the writer's error; -ENOMEM */
int tn_recording_round(struct tn_recording *recording, bool is_thorough, uint64_t *ret_events);

/* Write and commit what is not in the log yet: events that were applied, links, totals. Once a second, and
 * when somebody asks for it. Returns 0 or the writer's error. */
int tn_recording_write_all(struct tn_recording *recording);

/* Record the first failure in recording->error: the writer's own error if it has one, else "cannot WHAT:
 * errno text".
 *
 * code     negative errno
 * Returns  code */
int tn_recording_fail(struct tn_recording *recording, int code, const char *what);

/* ---- arrivals.c */

/* What an epoll event is about: in the upper half of its data; the descriptor is in the lower half. */
enum tn_recording_source {
    TN_SOURCE_LISTEN = 1,
    TN_SOURCE_CONNECTION,
    TN_SOURCE_STATUS,
    TN_SOURCE_SIGNAL,
    TN_SOURCE_PIDFD,
};

/* Add a descriptor to epoll. Returns 0 or a negative errno. */
int tn_recording_watch(struct tn_recording *recording, enum tn_recording_source source, int fd);

/* Handle all pending epoll events, without waiting. Returns 0; negative errno: the recording has failed.
 */
int tn_recording_handle_events(struct tn_recording *recording);

/* ---- processes.c */

/* Receive the hello on a connection, admit or refuse its process, answer, and close the connection.
 *
 * Returns  0; 1: the process was handed over to another recorder, and this one has nothing to do; -EAGAIN: no
 *          hello yet, the connection stays open; other negative errno: the recording has failed */
int tn_recording_admit(struct tn_recording *recording, int connection_fd);

/* Write the end of ended processes whose rings are drained, and release them. Returns 0 or a negative errno.
 */
int tn_recording_reap(struct tn_recording *recording);

/* Note that a process has ended, or that another image has replaced it (TN_EXIT_EXEC). Arguments as
 * tn_process_end. */
void tn_recording_end_process(struct tn_recording *recording, struct tn_process *process,
                              enum tn_exit_kind kind, int code, uint64_t end_ticks);

/* Note that a process has ended, by itself or as an image that never said hello. Returns 0, or the writer's
 * error. */
int tn_recording_end_dead_process(struct tn_recording *recording, struct tn_process *process);

/* Whether the recording is over: no recorded process is left, the tool has waited for its child, and no
 * process is about to connect. */
bool tn_recording_is_over(struct tn_recording *recording);

/* ---- silent_images.c */

/* Once a second: end processes that were silent since the last call and have executed an image without the
 * shim, and write a row for that image. Returns 0; the writer's error; -ENOMEM. */
int tn_recording_detect_exec(struct tn_recording *recording);

/* Before the recording is closed: the same for processes that execute an image at this time. Returns as
 * above. */
int tn_recording_note_last_images(struct tn_recording *recording);

/* Of a process that has ended: whether it had executed an image that never said hello. If so, a row is
 * written for that image, it is counted, and the process has ended by exec.
 *
 * ret_is_image  the answer
 * Returns       as above */
int tn_recording_end_silent_image(struct tn_recording *recording, struct tn_process *process,
                                  bool *ret_is_image);

/* Note that an image has said hello: its parent may have told of it as a child. */
void tn_recording_note_hello(struct tn_recording *recording, const struct tn_handshake *handshake);

/* Count the children of vfork, posix_spawn, system and popen that have ended without a hello, and write their
 * rows.
 *
 * is_last  all events and hellos are handled: count all that have said no hello
 * Returns  as above */
int tn_recording_count_silent_children(struct tn_recording *recording, bool is_last);

/* ---- open.c */

/* Create the log file.
 *
 * clock    name for meta.clock
 * options  text for meta.options
 * Returns  0; negative errno: recording->error says what failed and what to do */
int tn_recording_create_log(struct tn_recording *recording, const char *clock, const char *options);

/* Create the log for the first process of a bare preload, whose working directory and executable name it; or,
 * if another recorder writes that log already, hand the process over to it.
 *
 * Returns  0; 1: handed over, this recorder has nothing to do; negative errno as above */
int tn_recording_open_log_for(struct tn_recording *recording, int connection_fd,
                              const struct tn_handshake *handshake);

/* Start the log's clock with the first process. Waits until two readings lie 2 ms apart.
 *
 * start_ticks  when the process says it started; not believed if it is in the future or a minute old */
void tn_recording_start_clock(struct tn_recording *recording, enum tn_clock kind, uint64_t start_ticks);

/* ---- close.c */

/* Write counts of losses and repairs into meta. Every second, so that a log that is cut short has them, too.
 *
 * Returns  0, or the writer's error */
int tn_recording_write_totals(struct tn_recording *recording);

/* All events are written: write totals, close the log, run the finishing process, send `done`. A finishing
 * process that fails is only a warning.
 *
 * Returns  0; negative errno: recording->error says what failed and what to do */
int tn_recording_close(struct tn_recording *recording);

/* The recording has failed: tell the programs that it is over, keep what was committed, send `error`. */
void tn_recording_abort(struct tn_recording *recording);

/* Remove a log that no process was recorded into, if this recorder created it. */
void tn_recording_remove_log(const struct tn_recording *recording);

/* Size of the log and of its write-ahead log, bytes. */
uint64_t tn_recording_log_bytes(const struct tn_recording *recording);

/* Events lost so far, of all processes. */
uint64_t tn_recording_lost_count(const struct tn_recording *recording);

#endif
