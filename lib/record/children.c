/* SPDX-License-Identifier: MIT */
/* Matches what parents tell of their children with the hellos of these. Whichever comes first waits for the
 * other: words in `open`, hellos in `hellos`, where the newest of a PID stays, so that it grows with the PIDs
 * there are and not with what has ended. Called by control.c, processes.c and silent_images.c. */
#include "children.h"

#include "proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A key is never 0. */
static uint64_t key_of(uint32_t pid, uint64_t pid_namespace)
{
    return tn_mix((uint64_t)pid << 40 ^ pid_namespace) | 1;
}

static uint64_t key_of_child(const struct tn_started_child *child)
{
    return key_of(child->pid, child->pid_namespace);
}

static struct tn_started_child *find_open(const struct tn_children *children, uint64_t key)
{
    const uint64_t *index = tn_map_find(&children->open_by_pid, key);
    return index != NULL ? &children->open[*index - 1] : NULL;
}

/* The last one takes its place. */
static void remove_open(struct tn_children *children, struct tn_started_child *child)
{
    tn_map_remove(&children->open_by_pid, key_of_child(child), NULL);
    struct tn_started_child *last = &children->open[--children->open_count];
    if (last == child)
        return;
    *child = *last;
    *tn_map_find(&children->open_by_pid, key_of_child(child)) = (uint64_t)(child - children->open) + 1;
}

static int add_open(struct tn_children *children, const struct tn_started_child *child)
{
    uint64_t key = key_of_child(child);
    struct tn_started_child *older = find_open(children, key);
    if (older != NULL) {
        children->nameless_silent++; /* that one has ended, for its PID is another child's now */
        *older = *child;
        return 0;
    }
    if (children->open_count == TN_CHILDREN_OPEN_MAX) {
        children->nameless_silent++;
        return 0;
    }
    if (children->open_count == children->open_capacity) {
        uint32_t capacity = children->open_capacity * 2 + 16;
        struct tn_started_child *open = realloc(children->open, capacity * sizeof(open[0]));
        if (open == NULL)
            return -ENOMEM;
        children->open = open;
        children->open_capacity = capacity;
    }
    children->open[children->open_count++] = *child;
    return tn_map_put(&children->open_by_pid, key, children->open_count);
}

/* The counts of a parent; NULL: there is no memory. */
static struct tn_child_counts *counts_of(struct tn_children *children, uint64_t parent_row)
{
    const uint64_t *index = tn_map_find(&children->counts_by_row, parent_row);
    if (index != NULL)
        return &children->counts[*index - 1];
    if (children->count_count == children->count_capacity) {
        uint32_t capacity = children->count_capacity * 2 + 16;
        struct tn_child_counts *counts = realloc(children->counts, capacity * sizeof(counts[0]));
        if (counts == NULL)
            return NULL;
        children->counts = counts;
        children->count_capacity = capacity;
    }
    children->counts[children->count_count++] = (struct tn_child_counts){.parent_row = parent_row};
    if (tn_map_put(&children->counts_by_row, parent_row, children->count_count) < 0) {
        children->count_count--;
        return NULL;
    }
    return &children->counts[children->count_count - 1];
}

static int note_nameless(struct tn_children *children, uint64_t parent_row,
                         const struct tn_event_child *child)
{
    struct tn_child_counts *counts = counts_of(children, parent_row);
    if (counts == NULL)
        return -ENOMEM;
    if (child->is_taken_back) {
        counts->started -= counts->started != 0;
        return 0;
    }
    if (counts->started++ == 0)
        counts->since_ticks = child->since_ticks;
    return 0;
}

/* Whether a child has said hello before its parent told of it. It then counts as one that came unannounced;
 * that is put right. */
static bool has_said_hello(struct tn_children *children, uint64_t parent_row, uint64_t key,
                           uint64_t since_ticks)
{
    const uint64_t *start_ticks = tn_map_find(&children->hellos, key);
    if (start_ticks == NULL || *start_ticks < since_ticks)
        return false;
    struct tn_child_counts *counts = counts_of(children, parent_row);
    if (counts != NULL && counts->joined != 0)
        counts->joined--;
    return true;
}

