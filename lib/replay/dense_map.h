/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPLAY_DENSE_MAP_H
#define TENURE_REPLAY_DENSE_MAP_H

/* A map from small numbers to values, as the events of a trace have them: an array where keys are small, a
 * hash map for the rest. Half the time of a replay went into hashing ids that were small all along.
 * One thread at a time. */

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Keys below it are kept in the array: 8 MiB at most. */
#define TN_DENSE_KEYS (1u << 20)

/* What an entry of the array holds while its key is not there; no value is so high. */
#define TN_DENSE_ABSENT UINT64_MAX

/* Zeroed is empty. */
struct tn_dense_map {
    uint64_t *values;   /* owned; by key; TN_DENSE_ABSENT: not there */
    size_t value_count; /* length of values, at most TN_DENSE_KEYS */
    struct tn_map rest; /* the keys from TN_DENSE_KEYS on */
};

/* The value of a key.
 *
 * key      > 0
 * Returns  where it is, valid until the next put or remove; NULL: the key is not there */
static inline uint64_t *tn_dense_map_find(const struct tn_dense_map *map, uint64_t key)
{
    if (key >= TN_DENSE_KEYS)
        return tn_map_find(&map->rest, key);
    if (key >= map->value_count || map->values[key] == TN_DENSE_ABSENT)
        return NULL;
    return &map->values[key];
}

/* Make the array long enough for a key below TN_DENSE_KEYS. Returns 0 or -ENOMEM. */
static inline int tn_dense_map_widen(struct tn_dense_map *map, uint64_t key)
{
    size_t count = map->value_count != 0 ? map->value_count : 256;
    while (count <= key)
        count *= 2;
    uint64_t *values = realloc(map->values, count * sizeof(values[0]));
    if (values == NULL)
        return -ENOMEM;
    memset(values + map->value_count, 0xff, (count - map->value_count) * sizeof(values[0]));
    map->values = values;
    map->value_count = count;
    return 0;
}

/* Set the value of a key, whether it is there already or not.
 *
 * key      > 0
 * value    below TN_DENSE_ABSENT
 * Returns  0; -ENOMEM (map unchanged) */
static inline int tn_dense_map_put(struct tn_dense_map *map, uint64_t key, uint64_t value)
{
    if (key >= TN_DENSE_KEYS)
        return tn_map_put(&map->rest, key, value);
    if (key >= map->value_count && tn_dense_map_widen(map, key) < 0)
        return -ENOMEM;
    map->values[key] = value;
    return 0;
}

/* Remove a key.
 *
 * key        > 0
 * ret_value  its value, if it was there
 * Returns    whether it was there */
static inline bool tn_dense_map_remove(struct tn_dense_map *map, uint64_t key, uint64_t *ret_value)
{
    if (key >= TN_DENSE_KEYS)
        return tn_map_remove(&map->rest, key, ret_value);
    if (key >= map->value_count || map->values[key] == TN_DENSE_ABSENT)
        return false;
    *ret_value = map->values[key];
    map->values[key] = TN_DENSE_ABSENT;
    return true;
}

/* Release what the map holds; it is empty again. Zeroed is fine. */
static inline void tn_dense_map_finish(struct tn_dense_map *map)
{
    free(map->values);
    tn_map_finish(&map->rest);
    *map = (struct tn_dense_map){0};
}

#endif
