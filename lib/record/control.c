/* SPDX-License-Identifier: MIT */
/* Applies what a process says beside its events: new stacks, modules mapped and unmapped, marks, children. It
 * is read after the heads of the streams were noted and before their events are matched, so that each event
 * finds its stack and its modules. Called by record.c. */
#include "control.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <string.h>

static int take_stack(struct tn_process *process, const uint64_t *event, uint32_t words)
{
    uint64_t row;
    int r =
        tn_stacks_intern(&process->stacks, process->shared->writer, &process->mappings, event, words, &row);
    if (r < 0)
        return r;
    return tn_match_set_stack(&process->matcher, tn_event_stack_of(event[0]), row);
}

static int take_mark(struct tn_process *process, const uint64_t *event, uint32_t words)
{
    const char *marked;
    uint32_t text_bytes;
    if (!tn_event_get_mark(event, words, &marked, &text_bytes))
        return -EBADMSG;
    char text[TN_MARK_TEXT_BYTES_MAX + 1];
    memcpy(text, marked, text_bytes);
    text[text_bytes] = '\0';
    struct tn_pause_state *pause = &process->shared->pause;
    if (pause->awaited_mark != NULL && strcmp(text, pause->awaited_mark) == 0)
        pause->has_seen_mark = true;
    return tn_log_add_mark(process->shared->writer, process->matcher.process_id,
                           tn_clock_ns(&process->shared->clock, event[1]), text);
}

static int take_module(struct tn_process *process, const uint64_t *event, uint32_t words, bool is_gone)
{
    struct tn_mapping_context context = {
        .writer = process->shared->writer,
        .files = &process->shared->files,
        .process_id = process->matcher.process_id,
        .time_ns = tn_clock_ns(&process->shared->clock, event[1]),
        .pid = process->id.pid,
    };
    tn_stacks_reset(&process->stacks);
    return is_gone ? tn_mappings_remove(&process->mappings, &context, event, words)
                   : tn_mappings_add(&process->mappings, &context, event, words);
}

static int take_child(struct tn_process *process, const uint64_t *event, uint32_t words)
{
    struct tn_event_child child;
    if (!tn_event_get_child(event, words, &child))
        return -EBADMSG;
    return tn_children_note(&process->shared->children, process->id.pid_namespace,
                            process->matcher.process_id, &child);
}

static int take(void *context, const uint64_t *event, uint32_t words)
{
    struct tn_process *process = context;
    switch (tn_event_kind_of(event[0])) {
    case TN_EVENT_STACK:
        return take_stack(process, event, words);
    case TN_EVENT_MODULE:
        return take_module(process, event, words, false);
    case TN_EVENT_MODULE_GONE:
        return take_module(process, event, words, true);
    case TN_EVENT_MARK:
        return take_mark(process, event, words);
    case TN_EVENT_CHILD:
        return take_child(process, event, words);
    default:
        return 0;
    }
}

int tn_control_read(struct tn_process *process)
{
    return process->source->calls->read_control(process->source, take, process);
}
