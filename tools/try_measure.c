/* SPDX-License-Identifier: MIT */
/* Calls and peak from the summary, and the smallest region by a replay: what is recorded behind the second
 * allocator is what the heap sees. Called by cmd_try.c. */
#include "try_measure.h"

#include "tenure/simulate.h"
#include "tenure/summary.h"

#include <string.h>

static int measure_region(struct tn_log *log, uint64_t process_id, struct tn_try_side *side,
                          struct tn_error *error)
{
    struct tn_log_source *source = NULL;
    struct tn_replay_options options = {.policy = tn_policy_find("first-fit")};
    struct tn_replay_minimum minimum = {0};
    tn_heap_options_init(&options.heap);
    int r = tn_log_source_open(log, process_id, &source, error);
    if (r < 0)
        return r;
    struct tn_replay_source events = tn_log_source_events(source);
    r = tn_replay_search_narrow(&events, &options, &minimum, error);
    side->region_bytes = minimum.safe_bytes;
    tn_log_source_close(source);
    return r;
}

/* The process with most allocations, but for env(1), which starts the program: it may make more than what the
 * plan leaves of it. */
static uint64_t find_program(const struct tn_summary *summary)
{
    const struct tn_summary_process *found = NULL;
    for (size_t i = 0; i < summary->process_count; i++) {
        const struct tn_summary_process *process = &summary->processes[i];
        bool is_starter = i == 0 && process->exit_kind != NULL && strcmp(process->exit_kind, "exec") == 0;
        if (!is_starter && (found == NULL || process->allocations > found->allocations))
            found = process;
    }
    return found != NULL ? found->id : summary->process_id;
}

int tn_try_measure(struct tn_log *log, struct tn_try_side *side, struct tn_error *error)
{
    struct tn_summary summary;
    uint64_t program_id = 0;
    int r = tn_summary_load(log, 0, 1, &summary, error);
    if (r < 0)
        return r;
    program_id = find_program(&summary);
    if (program_id != summary.process_id) {
        tn_summary_finish(&summary);
        r = tn_summary_load(log, program_id, 1, &summary, error);
    }
    if (r < 0)
        return r;
    side->heap_calls = summary.totals.allocations;
    side->failures = summary.totals.failures;
    side->peak_bytes = summary.totals.peak_live_bytes;
    uint64_t process_id = summary.process_id;
    tn_summary_finish(&summary);
    return side->heap_calls != 0 ? measure_region(log, process_id, side, error) : 0;
}
