/* SPDX-License-Identifier: MIT */
/* Pools that serve a source: a size class is a power of two times the smallest block, and its pool has as
 * many blocks as were live at once in the class. Called by lib/simulate, where a policy needs pools and
 * was given none. */
#include "tenure/map.h"
#include "tenure/replay.h"

#include <errno.h>
#include <stdlib.h>

#define CLASS_COUNT 48

/* Live blocks by size class. */
struct size_classes {
    uint64_t least_bytes;
    struct tn_map class_of; /* id -> class + 1 */
    uint64_t live[CLASS_COUNT], peak[CLASS_COUNT];
};

static unsigned class_of_size(const struct size_classes *classes, uint64_t size)
{
    unsigned class = 0;
    while (class < CLASS_COUNT - 1 && classes->least_bytes << class < size)
        class ++;
    return class;
}

static void leave(struct size_classes *classes, uint64_t id)
{
    uint64_t class = 0;
    if (tn_map_remove(&classes->class_of, id, &class))
        classes->live[class - 1]--;
}

/* A resize into another class needs both blocks for a moment, because the contents are copied. */
static int enter(struct size_classes *classes, const struct tn_replay_event *event)
{
    uint64_t slack = event->alignment_bytes > 8 ? event->alignment_bytes : 0;
    unsigned class = class_of_size(classes, event->size_bytes + slack);
    const uint64_t *old = tn_map_find(&classes->class_of, event->id);
    if (old != NULL && *old == class + 1)
        return 0;
    if (++classes->live[class] > classes->peak[class])
        classes->peak[class] = classes->live[class];
    leave(classes, event->id);
    return tn_map_put(&classes->class_of, event->id, class + 1);
}

static int count(struct size_classes *classes, const struct tn_replay_source *source, struct tn_error *error)
{
    struct tn_replay_event event;
    int r = source->rewind(source->state, error);
    if (r < 0)
        return r;
    while ((r = source->next(source->state, &event, error)) > 0) {
        if (event.kind == TN_REPLAY_RELEASE)
            leave(classes, event.id);
        else if (enter(classes, &event) < 0)
            return tn_error_set(error, -ENOMEM, "cannot count the sizes: out of memory");
    }
    return r;
}

int tn_replay_pools(const struct tn_replay_source *source, uint64_t min_block_bytes,
                    struct tn_heap_pool **ret_pools, size_t *ret_count, struct tn_error *error)
{
    struct size_classes classes = {.least_bytes = min_block_bytes > 0 ? min_block_bytes : 1};
    int r = count(&classes, source, error);
    tn_map_finish(&classes.class_of);
    if (r < 0)
        return r;
    struct tn_heap_pool *pools = calloc(CLASS_COUNT, sizeof(*pools));
    if (pools == NULL)
        return tn_error_set(error, -ENOMEM, "cannot count the sizes: out of memory");
    size_t used = 0;
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        if (classes.peak[class] > 0)
            pools[used++] = (struct tn_heap_pool){classes.least_bytes << class, classes.peak[class]};
    if (used == 0)
        pools[used++] = (struct tn_heap_pool){classes.least_bytes, 1};
    *ret_pools = pools;
    *ret_count = used;
    return 0;
}
