/* SPDX-License-Identifier: MIT */
/* Handles what arrives: connections and the hellos on them, ends of processes, the tool's lines, signals.
 * Called by the loop in record.c. */
#include "recording.h"

#include "proc.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX     64
#define FOLDER_LOOK_NS UINT64_C(10000000)

int tn_recording_watch(struct tn_recording *recording, enum tn_recording_source source, int fd)
{
    struct epoll_event event = {
        .events = EPOLLIN,
        .data.u64 = (uint64_t)source << 32 | (uint32_t)fd,
    };
    return epoll_ctl(recording->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int accept_all(struct tn_recording *recording)
{
    for (;;) {
        int fd = accept4(recording->session_dir.listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return 0;
        int r = tn_recording_admit(recording, fd);
        if (r == -EAGAIN)
            r = tn_recording_watch(recording, TN_SOURCE_CONNECTION, fd);
        if (r < 0)
            return r;
    }
}

static void read_tool(struct tn_recording *recording)
{
    struct tn_tool_link *tool = &recording->tool;
    bool had_exited = tool->has_exited;
    tn_tool_link_read(tool);
    if (tool->is_to_close)
        recording->is_closing = true;
    if (had_exited || !tool->has_exited || recording->child.process_id == 0)
        return;
    enum tn_exit_kind kind;
    int code;
    tn_proc_decode_status(tool->child_status, &kind, &code);
    for (uint32_t i = 0; i < recording->process_count; i++)
        if (recording->processes[i]->matcher.process_id == recording->child.process_id) {
            recording->processes[i]->exit_kind = kind;
            recording->processes[i]->exit_code = code;
            return;
        }
    tn_log_end_process(recording->shared.writer, recording->child.process_id, recording->child.end_ns, kind,
                       code);
}

static void read_signal(struct tn_recording *recording)
{
    struct signalfd_siginfo info;
    if (read(recording->signal_fd, &info, sizeof(info)) == sizeof(info))
        recording->is_closing = true;
}

static int handle_exit(struct tn_recording *recording, int pidfd)
{
    int r = 0;
    for (uint32_t i = 0; i < recording->process_count; i++) {
        struct tn_process *process = recording->processes[i];
        if (process->pidfd == pidfd && process->state == TN_PROCESS_ALIVE && r == 0)
            r = tn_recording_end_dead_process(recording, process);
    }
    return r;
}

static int handle_event(struct tn_recording *recording, uint64_t data)
{
    int fd = (int)(uint32_t)data;
    int r = 0;
    switch (data >> 32) {
    case TN_SOURCE_LISTEN:
        return accept_all(recording);
    case TN_SOURCE_CONNECTION:
        r = tn_recording_admit(recording, fd);
        return r == -EAGAIN ? 0 : r;
    case TN_SOURCE_STATUS:
        read_tool(recording);
        return 0;
    case TN_SOURCE_SIGNAL:
        read_signal(recording);
        return 0;
    default:
        return handle_exit(recording, fd);
    }
}

/* Without pidfds nobody tells of the end of a process. */
static int look_for_ends(struct tn_recording *recording)
{
    uint64_t now_ns = tn_recording_monotonic_ns();
    int r = 0;
    if (now_ns - recording->last_folder_look_ns < FOLDER_LOOK_NS)
        return 0;
    recording->last_folder_look_ns = now_ns;
    for (uint32_t i = 0; i < recording->process_count && r == 0; i++) {
        struct tn_process *process = recording->processes[i];
        if (process->is_pidfd_folder && process->state == TN_PROCESS_ALIVE &&
            tn_proc_has_ended(process->pidfd, true))
            r = tn_recording_end_dead_process(recording, process);
    }
    return r;
}

int tn_recording_handle_events(struct tn_recording *recording)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(recording->epoll_fd, events, EVENTS_MAX, 0);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        int r = handle_event(recording, events[i].data.u64);
        if (r < 0)
            return r;
    }
    if (count < EVENTS_MAX)
        tn_children_note_look(&recording->shared.children);
    return look_for_ends(recording);
}
