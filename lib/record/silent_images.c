/* SPDX-License-Identifier: MIT */
/* Notices that a process has executed an image that says no hello: its mapping of the rings has disappeared.
 * Called by the loop in record.c. */
#include "recording.h"

#include "proc.h"

/* An image that the shim is not in (static, setuid) has taken over: a row says that it was there. */
static int add_unrecorded_row(struct tn_recording *recording, const struct tn_process *older)
{
    if (tn_proc_has_shim(older->id.pid) != 0)
        return 0;
    uint64_t row,
        now_ns = tn_clock_ns(&recording->shared.clock, tn_clock_ticks(recording->shared.clock.kind));
    struct tn_log_writer *writer = recording->shared.writer;
    int r = tn_process_add_row(writer, older->id.pid, older->matcher.process_id, now_ns, &row);
    return r == 0 ? tn_log_end_process(writer, row, 0, TN_EXIT_UNRECORDED, -1) : r;
}

/* Whether another image has taken over. One that is being loaded says hello before the second look. */
static bool has_silent_image(struct tn_process *process)
{
    bool has_lost_rings = tn_proc_has_rings(process->id.pid) == 0 && !tn_proc_has_ended(process->pidfd);
    bool is_second_time = has_lost_rings && process->has_lost_rings;
    process->has_lost_rings = has_lost_rings;
    return is_second_time;
}

int tn_recording_detect_exec(struct tn_recording *recording)
{
    for (uint32_t i = 0; i < recording->process_count; i++) {
        struct tn_process *process = recording->processes[i];
        uint64_t activity = tn_process_activity(process);
        bool is_silent = activity == process->seen_activity;
        process->seen_activity = activity;
        if (!is_silent || process->state != TN_PROCESS_ALIVE || !has_silent_image(process))
            continue;
        int r = add_unrecorded_row(recording, process);
        tn_recording_end_process(recording, process, TN_EXIT_EXEC, -1,
                                 tn_clock_ticks(recording->shared.clock.kind));
        tn_process_rows_note_unrecorded(&recording->rows, &recording->shared, &process->id, TN_CHILD_SILENT);
        if (r < 0)
            return r;
    }
    return 0;
}
