/* SPDX-License-Identifier: MIT */
/* Maps from what a process is called to its row in the log, and to whether it was counted as not recorded.
 * What processes say of themselves moves a counter once at most. Called by processes.c. */
#include "process_rows.h"

/* A key is never 0. */
static uint64_t key_of(uint64_t a, uint64_t b)
{
    return tn_mix(a << 40 ^ b) | 1;
}

static uint64_t key_of_process(const struct tn_process_id *id)
{
    return key_of((uint64_t)id->pid, id->start_time);
}

static uint64_t row_of(const struct tn_map *map, uint64_t key)
{
    const uint64_t *row = tn_map_find(map, key);
    return row != NULL ? *row : 0;
}

int tn_process_rows_add(struct tn_process_rows *rows, const struct tn_process_id *id, uint64_t row)
{
    int r = tn_map_put(&rows->by_pid, (uint64_t)id->pid, row);
    if (r == 0)
        r = tn_map_put(&rows->by_own_pid, key_of(id->own_pid, id->pid_namespace), row);
    if (r == 0)
        r = tn_map_put(&rows->by_process, key_of_process(id), row);
    return r;
}

uint64_t tn_process_rows_own(const struct tn_process_rows *rows, const struct tn_process_id *id)
{
    return row_of(&rows->by_process, key_of_process(id));
}

/* PID 1 and what it is to others: whoever has lost its parent is its child. */
uint64_t tn_process_rows_parent(const struct tn_process_rows *rows, const struct tn_process_id *child,
                                uint32_t own_parent_pid, pid_t parent_pid)
{
    uint64_t row =
        own_parent_pid != 0 ? row_of(&rows->by_own_pid, key_of(own_parent_pid, child->pid_namespace)) : 0;
    if (row == 0 && parent_pid > 1)
        row = row_of(&rows->by_pid, (uint64_t)parent_pid);
    return row;
}

uint64_t tn_process_rows_newest(const struct tn_process_rows *rows, pid_t pid)
{
    return row_of(&rows->by_pid, (uint64_t)pid);
}

void tn_process_rows_note_unrecorded(struct tn_process_rows *rows, struct tn_process_shared *shared,
                                     const struct tn_process_id *id, uint32_t why)
{
    uint64_t key = key_of_process(id);
    if (tn_map_find(&rows->unrecorded, key) != NULL || tn_map_put(&rows->unrecorded, key, why) < 0)
        return;
    if (why == TN_CHILD_SILENT)
        shared->images_unreported++;
    else
        shared->counts.children_lost[why]++;
}

bool tn_process_rows_is_unrecorded(const struct tn_process_rows *rows, const struct tn_process_id *id)
{
    return tn_map_find(&rows->unrecorded, key_of_process(id)) != NULL;
}

void tn_process_rows_note_recorded(struct tn_process_rows *rows, struct tn_process_shared *shared,
                                   const struct tn_process_id *id)
{
    const uint64_t *why = tn_map_find(&rows->unrecorded, key_of_process(id));
    if (why == NULL || *why != TN_CHILD_SILENT)
        return;
    shared->images_unreported--;
    tn_map_remove(&rows->unrecorded, key_of_process(id), NULL);
}

void tn_process_rows_finish(struct tn_process_rows *rows)
{
    tn_map_finish(&rows->by_pid);
    tn_map_finish(&rows->by_own_pid);
    tn_map_finish(&rows->by_process);
    tn_map_finish(&rows->unrecorded);
}
