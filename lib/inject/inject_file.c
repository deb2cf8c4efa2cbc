/* SPDX-License-Identifier: MIT */
/* Takes the file of the run when the library is loaded. A process that cannot map it runs on, and nothing
 * fails. */
#include "inject_parts.h"

struct tn_inject_head *tn_inject_head;
struct tn_preload_seen tn_inject_seen;

static struct tn_preload_places places;

/* The tool made it, and may be of another build when somebody set the variable by hand. */
static bool is_whole(const struct tn_inject_head *head, uint64_t file_bytes)
{
    uint64_t wanted_bytes = sizeof(*head);
    if (file_bytes < sizeof(*head) || head->magic != TN_INJECT_MAGIC || head->head_bytes != sizeof(*head))
        return false;
    wanted_bytes += (uint64_t)head->module_count * sizeof(struct tn_inject_module);
    wanted_bytes += (uint64_t)head->step_count * sizeof(struct tn_inject_step);
    wanted_bytes += (uint64_t)head->place_count * sizeof(struct tn_inject_place);
    return head->file_bytes == file_bytes && wanted_bytes == file_bytes;
}

static void take_file(struct tn_inject_head *head)
{
    places.modules = (const struct tn_inject_module *)(head + 1);
    places.steps = (const struct tn_inject_step *)(places.modules + head->module_count);
    places.places = places.steps + head->step_count;
    places.place_bytes = sizeof(struct tn_inject_place);
    places.module_count = head->module_count;
    places.place_count = head->place_count;
    tn_inject_seen = (struct tn_preload_seen){.items = head->seen, .count = &head->seen_count};
    tn_inject_head = head;
}

/* With the first allocation, be it of a constructor of another library. */
void tn_preload_begin(void)
{
    uint64_t file_bytes;
    struct tn_inject_head *head =
        tn_inject_head == NULL ? tn_preload_map(TN_INJECT_VARIABLE, &file_bytes) : NULL;
    if (head == NULL || !is_whole(head, file_bytes))
        return;
    take_file(head);
    tn_inject_heap_open();
    __atomic_fetch_add(&tn_inject_head->processes, 1, __ATOMIC_RELAXED);
    tn_inject_watch_crashes();
}

/* With a path in the environment that only now can be read, or without any allocation until now. */
__attribute__((constructor(101))) static void load_at_start(void)
{
    if (tn_preload_is_ready())
        tn_preload_begin();
}

bool tn_inject_is_place(uintptr_t caller)
{
    struct tn_preload_frame frames[TN_INJECT_STEPS_MAX + 1];
    size_t count;
    return tn_preload_find_place(&places, caller, frames, TN_INJECT_STEPS_MAX + 1, &count) !=
           places.place_count;
}
