/* SPDX-License-Identifier: MIT */
/* The pass over the events is the most that a report costs; who needs the same events for something else, as
 * the charts of a page do, sees them here instead of reading them again. Called by pass.c at each event of
 * the first pass over the process that findings are about, and by analyze.c. */
#include "watch.h"

#include "tenure/analyze.h"
#include "tenure/worker.h"

/* An event, as the worker gets it: of a birth up to `birth_ns`, of a death all. */
struct seen {
    uint64_t thread_id, stack_id, size_bytes, birth_ns;
    uint64_t death_ns, lifetime_bytes, free_thread_id, free_stack_id;
    bool is_birth;
};

static int show(void *context, const void *items, size_t count)
{
    const struct tn_event_watch *watch = context;
    const struct seen *seen = items;
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        struct tn_allocation allocation = {
            .thread_id = seen[i].thread_id,
            .stack_id = seen[i].stack_id,
            .size_bytes = seen[i].size_bytes,
            .birth_ns = seen[i].birth_ns,
            .death_ns = seen[i].death_ns,
            .lifetime_bytes = seen[i].lifetime_bytes,
            .free_thread_id = seen[i].free_thread_id,
            .free_stack_id = seen[i].free_stack_id,
            .is_live = seen[i].is_birth,
        };
        r = (seen[i].is_birth ? watch->birth : watch->death)(watch->context, &allocation);
    }
    return r;
}

int tn_watch_open(struct tn_pass *pass)
{
    const struct tn_event_watch *watch = pass->options->watch;
    if (watch == NULL)
        return 0;
    return tn_worker_open(sizeof(struct seen), show, (void *)(uintptr_t)watch, &pass->watcher);
}

void tn_watch_birth(const struct tn_pass *pass, const struct tn_log_event *event)
{
    if (pass->watcher == NULL)
        return;
    struct seen *seen = tn_worker_add(pass->watcher);
    *seen = (struct seen){
        .thread_id = event->thread_id,
        .stack_id = event->stack_id,
        .size_bytes = event->size_bytes,
        .birth_ns = event->time_ns,
        .is_birth = true,
    };
}

void tn_watch_death(const struct tn_pass *pass, const struct tn_log_event *event,
                    const struct tn_block *block)
{
    if (pass->watcher == NULL)
        return;
    struct seen *seen = tn_worker_add(pass->watcher);
    *seen = (struct seen){
        .thread_id = pass->threads[block->thread].thread_id,
        .stack_id = block->stack_id,
        .size_bytes = block->size_bytes,
        .birth_ns = block->birth_ns,
        .death_ns = event->time_ns,
        .lifetime_bytes = pass->allocated_bytes - block->birth_bytes,
        .free_thread_id = event->thread_id,
        .free_stack_id = event->stack_id,
    };
}

int tn_watch_close(struct tn_pass *pass)
{
    int r = pass->watcher != NULL ? tn_worker_wait(pass->watcher) : 0;
    tn_worker_close(pass->watcher);
    pass->watcher = NULL;
    return r;
}
