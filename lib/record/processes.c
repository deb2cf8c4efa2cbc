/* SPDX-License-Identifier: MIT */
/* Processes come and go: admits those whose hello has arrived, ends those that have ended, tells when the
 * recording is over. A process is found by its PID while it lives; rows of older ones by PID, or by PID and
 * start time, for parents and execs. Called by arrivals.c, and by the loop in record.c. */
#include "recording.h"

#include "control.h"
#include "handshake.h"
#include "pending.h"
#include "proc.h"
#include "requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* How often to look for processes that will connect but have not yet. */
#define PENDING_LOOK_NS UINT64_C(10000000)

/* The recorded process that lives under a PID, or NULL. */
static struct tn_process *find_alive(const struct tn_recording *recording, pid_t pid)
{
    for (uint32_t i = 0; i < recording->process_count; i++) {
        struct tn_process *process = recording->processes[i];
        if (process->id.pid == pid && process->state == TN_PROCESS_ALIVE)
            return process;
    }
    return NULL;
}

/* The recorded process that lives and has a row, or NULL. */
static struct tn_process *find_row(const struct tn_recording *recording, uint64_t row)
{
    for (uint32_t i = 0; i < recording->process_count; i++) {
        struct tn_process *process = recording->processes[i];
        if (process->matcher.process_id == row && process->state == TN_PROCESS_ALIVE)
            return process;
    }
    return NULL;
}

/* The newest row of the process that forked or started this one; 0: none. */
static uint64_t parent_row(const struct tn_recording *recording, const struct tn_handshake *handshake)
{
    return tn_process_rows_parent(&recording->rows, &handshake->id, handshake->hello.parent_pid,
                                  handshake->parent_pid);
}

static void note_child(struct tn_recording *recording, const struct tn_process *process)
{
    struct tn_tool_link *tool = &recording->tool;
    if (tool->has_child && tool->child_pid == process->id.pid && process->exit_kind != TN_EXIT_EXEC)
        recording->child = (struct tn_child_end){process->matcher.process_id, process->end_ns};
}

void tn_recording_end_process(struct tn_recording *recording, struct tn_process *process,
                              enum tn_exit_kind kind, int code, uint64_t end_ticks)
{
    tn_process_end(process, kind, code, end_ticks);
    note_child(recording, process);
    recording->last_event_ticks = end_ticks;
    epoll_ctl(recording->epoll_fd, EPOLL_CTL_DEL, process->pidfd, NULL);
    if (kind != TN_EXIT_EXEC)
        tn_session_dir_unlink_process(&recording->session_dir, process->id.pid, process->id.start_time);
}

int tn_recording_end_dead_process(struct tn_recording *recording, struct tn_process *process)
{
    enum tn_exit_kind kind;
    int code;
    bool is_image;
    const struct tn_tool_link *tool = &recording->tool;
    int r = tn_recording_end_silent_image(recording, process, &is_image);
    if (is_image)
        return r;
    tn_proc_exit_status(process->id.pid, process->pidfd, &kind, &code);
    if (tool->has_exited && tool->child_pid == process->id.pid)
        tn_proc_decode_status(tool->child_status, &kind, &code);
    tn_recording_end_process(recording, process, kind, code, tn_clock_ticks(recording->shared.clock.kind));
    return 0;
}

/* With children=0, a process that would be recorded only because an ancestor is, is ignored. An exec is the
 * same process. */
static bool must_ignore(const struct tn_recording *recording, const struct tn_handshake *handshake)
{
    if (handshake->hello.children != 0 || recording->process_total == 0)
        return false;
    if (find_alive(recording, handshake->id.pid) != NULL)
        return false;
    if (handshake->hello.reason == TN_HELLO_FORK || recording->options->attach_fd < 0)
        return true;
    pid_t pid = handshake->id.pid;
    struct tn_proc_stat stat;
    for (int i = 0; i < 64 && tn_proc_read_stat(pid, &stat) == 0 && stat.parent_pid > 1; i++) {
        pid = stat.parent_pid;
        if (find_alive(recording, pid) != NULL)
            return true;
    }
    return false;
}

static int add_process(struct tn_recording *recording, struct tn_process *process)
{
    if (recording->process_count == recording->process_capacity) {
        uint32_t capacity = recording->process_capacity != 0 ? recording->process_capacity * 2 : 16;
        struct tn_process **processes =
            realloc(recording->processes, capacity * sizeof(recording->processes[0]));
        if (processes == NULL)
            return -ENOMEM;
        recording->processes = processes;
        recording->process_capacity = capacity;
    }
    int r = tn_process_rows_add(&recording->rows, &process->id, process->matcher.process_id);
    if (r < 0)
        return r;
    recording->processes[recording->process_count++] = process;
    recording->process_total++;
    return 0;
}

