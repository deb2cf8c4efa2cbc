/* SPDX-License-Identifier: MIT */

/* Writes CHILD events. Invariant: what a vfork child does here leaves its parent's thread, whose state it
 * shares, as it was. Called by interpose_exec.c and interpose_spawn.c. */

#include "tell_child.h"

#include "control_ring.h"
#include "real.h"
#include "shim_thread.h"
#include "sys.h"
#include "ticks.h"

#include "tenure/event_body.h"

#include "banned.h"

static bool is_recorded(void)
{
    return !tn_is_filtered && atomic_load_explicit(&tn_hot.generation, memory_order_relaxed) != 0;
}

struct tn_child_start tn_child_begin(void)
{
    struct tn_thread *thread = &tn_thread;
    /* A constructor may come here before the shim has seen any call. */
    if (tn_real.execve == NULL) {
        tn_own_begin(thread);
        tn_real_find();
        tn_own_end(thread);
    }
    bool is_told = is_recorded() && tn_shim_process.options.has_children;
    return (struct tn_child_start){is_told, is_told ? tn_ticks() : 0};
}

/* The name of an image, without folders. */
static struct tn_event_child describe(const char *path)
{
    struct tn_event_child child = {0, false, 0, path, 0};
    for (const char *at = path; *at != '\0'; at++)
        child.name = *at == '/' ? at + 1 : child.name;
    while (child.name[child.name_bytes] != '\0' && child.name_bytes < TN_EVENT_CHILD_NAME_BYTES)
        child.name_bytes++;
    return child;
}

static void write_child(const struct tn_event_child *child)
{
    uint32_t words = TN_EVENT_CHILD_WORDS + tn_event_text_words(child->name_bytes);
    uint32_t pad;
    uint64_t *event = tn_control_begin(words, &pad);
    if (event == NULL)
        return;
    tn_event_put_child(event, child);
    tn_control_end(pad + words);
}

void tn_child_tell(const struct tn_child_start *start, uint32_t pid, const char *path, bool is_taken_back)
{
    struct tn_thread *thread = &tn_thread;
    /* Inside a foreign call on the shim's behalf nothing is started for the program. */
    if (!start->is_told || !is_recorded() || path == NULL || thread->own_depth != 0)
        return;
    struct tn_event_child child = describe(path);
    child.pid = pid;
    child.is_taken_back = is_taken_back;
    child.since_ticks = start->since_ticks;
    tn_own_begin(thread);
    if (tn_lock_take(&tn_control_lock)) {
        write_child(&child);
        tn_lock_drop(&tn_control_lock);
    }
    tn_own_end(thread);
}

void tn_child_note_refused(void)
{
    if (is_recorded())
        atomic_fetch_add_explicit(&tn_hot.header->tasks_refused, 1, memory_order_relaxed);
}