int tn_children_note(struct tn_children *children, uint64_t pid_namespace, uint64_t parent_row,
                     const struct tn_event_child *child)
{
    uint64_t key = key_of(child->pid, pid_namespace);
    if (child->pid == 0)
        return note_nameless(children, parent_row, child);
    struct tn_started_child *older = find_open(children, key);
    if (child->is_taken_back) {
        if (older != NULL)
            remove_open(children, older);
        return 0;
    }
    if (has_said_hello(children, parent_row, key, child->since_ticks))
        return 0;
    struct tn_started_child added = {
        .parent_row = parent_row,
        .pid_namespace = pid_namespace,
        .since_ticks = child->since_ticks,
        .pid = child->pid,
    };
    memcpy(added.name, child->name, child->name_bytes);
    return add_open(children, &added);
}

int tn_children_note_hello(struct tn_children *children, uint32_t pid, uint64_t pid_namespace,
                           uint64_t parent_row, uint64_t start_ticks)
{
    uint64_t key = key_of(pid, pid_namespace);
    struct tn_started_child *child = find_open(children, key);
    bool is_told_of = child != NULL && child->since_ticks <= start_ticks;
    if (is_told_of)
        remove_open(children, child);
    struct tn_child_counts *counts = !is_told_of && parent_row != 0 ? counts_of(children, parent_row) : NULL;
    if (counts != NULL)
        counts->joined++;
    else if (!is_told_of)
        children->orphans++;
    return tn_map_put(&children->hellos, key, start_ticks);
}

void tn_children_note_look(struct tn_children *children)
{
    children->looks++;
}

/* Of another namespace's PIDs nothing can be told. */
static bool is_dead(const struct tn_started_child *child, uint64_t own_namespace)
{
    struct tn_proc_stat stat;
    if (child->pid_namespace != 0 && child->pid_namespace != own_namespace)
        return false;
    return tn_proc_read_stat((pid_t)child->pid, &stat) < 0 || stat.state == 'Z' || stat.state == 'X';
}

/* Whether a child is silent for good. */
static bool is_silent(const struct tn_children *children, struct tn_started_child *child,
                      uint64_t own_namespace)
{
    if (child->silent_at != 0)
        return child->silent_at <= children->looks;
    if (is_dead(child, own_namespace))
        child->silent_at = children->looks + 1;
    return false;
}

/* Those that have no PID here. Hellos whose parent is not known may be theirs. */
static int visit_nameless(struct tn_children *children, tn_child_visitor visit, void *context)
{
    int r = 0;
    for (uint32_t i = 0; i < children->count_count; i++) {
        struct tn_child_counts *counts = &children->counts[i];
        struct tn_started_child child = {.parent_row = counts->parent_row,
                                         .since_ticks = counts->since_ticks};
        memcpy(child.name, "sh", sizeof("sh"));
        for (; counts->started > counts->joined && r == 0; counts->started--)
            if (children->orphans != 0)
                children->orphans--;
            else
                r = visit(context, &child);
    }
    return r;
}

/* From the end, because the last one takes the place of one that is removed. */
int tn_children_sweep(struct tn_children *children, uint64_t own_namespace, bool is_last,
                      tn_child_visitor visit, void *context)
{
    int r = 0;
    for (uint32_t i = children->open_count; i-- > 0 && r == 0;) {
        struct tn_started_child child = children->open[i];
        if (!is_last && !is_silent(children, &children->open[i], own_namespace))
            continue;
        remove_open(children, &children->open[i]);
        r = visit(context, &child);
    }
    return r == 0 && is_last ? visit_nameless(children, visit, context) : r;
}

void tn_children_finish(struct tn_children *children)
{
    free(children->open);
    free(children->counts);
    tn_map_finish(&children->open_by_pid);
    tn_map_finish(&children->hellos);
    tn_map_finish(&children->counts_by_row);
    *children = (struct tn_children){.open = NULL};
}
