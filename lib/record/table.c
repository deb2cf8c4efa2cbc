/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>

#define PART_CAPACITY_MIN   16u
#define PART_CAPACITY_SMALL 128u /* smaller parts grow twofold, larger ones by a third */

static struct tn_table_part *part_of(struct tn_table *table, uint64_t address)
{
    return &table->parts[tn_table_hash(address) >> (64 - TN_TABLE_PART_BITS)];
}

static struct tn_table_entry *locate(const struct tn_table_part *part, uint64_t address)
{
    uint32_t i = tn_table_home(tn_table_hash(address), part->capacity);
    while (part->entries[i].address != 0 && part->entries[i].address != address)
        i = i + 1 == part->capacity ? 0 : i + 1;
    return &part->entries[i];
}

static bool resize(struct tn_table_part *part, uint32_t capacity)
{
    struct tn_table_part wanted = {.capacity = capacity, .count = part->count};
    wanted.entries = calloc(capacity, sizeof(wanted.entries[0]));
    if (wanted.entries == NULL)
        return false;
    for (uint32_t i = 0; i < part->capacity; i++)
        if (part->entries[i].address != 0)
            *locate(&wanted, part->entries[i].address) = part->entries[i];
    free(part->entries);
    *part = wanted;
    return true;
}

/* At most two thirds full: fuller ones take two and more wrong branches a look-up. */
static bool make_room(struct tn_table_part *part)
{
    uint64_t capacity = part->capacity;
    if (((uint64_t)part->count + 1) * 3 <= capacity * 2)
        return true;
    capacity += capacity < PART_CAPACITY_SMALL ? capacity : capacity / 3;
    if (capacity < PART_CAPACITY_MIN)
        capacity = PART_CAPACITY_MIN;
    return capacity <= UINT32_MAX && resize(part, (uint32_t)capacity);
}

/* A part that is not a third full, a small one not a quarter, is made one that is about half full: it has
 * room again either way. */
static void give_room_back(struct tn_table_part *part)
{
    bool is_small = part->capacity < 2 * PART_CAPACITY_SMALL;
    if ((uint64_t)part->count * (is_small ? 4 : 3) >= part->capacity || part->capacity <= PART_CAPACITY_MIN)
        return;
    uint32_t capacity = is_small ? part->capacity / 2 : part->capacity - part->capacity / 3;
    resize(part, capacity > PART_CAPACITY_MIN ? capacity : PART_CAPACITY_MIN);
}

struct tn_table_entry *tn_table_claim(struct tn_table *table, uint64_t address)
{
    struct tn_table_part *part = part_of(table, address);
    if (!make_room(part))
        return NULL;
    struct tn_table_entry *entry = locate(part, address);
    if (entry->address == 0) {
        entry->address = address;
        part->count++;
        table->count++;
    }
    return entry;
}

/* How far slot `to` lies behind slot `from`, going round. */
static uint32_t distance(const struct tn_table_part *part, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + part->capacity - from;
}

/* An entry behind the hole moves into it unless its home lies after the hole (Knuth, The Art of Computer
 * Programming 3, 6.4, algorithm R). */
static void close_gap(struct tn_table_part *part, uint32_t hole)
{
    uint32_t i = hole;
    for (;;) {
        i = i + 1 == part->capacity ? 0 : i + 1;
        uint64_t address = part->entries[i].address;
        if (address == 0)
            break;
        uint32_t home = tn_table_home(tn_table_hash(address), part->capacity);
        if (distance(part, home, i) < distance(part, hole, i))
            continue;
        part->entries[hole] = part->entries[i];
        hole = i;
    }
    part->entries[hole] = (struct tn_table_entry){0};
}

void tn_table_remove(struct tn_table *table, struct tn_table_entry *entry)
{
    struct tn_table_part *part = part_of(table, entry->address);
    close_gap(part, (uint32_t)(entry - part->entries));
    part->count--;
    table->count--;
    give_room_back(part);
}

bool tn_table_is_valid(const struct tn_table *table)
{
    size_t total = 0;
    for (size_t p = 0; p < TN_TABLE_PARTS; p++) {
        const struct tn_table_part *part = &table->parts[p];
        uint32_t count = 0;
        for (uint32_t i = 0; i < part->capacity; i++) {
            uint64_t address = part->entries[i].address;
            if (address == 0)
                continue;
            count++;
            if (tn_table_hash(address) >> (64 - TN_TABLE_PART_BITS) != p ||
                locate(part, address) != &part->entries[i])
                return false;
        }
        if (count != part->count || (uint64_t)count * 3 > (uint64_t)part->capacity * 2)
            return false;
        total += count;
    }
    return total == table->count;
}

size_t tn_table_bytes(const struct tn_table *table)
{
    size_t slots = 0;
    for (size_t p = 0; p < TN_TABLE_PARTS; p++)
        slots += table->parts[p].capacity;
    return slots * sizeof(struct tn_table_entry);
}

void tn_table_finish(struct tn_table *table)
{
    for (size_t p = 0; p < TN_TABLE_PARTS; p++)
        free(table->parts[p].entries);
    *table = (struct tn_table){0};
}
