/* SPDX-License-Identifier: MIT */
/* Pauses and resumes a recording: tells its processes, and keeps account of the time that was left out.
 * Processes that come while it is paused are told in process.c. Called by record.c and requests.c. */
#include "pause.h"

/* On the log's clock, which begins with the first process. */
static uint64_t log_now_ns(const struct tn_recording *recording)
{
    const struct tn_clock_map *clock = &recording->shared.clock;
    return recording->has_clock ? tn_clock_ns(clock, tn_clock_ticks(clock->kind)) : 0;
}

void tn_pause_begin(struct tn_recording *recording)
{
    const struct tn_record_options *options = recording->options;
    struct tn_pause_state *pause = &recording->shared.pause;
    pause->awaited_mark = options->resume_mark;
    pause->is_paused = options->is_paused || options->resume_after_ns != 0 || options->resume_mark != NULL;
    pause->count = pause->is_paused;
}

static int tell_processes(struct tn_recording *recording, enum tn_pause pause)
{
    int r = 0;
    for (uint32_t i = 0; i < recording->process_count && r == 0; i++)
        if (recording->processes[i]->state == TN_PROCESS_ALIVE)
            r = tn_process_set_pause(recording->processes[i], pause);
    return r;
}

int tn_pause_set(struct tn_recording *recording, bool is_paused)
{
    struct tn_pause_state *pause = &recording->shared.pause;
    if (is_paused == pause->is_paused)
        return 0;
    pause->ended_ns = tn_pause_total_ns(recording);
    pause->since_ns = log_now_ns(recording);
    pause->is_paused = is_paused;
    pause->count += is_paused;
    /* Only the first pause ends by itself. */
    pause->awaited_mark = NULL;
    pause->has_seen_mark = false;
    recording->resume_at_ns = 0;
    return tell_processes(recording, is_paused ? TN_PAUSE_BIRTHS : TN_PAUSE_NO);
}

int tn_pause_look(struct tn_recording *recording)
{
    const struct tn_pause_state *pause = &recording->shared.pause;
    uint64_t after_ns = recording->options->resume_after_ns;
    if (!pause->is_paused || !recording->has_clock)
        return 0;
    if (recording->resume_at_ns == 0 && after_ns != 0 && pause->count == 1)
        recording->resume_at_ns = tn_recording_monotonic_ns() + after_ns;
    bool is_time = recording->resume_at_ns != 0 && tn_recording_monotonic_ns() >= recording->resume_at_ns;
    return is_time || pause->has_seen_mark ? tn_pause_set(recording, false) : 0;
}

uint64_t tn_pause_total_ns(const struct tn_recording *recording)
{
    const struct tn_pause_state *pause = &recording->shared.pause;
    uint64_t until_ns = pause->log_end_ns != 0 ? pause->log_end_ns : log_now_ns(recording);
    bool is_open = pause->is_paused && until_ns > pause->since_ns;
    return pause->ended_ns + (is_open ? until_ns - pause->since_ns : 0);
}
