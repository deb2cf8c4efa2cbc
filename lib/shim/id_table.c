/* SPDX-License-Identifier: MIT */

/* The writer's side of the table: open addressing, linear probing, at most half full. Invariant: a reader
 * without a lock finds a key with its value, or misses it; never a half-written pair. Callers hold the
 * control lock. */

#include "id_table.h"

#include "sys.h"

#include <errno.h>

#include "banned.h"

static struct tn_id_table_body *make_body(uint64_t pair_count)
{
    size_t size_bytes = sizeof(struct tn_id_table_body) + pair_count * sizeof(struct tn_pair);
    struct tn_id_table_body *body = tn_map_pages(size_bytes);
    if (body == NULL)
        return NULL;
    body->size_bytes = size_bytes;
    tn_prefer_huge_pages(body, size_bytes);
    body->mask = pair_count - 1;
    body->shift = 64 - (uint64_t)__builtin_ctzll(pair_count);
    return body;
}

static void insert(struct tn_id_table_body *body, uint64_t key, uint64_t value)
{
    uint64_t at = key * UINT64_C(0x9e3779b97f4a7c15) >> body->shift;
    uint64_t there;
    while ((there = atomic_load_explicit(&body->pair[at].key, memory_order_relaxed)) != 0 && there != key)
        at = (at + 1) & body->mask;
    atomic_store_explicit(&body->pair[at].value, value, memory_order_release);
    if (there == key)
        return;
    body->used++;
    atomic_store_explicit(&body->pair[at].key, key, memory_order_release);
}

int tn_id_table_open(struct tn_id_table *table, uint64_t pair_count)
{
    struct tn_id_table_body *body = make_body(pair_count);
    if (body == NULL)
        return -ENOMEM;
    atomic_store_explicit(&table->body, body, memory_order_release);
    return 0;
}

static struct tn_id_table_body *grow(struct tn_id_table *table, struct tn_id_table_body *old)
{
    struct tn_id_table_body *body = make_body((old->mask + 1) * 2);
    if (body == NULL)
        return NULL;
    for (uint64_t at = 0; at <= old->mask; at++) {
        uint64_t key = atomic_load_explicit(&old->pair[at].key, memory_order_relaxed);
        uint64_t value = atomic_load_explicit(&old->pair[at].value, memory_order_relaxed);
        if (value != 0)
            insert(body, key, value);
    }
    atomic_store_explicit(&table->body, body, memory_order_release);
    return body;
}

int tn_id_table_put(struct tn_id_table *table, uint64_t key, uint64_t value)
{
    struct tn_id_table_body *body = atomic_load_explicit(&table->body, memory_order_relaxed);
    /* Half full at most: a miss costs as little as a hit, and both end at a free pair. */
    if (body->used * 2 > body->mask)
        body = grow(table, body);
    if (body == NULL)
        return -ENOMEM;
    insert(body, key, value);
    return 0;
}

void tn_id_table_forget(struct tn_id_table *table)
{
    struct tn_id_table_body *body = atomic_load_explicit(&table->body, memory_order_relaxed);
    for (uint64_t at = 0; body != NULL && at <= body->mask; at++)
        atomic_store_explicit(&body->pair[at].value, 0, memory_order_release);
}

uint64_t tn_id_table_count(const struct tn_id_table *table)
{
    const struct tn_id_table_body *body = atomic_load_explicit(&table->body, memory_order_acquire);
    return body != NULL ? body->used : 0;
}
