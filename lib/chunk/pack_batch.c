/* SPDX-License-Identifier: MIT */

/* Packs many plain events in one loop: the same encoding as pack_events.c, with the fields that plain events
 * lack known to be 0. The recorder's fast path ends here. */

#include "pack_events.h"

#include <errno.h>

TN_PACK_INLINE int encode_plain_birth(struct tn_pack *pack, const struct tn_plain_event *event)
{
    struct tn_birth birth = {
        .thread_id = event->thread_id,
        .stack_id = event->stack_id,
        .time_ns = event->time_ns,
        .size_bytes = event->size_bytes,
        .usable_size_bytes = (uint64_t)event->size_bytes + event->excess_bytes,
        .address = event->address,
        .depth_bytes = event->depth_bytes,
        .function = (enum tn_function)event->function,
    };
    return tn_pack_encode_birth(pack, &birth, event->allocation_id, event->size_class);
}

TN_PACK_INLINE int encode_plain_death(struct tn_pack *pack, const struct tn_plain_event *event)
{
    struct tn_death death = {
        .allocation_id = event->allocation_id,
        .thread_id = event->thread_id,
        .stack_id = event->stack_id,
        .time_ns = event->time_ns,
        .depth_bytes = event->depth_bytes,
        .function = (enum tn_function)event->function,
        .address = event->address,
        .size_class = event->size_class,
    };
    return tn_pack_encode_death(pack, &death);
}

/* Owners are read at random where many blocks live. */
static void prefetch_owners(const struct tn_pack *pack, const struct tn_plain_event *events, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t index = events[i].allocation_id - pack->first_id;
        if (!events[i].is_birth && index < pack->birth_count)
            __builtin_prefetch(&pack->owners[index]);
    }
}

int tn_pack_batch(struct tn_pack *pack, const struct tn_plain_event *events, uint32_t count, uint64_t next_id)
{
    const struct tn_plain_event *end = events + count;
    if (pack->predict.actor_count > 1)
        prefetch_owners(pack, events, count);
    for (const struct tn_plain_event *event = events; event != end; event++) {
        int r = -EINVAL;
        if (!event->is_birth)
            r = encode_plain_death(pack, event);
        else if (event->allocation_id == next_id++)
            r = encode_plain_birth(pack, event);
        if (__builtin_expect(r < 0, 0))
            return r;
    }
    return pack->error;
}
