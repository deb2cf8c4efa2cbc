/* SPDX-License-Identifier: MIT */
/* Reads the control ring of a process: new stacks, modules mapped and unmapped, marks. It is read after the
 * heads of the threads' rings were noted and before their events are matched, so that each event finds its
 * stack and its modules. Called by process.c. */
#include "control.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <stdlib.h>
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
        .pid = process->pid,
    };
    tn_stacks_reset(&process->stacks);
    return is_gone ? tn_mappings_remove(&process->mappings, &context, event, words)
                   : tn_mappings_add(&process->mappings, &context, event, words);
}

static int take(struct tn_process *process, const uint64_t *event, uint32_t words)
{
    switch (tn_event_kind_of(event[0])) {
    case TN_EVENT_STACK:
        return take_stack(process, event, words);
    case TN_EVENT_MODULE:
        return take_module(process, event, words, false);
    case TN_EVENT_MODULE_GONE:
        return take_module(process, event, words, true);
    case TN_EVENT_MARK:
        return take_mark(process, event, words);
    default:
        return 0;
    }
}

/* The program could change a word between our check and our use of it, so apply a copy. */
static int take_copy(struct tn_process *process, const uint64_t *event, uint32_t words)
{
    struct tn_buffer *scratch = &process->shared->scratch;
    if (words < 2)
        return -EBADMSG;
    scratch->size_bytes = 0;
    int r = tn_buffer_append(scratch, event, words * sizeof(event[0]));
    return r < 0 ? r : take(process, (const uint64_t *)scratch->data, words);
}

int tn_control_read(struct tn_process *process)
{
    struct tn_ring *ring = tn_shared_ring(process->header, TN_CONTROL_SLOT);
    const uint64_t *data = tn_shared_words(process->header, &process->sizes, TN_CONTROL_SLOT);
    uint32_t ring_words = process->sizes.control_words;
    uint64_t head = atomic_load_explicit(&ring->head_words, memory_order_acquire);
    uint64_t start = process->control_words;
    if (head == start)
        return 0;
    tn_process_note_fill(process, ring_words, head - start);
    int r = process->is_control_damaged || head - start > ring_words ? -EBADMSG : 0;
    while (r == 0) {
        const uint64_t *event;
        int words = tn_ring_peek(data, ring_words, &process->control_words, head, &event);
        if (words <= 0) {
            r = words;
            break;
        }
        r = take_copy(process, event, (uint32_t)words);
        process->control_words += (uint32_t)words;
        if (process->control_words - start > ring_words / 4) {
            start = process->control_words;
            tn_ring_release(ring, start);
            tn_ring_wake(ring);
        }
    }
    if (r == -EBADMSG) {
        process->is_control_damaged = true;
        process->control_words = head;
        r = 0;
    }
    tn_ring_release(ring, process->control_words);
    tn_ring_wake(ring);
    return r;
}
