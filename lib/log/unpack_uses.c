/* SPDX-License-Identifier: MIT */
#include "unpack_parts.h"

#define BIT(column) (UINT64_C(1) << (column))

/* What says where events stand, and how large the births are. */
#define WANTED                                                                                               \
    (BIT(TN_COLUMN_BASE) | BIT(TN_COLUMN_PLACE) | BIT(TN_COLUMN_THREAD) | BIT(TN_COLUMN_THREAD_ID) |         \
     BIT(TN_COLUMN_PLACE_OP) | BIT(TN_COLUMN_PLACE_STACK) | BIT(TN_COLUMN_PLACE_DEPTH) |                     \
     BIT(TN_COLUMN_BIRTH) | BIT(TN_COLUMN_SIZE))

/* Entries for all places that there are. */
static int widen(const struct tn_unpack *unpack, struct tn_buffer *uses)
{
    size_t count = unpack->predict.place_count;
    int r = tn_buffer_reserve(uses, count * sizeof(struct tn_unpack_use) - uses->size_bytes);
    if (r < 0)
        return r;
    struct tn_unpack_use *all = (struct tn_unpack_use *)uses->data;
    for (size_t i = uses->size_bytes / sizeof(*all); i < count; i++)
        all[i] = (struct tn_unpack_use){0, UINT64_MAX, 0};
    uses->size_bytes = count * sizeof(*all);
    return 0;
}

static void count_size(struct tn_unpack_use *use, uint64_t size_bytes)
{
    if (size_bytes < use->min_size_bytes)
        use->min_size_bytes = size_bytes;
    if (size_bytes > use->max_size_bytes)
        use->max_size_bytes = size_bytes;
}

/* A size that is the last one again is not told, and changes nothing. */
static TN_UNPACK_INLINE void count_birth(struct tn_unpack *unpack, struct tn_unpack_use *use)
{
    uint32_t flags = tn_unpack_byte(unpack, TN_COLUMN_BIRTH);
    if ((flags & TN_BIRTH_SIZE) != 0)
        count_size(use, tn_unpack_number(unpack, TN_COLUMN_SIZE));
    else if (use->count == 1)
        count_size(use, 0);
    unpack->birth_count++;
}

static int count_events(struct tn_unpack *unpack, struct tn_buffer *uses)
{
    struct tn_unpack_hand hand;
    size_t place_count = 0;
    tn_unpack_take_up(unpack, &hand);
    for (uint64_t left = unpack->event_count; left != 0 && unpack->error == 0; left--) {
        const struct tn_place *place = tn_unpack_place(unpack, &hand);
        if (place == NULL)
            break;
        if (unpack->predict.place_count != place_count) {
            place_count = unpack->predict.place_count;
            int r = widen(unpack, uses);
            if (r < 0)
                return r;
        }
        struct tn_unpack_use *use = (struct tn_unpack_use *)uses->data + (place - unpack->predict.places);
        use->count++;
        if ((place->op & TN_OP_BIRTH) != 0)
            count_birth(unpack, use);
    }
    return unpack->error;
}

int tn_unpack_uses(struct tn_unpack *unpack, const struct tn_chunk *chunk, struct tn_buffer *uses)
{
    uses->size_bytes = 0;
    int r = tn_unpack_begin(unpack, chunk, WANTED);
    if (r == 0)
        r = count_events(unpack, uses);
    if (r < 0)
        return r;
    static const enum tn_column ends[] = {TN_COLUMN_PLACE, TN_COLUMN_BIRTH, TN_COLUMN_SIZE};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (unpack->columns[ends[i]].low != unpack->columns[ends[i]].low_end)
            return -EBADMSG;
    return unpack->birth_count == chunk->births ? (int)unpack->predict.place_count : -EBADMSG;
}