/* The row of its own older image (unrecorded images may have been in between), else of the process that
 * started it. */
static uint64_t find_parent_row(const struct tn_recording *recording, const struct tn_handshake *handshake)
{
    uint64_t row = 0;
    if (handshake->hello.reason == TN_HELLO_START)
        row = tn_process_rows_own(&recording->rows, &handshake->id);
    return row != 0 ? row : parent_row(recording, handshake);
}

/* A fork child inherits stacks and modules that its parent announced: read the parent's control ring up to
 * now. */
static int prepare_parent(struct tn_recording *recording, const struct tn_handshake *handshake,
                          struct tn_process **ret_parent)
{
    *ret_parent = NULL;
    if (handshake->hello.reason != TN_HELLO_FORK)
        return 0;
    *ret_parent = find_row(recording, parent_row(recording, handshake));
    return *ret_parent != NULL ? tn_control_read(*ret_parent) : 0;
}

/* End the older image under the PID: it is gone by exec, or the process had ended and the PID was reused.
 * Returns the row that the new image succeeds, 0 if none. */
static uint64_t end_older_image(struct tn_recording *recording, const struct tn_handshake *handshake)
{
    struct tn_process *older = find_alive(recording, handshake->id.pid);
    if (older == NULL)
        return 0;
    if (tn_proc_has_ended(older->pidfd, older->is_pidfd_folder)) {
        /* The writer keeps its error: the row that comes next meets it. */
        (void)tn_recording_end_dead_process(recording, older);
        return 0;
    }
    tn_recording_end_process(recording, older, TN_EXIT_EXEC, -1, handshake->hello.start_ticks);
    return older->matcher.process_id;
}

/* A start in the future is not believed. */
static void clamp_start(const struct tn_recording *recording, struct tn_handshake *handshake)
{
    uint64_t now_ticks = recording->has_clock ? tn_clock_ticks(recording->shared.clock.kind) : UINT64_MAX;
    if (handshake->hello.start_ticks > now_ticks)
        handshake->hello.start_ticks = now_ticks;
}

static int register_process(struct tn_recording *recording, struct tn_handshake *handshake)
{
    struct tn_process *process, *parent;
    clamp_start(recording, handshake);
    uint64_t parent_row = end_older_image(recording, handshake);
    if (parent_row == 0)
        parent_row = find_parent_row(recording, handshake);
    int r = prepare_parent(recording, handshake, &parent);
    if (r < 0)
        return r;
    handshake->pidfd = tn_proc_open_pidfd(handshake->id.pid, &handshake->is_pidfd_folder);
    if (handshake->pidfd < 0)
        return handshake->pidfd == -ESRCH ? -EBADMSG : handshake->pidfd;
    if (tn_proc_may_have_few(handshake->id.pid))
        tn_keepers_spare(&recording->shared.keepers);
    r = tn_process_create(&recording->shared, handshake, parent_row, parent, &process);
    if (r < 0) {
        close(handshake->pidfd);
        return r;
    }
    r = add_process(recording, process);
    if (r < 0) {
        tn_process_destroy(process);
        return r;
    }
    tn_process_rows_note_recorded(&recording->rows, &recording->shared, &process->id);
    r = process->is_pidfd_folder ? 0 : tn_recording_watch(recording, TN_SOURCE_PIDFD, process->pidfd);
    if (r == 0)
        r = tn_session_dir_link_process(&recording->session_dir, process->id.pid, process->id.start_time);
    if (r < 0)
        tn_recording_end_process(recording, process, TN_EXIT_UNKNOWN, -1, handshake->hello.start_ticks);
    return r;
}

/* The clock that the shared header names, read before the memory is mapped; 0 if it is none of this machine.
 */
static enum tn_clock clock_of(const struct tn_handshake *handshake)
{
    struct tn_shared_header header;
    if (pread(handshake->memory_fd, &header, sizeof(header), 0) != sizeof(header))
        return 0;
    bool is_known = header.clock >= TN_CLOCK_TSC && header.clock <= TN_CLOCK_COUNTER;
    return is_known && tn_clock_ticks(header.clock) != 0 ? header.clock : 0;
}

