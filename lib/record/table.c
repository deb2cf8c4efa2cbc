/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>

#define PART_CAPACITY_MIN 16u

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

static bool make_room(struct tn_table_part *part)
{
    if (((uint64_t)part->count + 1) * 5 <= (uint64_t)part->capacity * 4)
        return true;
    uint64_t capacity = part->capacity + (uint64_t)part->capacity / 3 + 1;
    if (capacity < PART_CAPACITY_MIN)
        capacity = PART_CAPACITY_MIN;
    return capacity <= UINT32_MAX && resize(part, (uint32_t)capacity);
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
    if (part->capacity > PART_CAPACITY_MIN && (uint64_t)part->count * 3 < part->capacity)
        resize(part, part->capacity / 2 > PART_CAPACITY_MIN ? part->capacity / 2 : PART_CAPACITY_MIN);
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
        if (count != part->count || (uint64_t)count * 5 > (uint64_t)part->capacity * 4)
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
