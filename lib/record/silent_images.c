/* SPDX-License-Identifier: MIT */
/* Notices that a process has executed an image that says no hello: its mapping of the rings has disappeared,
 * or it has ended while its header says that an exec is under way; or its parent has told of it, and it is
 * never heard of. Called by the loop in record.c and by processes.c. */
#include "recording.h"

#include "handshake.h"
#include "proc.h"

#include <errno.h>
#include <unistd.h>

/* Of an image that has ended the kernel tells nothing any more; its PID may be another process's by now. */
static int add_ended_row(struct tn_log_writer *writer, uint32_t pid, uint64_t parent_id, const char *name,
                         uint64_t now_ns, uint64_t *ret_row)
{
    const struct tn_log_process row = {
        .pid = pid,
        .parent_id = parent_id,
        .executable = "",
        .command_line = name,
        .start_ns = now_ns,
        .name = name,
    };
    return tn_log_add_process(writer, &row, ret_row);
}

/* An image that the shim is not in (static, setuid) has taken over: a row says that it was there.
 *
 * name  of an image that has ended; NULL: it lives */
static int add_unrecorded_row(struct tn_recording *recording, const struct tn_process *older,
                              const char *name)
{
    uint64_t row,
        now_ns = tn_clock_ns(&recording->shared.clock, tn_clock_ticks(recording->shared.clock.kind));
    struct tn_log_writer *writer = recording->shared.writer;
    uint64_t parent_id = older->matcher.process_id;
    int r = name != NULL ? add_ended_row(writer, (uint32_t)older->id.pid, parent_id, name, now_ns, &row)
                         : tn_process_add_row(writer, older->id.pid, parent_id, now_ns, &row);
    return r == 0 ? tn_log_end_process(writer, row, 0, TN_EXIT_UNRECORDED, -1) : r;
}

/* The image of a process is another one, which is silent: it is counted once.
 *
 * name  as add_unrecorded_row */
static int end_by_silent_exec(struct tn_recording *recording, struct tn_process *process, const char *name)
{
    int r = 0;
    if (name != NULL || tn_proc_has_shim(process->id.pid) <= 0)
        r = add_unrecorded_row(recording, process, name);
    tn_recording_end_process(recording, process, TN_EXIT_EXEC, -1,
                             tn_clock_ticks(recording->shared.clock.kind));
    tn_process_rows_note_unrecorded(&recording->rows, &recording->shared, &process->id, TN_CHILD_SILENT);
    return r;
}

/* Whether the memory is mapped no longer. Of an image with other rights than ours nobody may know; it is one
 * if the process has announced it. */
static bool has_lost_rings(const struct tn_process *process)
{
    char name[TN_EXEC_NAME_BYTES];
    int has_rings = tn_proc_has_rings(process->id.pid);
    if (has_rings == -EACCES || has_rings == -EPERM)
        return tn_process_is_executing(process, name);
    return has_rings == 0;
}

/* Whether another image has taken over. One that is being loaded says hello before the second look. */
static bool has_silent_image(struct tn_process *process)
{
    bool has_lost = has_lost_rings(process) && !tn_proc_has_ended(process->pidfd, process->is_pidfd_folder);
    bool is_second_time = has_lost && process->has_lost_rings;
    process->has_lost_rings = has_lost;
    return is_second_time;
}

int tn_recording_detect_exec(struct tn_recording *recording)
{
    int r = 0;
    for (uint32_t i = 0; i < recording->process_count && r == 0; i++) {
        struct tn_process *process = recording->processes[i];
        uint64_t activity = tn_process_activity(process);
        bool is_silent = activity == process->seen_activity;
        process->seen_activity = activity;
        if (is_silent && process->state == TN_PROCESS_ALIVE && has_silent_image(process))
            r = end_by_silent_exec(recording, process, NULL);
    }
    return r;
}

int tn_recording_note_last_images(struct tn_recording *recording)
{
    char name[TN_EXEC_NAME_BYTES];
    int r = 0;
    for (uint32_t i = 0; i < recording->process_count && r == 0; i++) {
        struct tn_process *process = recording->processes[i];
        if (process->state == TN_PROCESS_ALIVE && tn_process_is_executing(process, name) &&
            has_lost_rings(process))
            r = end_by_silent_exec(recording, process, NULL);
    }
    return r;
}

int tn_recording_end_silent_image(struct tn_recording *recording, struct tn_process *process,
                                  bool *ret_is_image)
{
    char name[TN_EXEC_NAME_BYTES];
    *ret_is_image = tn_process_is_executing(process, name);
    if (!*ret_is_image)
        return 0;
    int r = end_by_silent_exec(recording, process, name);
    tn_session_dir_unlink_process(&recording->session_dir, process->id.pid, process->id.start_time);
    return r;
}

static int add_silent_child(void *context, const struct tn_started_child *child)
{
    struct tn_recording *recording = context;
    uint64_t row, since_ns = tn_clock_ns(&recording->shared.clock, child->since_ticks);
    struct tn_log_writer *writer = recording->shared.writer;
    int r = add_ended_row(writer, child->pid, child->parent_row, child->name, since_ns, &row);
    recording->shared.images_unreported++;
    return r == 0 ? tn_log_end_process(writer, row, 0, TN_EXIT_UNRECORDED, -1) : r;
}

/* The program that `record` was given: a static one, say, or one that could not say hello, whose children are
 * recorded. */
static void count_silent_root(struct tn_recording *recording)
{
    const struct tn_tool_link *tool = &recording->tool;
    if (tool->has_child && !recording->has_root_told &&
        tn_process_rows_newest(&recording->rows, tool->child_pid) == 0)
        recording->shared.images_unreported++;
}

int tn_recording_count_silent_children(struct tn_recording *recording, bool is_last)
{
    if (is_last)
        count_silent_root(recording);
    struct tn_children *children = &recording->shared.children;
    int r =
        tn_children_sweep(children, tn_proc_pid_namespace(getpid()), is_last, add_silent_child, recording);
    recording->shared.images_unreported += children->nameless_silent;
    children->nameless_silent = 0;
    return r;
}

/* An image of a process that was not heard of before may be a child that its parent tells of. Roots are
 * nobody's. */
void tn_recording_note_hello(struct tn_recording *recording, const struct tn_handshake *handshake)
{
    const struct tn_hello *hello = &handshake->hello;
    bool is_image =
        hello->reason == TN_HELLO_START || (hello->reason == TN_HELLO_LOST && hello->is_fork_child == 0);
    if (!is_image || !recording->has_clock || tn_process_rows_own(&recording->rows, &handshake->id) != 0)
        return;
    uint64_t now_ticks = tn_clock_ticks(recording->shared.clock.kind);
    bool is_told = hello->reason == TN_HELLO_START && hello->start_ticks <= now_ticks;
    uint64_t parent_row =
        tn_process_rows_parent(&recording->rows, &handshake->id, hello->parent_pid, handshake->parent_pid);
    (void)tn_children_note_hello(&recording->shared.children, handshake->id.own_pid,
                                 handshake->id.pid_namespace, parent_row,
                                 is_told ? hello->start_ticks : now_ticks);
}