/* Admit a process or refuse it. Its clock must be that of the log: all events are put in one order. */
static int admit_process(struct tn_recording *recording, int connection_fd, struct tn_handshake *handshake,
                         uint32_t *ret_status)
{
    static const char *const names[] = {"", "tsc", "monotonic", "counter"};
    enum tn_clock clock = clock_of(handshake);
    *ret_status = TN_WELCOME_REFUSED;
    if (clock == 0 || (recording->has_clock && clock != recording->shared.clock.kind))
        return 0;
    *ret_status = TN_WELCOME_IGNORED;
    if (must_ignore(recording, handshake))
        return 0;
    if (recording->shared.writer == NULL) {
        *ret_status = TN_WELCOME_CLOSED;
        int r = tn_recording_open_log_for(recording, connection_fd, handshake);
        if (r != 0)
            return r;
    }
    if (!recording->has_clock) {
        tn_recording_start_clock(recording, clock, handshake->hello.start_ticks);
        tn_log_set_meta(recording->shared.writer, "clock", names[clock]);
    }
    int r = register_process(recording, handshake);
    *ret_status = r == 0 ? TN_WELCOME_OK : r == -EBADMSG ? TN_WELCOME_REFUSED : TN_WELCOME_CLOSED;
    return r == -EBADMSG ? 0 : r;
}

/* Whether it is the program that `record` was given. */
static bool is_root(const struct tn_recording *recording, const struct tn_handshake *handshake)
{
    return recording->tool.has_child && handshake->id.pid == recording->tool.child_pid;
}

/* Only the tool's child and what a recorded process, or one that is counted as not recorded, has become or
 * started are counted: others of this user may say hello without being of the recording. */
static bool is_of_recording(const struct tn_recording *recording, const struct tn_handshake *handshake)
{
    struct tn_process_id parent = {.pid = handshake->parent_pid};
    struct tn_proc_stat stat;
    if (!handshake->is_own_user)
        return false;
    if (is_root(recording, handshake))
        return true;
    if (tn_process_rows_own(&recording->rows, &handshake->id) != 0 || parent_row(recording, handshake) != 0)
        return true;
    if (tn_proc_read_stat(parent.pid, &stat) == 0)
        parent.start_time = stat.start_time;
    return tn_process_rows_is_unrecorded(&recording->rows, &parent);
}

/* A fork child that got an answer, or none, counts itself in its parent's memory; an image has nobody to do
 * that for.
 */
static void note_unrecorded(struct tn_recording *recording, const struct tn_handshake *handshake,
                            uint32_t why)
{
    if (handshake->hello.reason == TN_HELLO_FORK || !is_of_recording(recording, handshake))
        return;
    recording->has_root_told = recording->has_root_told || is_root(recording, handshake);
    tn_process_rows_note_unrecorded(&recording->rows, &recording->shared, &handshake->id, why);
}

/* A process says that it runs on unrecorded. */
static void take_loss(struct tn_recording *recording, int connection_fd, struct tn_handshake *handshake)
{
    if (handshake->hello.is_fork_child != 0 && tn_handshake_is_abandoned(connection_fd))
        return;
    if (recording->has_clock) {
        handshake->hello.start_ticks = tn_clock_ticks(recording->shared.clock.kind);
        end_older_image(recording, handshake);
    }
    recording->heard_loss = handshake->hello.loss + 1;
    note_unrecorded(recording, handshake, handshake->hello.loss);
    tn_handshake_answer(connection_fd, (struct tn_welcome){.status = TN_WELCOME_IGNORED});
}

/* The sender did not wait: its older image is gone all the same. */
static void let_go(struct tn_recording *recording, struct tn_handshake *handshake)
{
    clamp_start(recording, handshake);
    if (handshake->hello.reason == TN_HELLO_START && recording->has_clock)
        end_older_image(recording, handshake);
    note_unrecorded(recording, handshake, TN_CHILD_UNANSWERED);
}

static bool has_log_failed(const struct tn_recording *recording)
{
    return recording->shared.writer == NULL || tn_log_writer_error(recording->shared.writer)->code != 0;
}

/* r: 0, or why the process is not admitted. */
static void send_welcome(const struct tn_recording *recording, int connection_fd, uint32_t status, int r)
{
    struct tn_welcome welcome = {.status = status, .errno_value = r < 0 ? -r : 0};
    memcpy(welcome.socket_path, recording->session_dir.socket_path, sizeof(welcome.socket_path));
    if (r < 0 && !has_log_failed(recording)) {
        welcome.status = TN_WELCOME_UNABLE;
        snprintf(welcome.text, sizeof(welcome.text), "the recorder cannot follow this process: %s",
                 strerror(-r));
    }
    tn_handshake_answer(connection_fd, welcome);
}

