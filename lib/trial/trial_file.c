/* SPDX-License-Identifier: MIT */
/* Takes the file of the run when the library is loaded, and tells contradictions in it. A process that cannot
 * map it runs on, and everything comes from the heap. */
#include "trial_parts.h"

#include <pthread.h>

struct tn_trial_head *tn_trial_head;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tn_preload_seen seen;

void tn_trial_lock(void)
{
    pthread_mutex_lock(&lock);
}

void tn_trial_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void tn_trial_add(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* The tool made it, and may be of another build when somebody set the variable by hand. */
static bool is_whole(const struct tn_trial_head *head, uint64_t file_bytes)
{
    return file_bytes >= sizeof(*head) && head->magic == TN_TRIAL_MAGIC &&
           head->head_bytes == sizeof(*head) && head->file_bytes == file_bytes &&
           tn_trial_file_bytes(head) == file_bytes;
}

/* With the first allocation, be it of a constructor of another library. */
void tn_preload_begin(void)
{
    static bool is_tried;
    uint64_t file_bytes;
    struct tn_trial_head *head = is_tried ? NULL : tn_preload_map(TN_TRIAL_VARIABLE, &file_bytes);
    if (head == NULL || !is_whole(head, file_bytes))
        return;
    is_tried = true;
    seen = (struct tn_preload_seen){.items = head->seen, .count = &head->seen_count};
    tn_trial_head = head;
    tn_trial_births_open();
    if (!tn_trial_areas_open()) {
        tn_trial_head = NULL;
        return;
    }
    __atomic_fetch_add(&head->processes, 1, __ATOMIC_RELAXED);
    tn_trial_calls_open();
    pthread_atfork(tn_trial_lock, tn_trial_unlock, tn_trial_unlock);
}

/* With a path in the environment that only now can be read, or without any allocation until now. */
__attribute__((constructor(101))) static void load_at_start(void)
{
    if (tn_preload_is_ready())
        tn_preload_begin();
}

/* What was made in calls that have ended still lives: nobody has asked since. */
__attribute__((destructor)) static void look_at_end(void)
{
    tn_trial_look(0);
}

static bool note_exit(const struct tn_preload_frame *frame, void *user)
{
    bool *is_found = user;
    *is_found = frame->function == (uintptr_t)tn_preload_next.leave;
    return !*is_found;
}

bool tn_trial_is_ending(void)
{
    bool is_found = false;
    tn_preload_visit(note_exit, &is_found);
    return is_found;
}

void tn_trial_tell(const struct tn_trial_finding *finding, uintptr_t caller)
{
    struct tn_preload_frame frames[TN_INJECT_FRAMES_MAX];
    if (finding->kind == 0)
        return;
    struct tn_trial_contradiction *first = &tn_trial_changes(tn_trial_head)[finding->change].contradiction;
    if (__atomic_exchange_n(&first->is_taken, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    first->event = __atomic_load_n(&tn_trial_head->events, __ATOMIC_RELAXED);
    first->size_bytes = finding->size_bytes;
    size_t count = tn_trial_stack_find(finding->birth, frames);
    tn_preload_tell(&seen, &first->birth, frames, count);
    count = tn_preload_walk(caller, frames, TN_INJECT_FRAMES_MAX);
    tn_preload_tell(&seen, &first->moment, frames, count);
    __atomic_store_n(&first->kind, (uint32_t)finding->kind, __ATOMIC_RELEASE);
}
