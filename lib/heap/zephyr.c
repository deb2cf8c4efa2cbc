/* SPDX-License-Identifier: MIT */
/* Zephyr's sys_heap: rings of free chunks by power of two. A few tries in the ring of the size itself,
 * from where the last search left it; then the head of the next larger ring that is not empty. */
#include "policy.h"

#include <assert.h>

#define UNIT        8 /* bytes: all chunks are a multiple of it */
#define BUCKETS_MAX 64
#define LOOPS       3      /* CONFIG_SYS_HEAP_ALLOC_LOOPS */
#define SMALL_UNITS 0x7fff /* largest heap with headers of 4 bytes */

struct zephyr {
    uint32_t heads[BUCKETS_MAX]; /* 0: empty; left and right of a chunk are its neighbours in the ring */
    uint64_t bucket_map;
    uint64_t least; /* smallest chunk, in units */
};

static unsigned bucket_of(const struct zephyr *zephyr, uint64_t units)
{
    return tn_log2(units - zephyr->least + 1);
}

/* A chunk of one unit with a header of 8 bytes has no room for links: it is in no ring until it is merged. */
static bool is_solo(const struct tn_heap *heap, uint32_t number)
{
    const struct zephyr *zephyr = heap->state;
    return tn_extent(&heap->space, number)->size / UNIT < zephyr->least;
}

/* Insert at the tail of the ring, which is before its head. */
static void insert(struct tn_heap *heap, uint32_t number)
{
    struct zephyr *zephyr = heap->state;
    struct tn_extent *chunk = tn_extent(&heap->space, number);
    assert(chunk->kind == TN_EXTENT_FREE && !chunk->is_indexed);
    if (is_solo(heap, number))
        return;
    unsigned bucket = bucket_of(zephyr, chunk->size / UNIT);
    uint32_t head = zephyr->heads[bucket];
    chunk->list = (uint16_t)bucket;
    chunk->is_indexed = true;
    zephyr->bucket_map |= UINT64_C(1) << bucket;
    if (head == 0) {
        zephyr->heads[bucket] = chunk->left = chunk->right = number;
        return;
    }
    chunk->right = head;
    chunk->left = tn_extent(&heap->space, head)->left;
    tn_extent(&heap->space, chunk->left)->right = number;
    tn_extent(&heap->space, head)->left = number;
}

/* The successor of a removed chunk becomes the head, wherever the head was. */
static void take_out(struct tn_heap *heap, uint32_t number)
{
    struct zephyr *zephyr = heap->state;
    struct tn_extent *chunk = tn_extent(&heap->space, number);
    if (!chunk->is_indexed)
        return;
    zephyr->heads[chunk->list] = chunk->right != number ? chunk->right : 0;
    if (zephyr->heads[chunk->list] == 0)
        zephyr->bucket_map &= ~(UINT64_C(1) << chunk->list);
    tn_extent(&heap->space, chunk->left)->right = chunk->right;
    tn_extent(&heap->space, chunk->right)->left = chunk->left;
    chunk->left = chunk->right = 0;
    chunk->is_indexed = false;
}

static uint64_t need(const struct tn_heap *heap, uint64_t size)
{
    return size > 0 ? tn_round_up(size + heap->header, UNIT) : 0;
}

static int open(struct tn_heap *heap, struct tn_error *error)
{
    struct zephyr *zephyr = heap->state;
    struct tn_space *space = &heap->space;
    bool is_small = heap->pointer == 4 && space->size / UNIT <= SMALL_UNITS;
    heap->header = is_small ? 4 : 8;
    heap->align = UNIT;
    heap->natural = heap->header;
    zephyr->least = is_small ? 1 : 2;
    uint64_t units = space->size > heap->header ? (space->size - heap->header) / UNIT : 0;
    unsigned buckets = units > zephyr->least ? bucket_of(zephyr, units) + 1 : 1;
    uint64_t control = tn_round_up(16 + 4 * buckets, UNIT);
    uint64_t least = control + heap->header + need(heap, 1);
    if (space->size < least || units * UNIT <= control)
        return tn_heap_too_small(heap, least, error);
    tn_space_fix_tail(space, space->size - units * UNIT);
    tn_space_fix(space, tn_space_cut_low(space, space->first, control));
    insert(heap, tn_extent(space, space->first)->after);
    return 0;
}