/* Answer a hello whose sender still waits. Returns as tn_recording_admit. */
static int answer(struct tn_recording *recording, int connection_fd, struct tn_handshake *handshake,
                  uint32_t status)
{
    int r = 0;
    if (status == TN_WELCOME_OK)
        r = admit_process(recording, connection_fd, handshake, &status);
    if (r != 1)
        send_welcome(recording, connection_fd, status, r);
    if (status != TN_WELCOME_OK && status != TN_WELCOME_IGNORED && r != 1)
        note_unrecorded(recording, handshake, TN_CHILD_REFUSED);
    return r < 0 && !has_log_failed(recording) ? 0 : r;
}

/* Receive the hello of a process that another recorder hands over: a root. */
static int adopt(struct tn_recording *recording, int connection_fd, int adopted_fd)
{
    uint64_t orphans = recording->shared.children.orphans;
    int r = tn_recording_admit(recording, adopted_fd);
    recording->shared.children.orphans = orphans;
    tn_handshake_answer(connection_fd, (struct tn_welcome){.status = TN_WELCOME_OK});
    close(connection_fd);
    return r == -EAGAIN ? tn_recording_watch(recording, TN_SOURCE_CONNECTION, adopted_fd) : r;
}

int tn_recording_admit(struct tn_recording *recording, int connection_fd)
{
    struct tn_handshake handshake;
    uint32_t status;
    int r = tn_requests_is_one(connection_fd);
    if (r != 0)
        return r < 0 ? r : tn_requests_serve(recording, connection_fd);
    r = tn_handshake_peek(connection_fd, &handshake, &status);
    if (r == -EAGAIN)
        return r;
    if (r < 0) {
        close(connection_fd);
        return 0;
    }
    if (status == TN_WELCOME_OK && handshake.hello.reason == TN_HELLO_ADOPT)
        return adopt(recording, connection_fd, handshake.memory_fd);
    tn_recording_note_hello(recording, &handshake);
    if (status == TN_WELCOME_OK && handshake.hello.reason == TN_HELLO_LOST)
        take_loss(recording, connection_fd, &handshake);
    else if (tn_handshake_is_abandoned(connection_fd))
        let_go(recording, &handshake);
    else
        r = answer(recording, connection_fd, &handshake, status);
    if (handshake.memory_fd >= 0)
        close(handshake.memory_fd);
    close(connection_fd);
    return r;
}

/* The first thing that a process does with its rings is to tell of its modules. One that has told nothing had
 * given up when it was admitted, and ran on unrecorded. A fork child counts itself. */
static void note_unjoined(struct tn_recording *recording, const struct tn_process *process)
{
    if (tn_process_activity(process) == 0 && !process->matcher.is_fork_child)
        tn_process_rows_note_unrecorded(&recording->rows, &recording->shared, &process->id,
                                        TN_CHILD_UNANSWERED);
}

int tn_recording_reap(struct tn_recording *recording)
{
    for (uint32_t i = 0; i < recording->process_count;) {
        struct tn_process *process = recording->processes[i];
        if (process->state == TN_PROCESS_ALIVE || !tn_process_is_drained(process)) {
            i++;
            continue;
        }
        note_unjoined(recording, process);
        int r = tn_process_end_rows(process);
        note_child(recording, process);
        tn_process_destroy(process);
        recording->processes[i] = recording->processes[--recording->process_count];
        if (r < 0)
            return r;
    }
    return 0;
}

/* Whether a process is between fork or exec and its hello: the log waits for it, for a second at most. */
static bool has_pending_process(struct tn_recording *recording)
{
    uint64_t now_ns = tn_recording_monotonic_ns();
    if (now_ns - recording->last_pending_look_ns < PENDING_LOOK_NS)
        return true;
    recording->last_pending_look_ns = now_ns;
    bool is_tool_there = recording->options->attach_fd < 0;
    return tn_pending_process_exists(&recording->session_dir,
                                     is_tool_there ? recording->session_dir.socket_path : NULL);
}

bool tn_recording_is_over(struct tn_recording *recording)
{
    const struct tn_tool_link *tool = &recording->tool;
    if (recording->process_count != 0)
        return false;
    if (tool->is_to_discard || recording->is_closing)
        return true;
    if (tool->fd >= 0 && !tool->has_exited)
        return false;
    if (recording->options->attach_fd >= 0 && recording->process_total == 0)
        return true;
    return recording->process_total == 0 || !has_pending_process(recording);
}
