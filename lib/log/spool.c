/* SPDX-License-Identifier: MIT */
/* Keeps the few events of a quiet process until they are packed. Invariant: what was taken is packed without
 * an error but for lack of memory. Called by write_events.c. */
#include "spool.h"

#include "tenure/event.h"

#include <errno.h>
#include <stdlib.h>

/* Any field below this is within every range that log_event.h states. */
#define FIELD_LIMIT (UINT64_C(1) << 48)

struct tn_spooled {
    bool is_birth;
    uint64_t id; /* of the allocation that is born */
    union {
        struct tn_birth birth;
        struct tn_death death;
    };
};

static bool is_small(uint64_t a, uint64_t b, uint64_t c)
{
    return (a | b | c) < FIELD_LIMIT;
}

bool tn_spool_takes_birth(const struct tn_spool *spool, const struct tn_birth *birth)
{
    return spool->count < TN_SPOOL_EVENTS_MAX && birth->stack_id <= UINT32_MAX &&
           (uint32_t)birth->function < TN_FUNCTION_COUNT && birth->usable_size_bytes >= birth->size_bytes &&
           is_small(birth->usable_size_bytes, birth->alignment_bytes, birth->address) &&
           is_small(birth->depth_bytes, birth->left_depth_bytes, birth->previous_id) &&
           is_small(birth->thread_id, birth->time_ns, 0);
}

bool tn_spool_takes_death(const struct tn_spool *spool, const struct tn_death *death)
{
    return spool->count < TN_SPOOL_EVENTS_MAX && death->stack_id <= UINT32_MAX &&
           (uint32_t)death->function < TN_FUNCTION_COUNT && death->size_class < TN_SIZE_CLASSES &&
           is_small(death->address, death->depth_bytes, death->left_depth_bytes) &&
           is_small(death->thread_id, death->time_ns, 0);
}

bool tn_spool_takes_plain(const struct tn_spool *spool, const struct tn_plain_event *events, uint32_t count)
{
    if (count > TN_SPOOL_EVENTS_MAX - spool->count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (events[i].function >= TN_FUNCTION_COUNT || !is_small(events[i].address, events[i].time_ns, 0))
            return false;
    return true;
}

static struct tn_spooled *add(struct tn_spool *spool)
{
    if (spool->count == spool->capacity) {
        uint32_t capacity = spool->capacity != 0 ? spool->capacity * 2 : 24;
        struct tn_spooled *events = realloc(spool->events, capacity * sizeof(events[0]));
        if (events == NULL)
            return NULL;
        spool->events = events;
        spool->capacity = capacity;
    }
    return &spool->events[spool->count++];
}

int tn_spool_birth(struct tn_spool *spool, const struct tn_birth *birth, uint64_t id)
{
    struct tn_spooled *event = add(spool);
    if (event == NULL)
        return -ENOMEM;
    *event = (struct tn_spooled){.is_birth = true, .id = id, .birth = *birth};
    return 0;
}

int tn_spool_death(struct tn_spool *spool, const struct tn_death *death)
{
    struct tn_spooled *event = add(spool);
    if (event == NULL)
        return -ENOMEM;
    *event = (struct tn_spooled){.death = *death};
    return 0;
}

int tn_spool_plain(struct tn_spool *spool, const struct tn_plain_event *event)
{
    const struct tn_birth birth = {
        .thread_id = event->thread_id,
        .stack_id = event->stack_id,
        .time_ns = event->time_ns,
        .size_bytes = event->size_bytes,
        .usable_size_bytes = (uint64_t)event->size_bytes + event->excess_bytes,
        .address = event->address,
        .depth_bytes = event->depth_bytes,
        .function = (enum tn_function)event->function,
    };
    const struct tn_death death = {
        .allocation_id = event->allocation_id,
        .thread_id = event->thread_id,
        .stack_id = event->stack_id,
        .time_ns = event->time_ns,
        .depth_bytes = event->depth_bytes,
        .function = (enum tn_function)event->function,
        .address = event->address,
        .size_class = event->size_class,
    };
    return event->is_birth ? tn_spool_birth(spool, &birth, event->allocation_id)
                           : tn_spool_death(spool, &death);
}

int tn_spool_pour(struct tn_spool *spool, struct tn_pack *pack)
{
    int r = 0;
    for (uint32_t i = 0; i < spool->count && r == 0; i++) {
        const struct tn_spooled *event = &spool->events[i];
        r = event->is_birth ? tn_pack_birth(pack, &event->birth, event->id)
                            : tn_pack_death(pack, &event->death);
    }
    spool->count = 0;
    return r;
}

void tn_spool_finish(struct tn_spool *spool)
{
    free(spool->events);
    *spool = (struct tn_spool){0};
}
