/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MAP_H
#define TENURE_MAP_H

/* Hash map from a 64-bit key to a 64-bit value: open addressing, linear probing, no tombstones (removal
 * shifts back). Key 0 is not allowed (no address, id or hash here is 0). One thread at a time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_map_entry {
    uint64_t key;   /* 0: empty */
    uint64_t value; /* the caller's */
};

/* Zeroed is empty. Invariant: count <= 3/4 of capacity; capacity is 0 or a power of two. */
struct tn_map {
    struct tn_map_entry *entries; /* owned */
    size_t capacity;              /* slots */
    size_t count;                 /* used slots */
};

/* Where the value of key stands, or NULL. Valid until the next put or remove. Cost O(1). */
uint64_t *tn_map_find(const struct tn_map *map, uint64_t key);

/* Set key to value, old or new. Returns 0 or -ENOMEM (map unchanged). Amortised O(1). */
int tn_map_put(struct tn_map *map, uint64_t key, uint64_t value);

/* Remove key. Returns whether it was there; ret_value (may be NULL) gets its value. */
bool tn_map_remove(struct tn_map *map, uint64_t key, uint64_t *ret_value);

/* Check every invariant; for tests. Cost O(capacity). */
bool tn_map_is_valid(const struct tn_map *map);

/* Release the memory; the map is empty again. */
void tn_map_finish(struct tn_map *map);

/* A 64-bit mix, for making keys out of several numbers. */
static inline uint64_t tn_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    return x;
}

/* Ask for the cache line where the search for a key begins. Any key will do. */
static inline void tn_map_expect(const struct tn_map *map, uint64_t key)
{
    if (map->capacity != 0)
        __builtin_prefetch(&map->entries[tn_mix(key) & (map->capacity - 1)]);
}

#endif