/* Each chunk that is too small moves the ring's head past it. */
static uint32_t try_bucket(struct tn_heap *heap, unsigned bucket, uint64_t need_bytes)
{
    struct zephyr *zephyr = heap->state;
    uint32_t first = zephyr->heads[bucket];
    for (int i = 0; i < LOOPS && first != 0; i++) {
        uint32_t number = zephyr->heads[bucket];
        if (tn_extent(&heap->space, number)->size >= need_bytes)
            return number;
        zephyr->heads[bucket] = tn_extent(&heap->space, number)->right;
        if (zephyr->heads[bucket] == first)
            break;
    }
    return 0;
}

static uint32_t place(struct tn_heap *heap, uint64_t size, uint64_t need_bytes)
{
    struct zephyr *zephyr = heap->state;
    (void)size;
    unsigned bucket = bucket_of(zephyr, need_bytes / UNIT);
    uint32_t number = try_bucket(heap, bucket, need_bytes);
    if (number == 0) {
        uint64_t larger = zephyr->bucket_map & (UINT64_MAX << (bucket + 1));
        if (larger == 0)
            return 0;
        number = zephyr->heads[__builtin_ctzll(larger)];
    }
    take_out(heap, number);
    uint64_t rest = tn_extent(&heap->space, number)->size - need_bytes;
    if (rest > 0)
        insert(heap, tn_space_cut_high(&heap->space, number, rest));
    return number;
}

static void release(struct tn_heap *heap, uint32_t number)
{
    struct tn_space *space = &heap->space;
    uint32_t after = tn_extent(space, number)->after, before = tn_extent(space, number)->before;
    if (tn_extent_is_free(space, after)) {
        take_out(heap, after);
        tn_space_join(space, number, after);
    }
    if (tn_extent_is_free(space, before)) {
        take_out(heap, before);
        tn_space_join(space, before, number);
        number = before;
    }
    insert(heap, number);
}

static bool resize(struct tn_heap *heap, uint32_t number, uint64_t size, uint64_t need_bytes)
{
    struct tn_space *space = &heap->space;
    uint32_t after = tn_extent(space, number)->after;
    uint64_t have = tn_extent(space, number)->size;
    (void)size;
    if (need_bytes < have) {
        release(heap, tn_space_trim(space, number, need_bytes));
        return true;
    }
    if (need_bytes == have)
        return true;
    if (!tn_extent_is_free(space, after) || have + tn_extent(space, after)->size < need_bytes)
        return false;
    take_out(heap, after);
    uint64_t rest = have + tn_extent(space, after)->size - need_bytes;
    tn_space_widen(space, number, need_bytes - have);
    if (rest > 0)
        insert(heap, after);
    return true;
}

/* Check a ring and count its chunks. Returns what is wrong, or NULL. */
static const char *check_bucket(const struct tn_heap *heap, unsigned bucket, uint32_t *count)
{
    const struct zephyr *zephyr = heap->state;
    uint32_t head = zephyr->heads[bucket], number = head;
    if ((zephyr->bucket_map >> bucket & 1) != (head != 0))
        return "the bit map does not agree with the buckets";
    if (head == 0)
        return NULL;
    do {
        const struct tn_extent *chunk = tn_extent(&heap->space, number);
        if (!tn_extent_is_free(&heap->space, number) || !chunk->is_indexed)
            return "a chunk in a bucket is not free";
        if (bucket_of(zephyr, chunk->size / UNIT) != bucket)
            return "a chunk is in the bucket of another size";
        if (tn_extent(&heap->space, chunk->right)->left != number || ++*count > heap->space.count)
            return "a bucket's ring is broken";
        number = chunk->right;
    } while (number != head);
    return NULL;
}

static const char *check(const struct tn_heap *heap)
{
    uint32_t in_rings = 0, count = 0;
    for (unsigned bucket = 0; bucket < BUCKETS_MAX; bucket++) {
        const char *fault = check_bucket(heap, bucket, &in_rings);
        if (fault != NULL)
            return fault;
    }
    for (uint32_t number = heap->space.first; number != 0; number = tn_extent(&heap->space, number)->after) {
        if (!tn_extent_is_free(&heap->space, number))
            continue;
        if (tn_extent_is_free(&heap->space, tn_extent(&heap->space, number)->after))
            return "two free chunks touch";
        if (tn_extent(&heap->space, number)->is_indexed == is_solo(heap, number))
            return "a free chunk is in no bucket";
        count += tn_extent(&heap->space, number)->is_indexed;
    }
    return count == in_rings ? NULL : "the buckets do not hold exactly the free chunks";
}

const struct tn_policy tn_policy_zephyr = {
    .name = "zephyr",
    .summary = "Zephyr's sys_heap: a few tries in the list of the size, else the next list",
    .state_bytes = sizeof(struct zephyr),
    .open = open,
    .need = need,
    .place = place,
    .release = release,
    .resize = resize,
    .check = check,
};
