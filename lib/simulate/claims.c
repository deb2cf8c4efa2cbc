/* SPDX-License-Identifier: MIT */
/* What findings claim of the recorded run: the calls that their changes keep from the heap, counted over all
 * events, without any model of a heap. Called by `tenure try`, which holds it against the program. */
#include "tenure/simulate.h"
#include "what_if_rules.h"

#include <errno.h>

/* The plan counts while its events are read. */
static int read_to_end(const struct tn_replay_source *source, struct tn_error *error)
{
    struct tn_replay_event event;
    int r = source->rewind(source->state, error);
    while (r >= 0 && (r = source->next(source->state, &event, error)) > 0)
        ;
    return r;
}

static int count(struct tn_log_source *log, const struct tn_what_if_rules *rules, uint64_t *ret_calls,
                 struct tn_error *error)
{
    struct tn_replay_source events = tn_log_source_events(log);
    struct tn_replay_plan *plan = NULL;
    int r = tn_replay_plan_open(&events, rules->items, rules->count, &plan, error);
    if (r < 0)
        return r;
    struct tn_replay_source edited = tn_replay_plan_source(plan);
    r = read_to_end(&edited, error);
    for (size_t i = 0; r == 0 && i < rules->count; i++)
        ret_calls[i] = tn_replay_plan_effect(plan, i).allocations_removed;
    tn_replay_plan_close(plan);
    return r;
}

int tn_what_if_claims(struct tn_log *log, uint64_t process_id, const struct tn_finding *const *findings,
                      size_t finding_count, uint64_t *ret_calls, struct tn_error *error)
{
    struct tn_log_source *source = NULL;
    struct tn_what_if_rules rules = {0};
    int r = tn_log_source_open(log, process_id, &source, error);
    if (r < 0)
        return r;
    r = tn_log_source_tell_roles(source, findings, finding_count, error);
    if (r == 0 && tn_what_if_rules_make(findings, finding_count, tn_log_source_roles(source), &rules) < 0)
        r = tn_error_set(error, -ENOMEM, "cannot count calls: out of memory");
    if (r == 0)
        r = count(source, &rules, ret_calls, error);
    tn_what_if_rules_finish(&rules);
    tn_log_source_close(source);
    return r;
}
