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

/* The value of a key.
 *
 * Returns  where it is, valid until the next put or remove; NULL: the key is not there
 * Cost     O(1) */
uint64_t *tn_map_find(const struct tn_map *map, uint64_t key);

/* Set the value of a key, whether it is there already or not.
 *
 * Returns  0; -ENOMEM (map unchanged)
 * Cost     O(1), amortised */
int tn_map_put(struct tn_map *map, uint64_t key, uint64_t value);

/* Remove a key.
 *
 * ret_value  its value, if it was there; may be NULL
 * Returns    whether it was there */
bool tn_map_remove(struct tn_map *map, uint64_t key, uint64_t *ret_value);

/* Check every invariant; for tests.
 *
 * Cost     O(capacity) */
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

/* Prefetch the cache line where the search for a key begins. The key need not be there, and may be 0. */
static inline void tn_map_expect(const struct tn_map *map, uint64_t key)
{
    if (map->capacity != 0)
        __builtin_prefetch(&map->entries[tn_mix(key) & (map->capacity - 1)]);
}

#endif
