/* SPDX-License-Identifier: MIT */
#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>

static size_t home(const struct tn_map *map, uint64_t key)
{
    return (size_t)tn_mix(key) & (map->capacity - 1);
}

static struct tn_map_entry *locate(const struct tn_map *map, uint64_t key)
{
    size_t i = home(map, key);
    while (map->entries[i].key != 0 && map->entries[i].key != key)
        i = (i + 1) & (map->capacity - 1);
    return &map->entries[i];
}

static int grow(struct tn_map *map)
{
    struct tn_map wider = {.capacity = map->capacity != 0 ? map->capacity * 2 : 64, .count = map->count};
    wider.entries = calloc(wider.capacity, sizeof(wider.entries[0]));
    if (wider.entries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].key != 0)
            *locate(&wider, map->entries[i].key) = map->entries[i];
    free(map->entries);
    *map = wider;
    return 0;
}

uint64_t *tn_map_find(const struct tn_map *map, uint64_t key)
{
    if (map->count == 0)
        return NULL;
    struct tn_map_entry *entry = locate(map, key);
    return entry->key != 0 ? &entry->value : NULL;
}

int tn_map_put(struct tn_map *map, uint64_t key, uint64_t value)
{
    if (key == 0)
        return -EINVAL;
    if (map->capacity == 0 || (map->count + 1) * 4 > map->capacity * 3) {
        int r = grow(map);
        if (r < 0)
            return r;
    }
    struct tn_map_entry *entry = locate(map, key);
    if (entry->key == 0)
        map->count++;
    *entry = (struct tn_map_entry){key, value};
    return 0;
}

/* Linear probing without tombstones: an entry behind the hole moves into it unless its home lies cyclically
 * after the hole (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). */
static void close_gap(struct tn_map *map, size_t hole)
{
    size_t mask = map->capacity - 1;
    for (size_t i = (hole + 1) & mask; map->entries[i].key != 0; i = (i + 1) & mask) {
        size_t from_home = (i - home(map, map->entries[i].key)) & mask;
        if (from_home < ((i - hole) & mask))
            continue;
        map->entries[hole] = map->entries[i];
        hole = i;
    }
    map->entries[hole] = (struct tn_map_entry){0};
}

bool tn_map_remove(struct tn_map *map, uint64_t key, uint64_t *ret_value)
{
    if (map->count == 0)
        return false;
    struct tn_map_entry *entry = locate(map, key);
    if (entry->key == 0)
        return false;
    if (ret_value != NULL)
        *ret_value = entry->value;
    map->count--;
    close_gap(map, (size_t)(entry - map->entries));
    return true;
}

bool tn_map_is_valid(const struct tn_map *map)
{
    size_t count = 0;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].key == 0)
            continue;
        count++;
        if (locate(map, map->entries[i].key) != &map->entries[i])
            return false;
    }
    return count == map->count && (map->capacity & (map->capacity - 1)) == 0 &&
           count * 4 <= map->capacity * 3;
}

void tn_map_finish(struct tn_map *map)
{
    free(map->entries);
    *map = (struct tn_map){0};
}
