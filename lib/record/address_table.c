/* SPDX-License-Identifier: MIT */
/* Growth, shrinking and overflow of the address table; what is done for each event is inline in the header.
 * Invariant: an entry stands in its home bucket, or in the nearest bucket behind it that had room, and each
 * bucket that it passed on the way counts it. Called by match.c and fast_path.c. */
#include "address_table.h"

#include <stdlib.h>
#include <string.h>

#define PART_CAPACITY_MIN   4u
#define PART_CAPACITY_SMALL 128u /* smaller parts grow twofold, larger ones by a third */
#define LINE_BYTES          64u
#define NOTE_BYTES          (sizeof(uint32_t) + sizeof(uint8_t))
#define PASSED_ONE          (UINT64_C(1) << 48)
#define PASSED_MAX          (UINT64_C(65535) << 48)

static struct tn_address_table_part *part_of(struct tn_address_table *table, uint64_t address)
{
    return &table->parts[tn_address_table_hash(address) >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
}

static size_t part_bytes(uint32_t capacity, bool has_notes)
{
    size_t entry_bytes = sizeof(struct tn_address_table_entry);
    size_t bytes = capacity * (entry_bytes + (has_notes ? NOTE_BYTES : 0));
    return (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

static uint32_t next_bucket(const struct tn_address_table_part *part, uint32_t bucket)
{
    return bucket + 1 == part->capacity / TN_ADDRESS_TABLE_BUCKET ? 0 : bucket + 1;
}

static struct tn_address_table_entry *entries_of(const struct tn_address_table_part *part, uint32_t bucket)
{
    return part->entries + (size_t)bucket * TN_ADDRESS_TABLE_BUCKET;
}

/* ---------------------------------------------------------------------------------------- one part */

/* An entry was placed behind this bucket, or one of those was removed. A saturated count stays as it is. */
static void pass(struct tn_address_table_entry *bucket)
{
    if (bucket->key < PASSED_MAX)
        bucket->key += PASSED_ONE;
}

static void unpass(struct tn_address_table_entry *bucket)
{
    if (bucket->key < PASSED_MAX)
        bucket->key -= PASSED_ONE;
}

/* The first empty entry at or behind a bucket, for an address that is not in the part. The part has room. */
static struct tn_address_table_entry *find_empty(struct tn_address_table_part *part, uint32_t bucket)
{
    uint32_t free_bits;
    while ((free_bits = tn_address_table_match(entries_of(part, bucket), 0)) == 0) {
        pass(entries_of(part, bucket));
        bucket = next_bucket(part, bucket);
    }
    return entries_of(part, bucket) + __builtin_ctz(free_bits);
}

static bool is_small(uint32_t capacity)
{
    return capacity < 2 * PART_CAPACITY_SMALL;
}

/* The count below which a part shrinks: a third of its capacity, a quarter of a small one, never for the
 * smallest. */
static uint32_t least_of(uint32_t capacity)
{
    uint32_t share = is_small(capacity) ? 4 : 3;
    return capacity > PART_CAPACITY_MIN ? (capacity + share - 1) / share : 0;
}

static void move_note(const struct tn_address_table_part *from, uint32_t at,
                      const struct tn_address_table_part *to, const struct tn_address_table_entry *entry)
{
    size_t to_at = (size_t)(entry - to->entries);
    tn_address_table_stacks(to)[to_at] = tn_address_table_stacks(from)[at];
    tn_address_table_sizes(to)[to_at] = tn_address_table_sizes(from)[at];
}

static bool resize(struct tn_address_table_part *part, uint32_t capacity, bool has_notes)
{
    capacity = (capacity + TN_ADDRESS_TABLE_BUCKET - 1) / TN_ADDRESS_TABLE_BUCKET * TN_ADDRESS_TABLE_BUCKET;
    struct tn_address_table_part wanted = {
        .capacity = capacity,
        .count = part->count,
        .most = (uint32_t)((uint64_t)capacity * 7 / 10),
        .least = least_of(capacity),
    };
    wanted.entries = aligned_alloc(LINE_BYTES, part_bytes(capacity, has_notes));
    if (wanted.entries == NULL)
        return false;
    memset(wanted.entries, 0, part_bytes(capacity, has_notes));
    for (uint32_t i = 0; i < part->capacity; i++) {
        uint64_t address = tn_address_table_address(&part->entries[i]);
        if (address == 0)
            continue;
        struct tn_address_table_entry *entry =
            find_empty(&wanted, tn_address_table_home(tn_address_table_hash(address), capacity));
        entry->key |= address;
        entry->value = part->entries[i].value;
        if (has_notes)
            move_note(part, i, &wanted, entry);
    }
    free(part->entries);
    *part = wanted;
    return true;
}

static bool make_room(struct tn_address_table_part *part, bool has_notes)
{
    uint64_t capacity = part->capacity;
    if (part->count < part->most)
        return true;
    capacity += capacity < PART_CAPACITY_SMALL ? capacity : capacity / 3;
    if (capacity < PART_CAPACITY_MIN)
        capacity = PART_CAPACITY_MIN;
    return capacity <= UINT32_MAX - TN_ADDRESS_TABLE_BUCKET && resize(part, (uint32_t)capacity, has_notes);
}

/* Shrink a part that holds too little, to about half full, so that the next births do not grow it again. */
static void give_room_back(struct tn_address_table_part *part, bool has_notes)
{
    if (part->count >= part->least)
        return;
    uint32_t capacity = is_small(part->capacity) ? part->capacity / 2 : part->capacity - part->capacity / 3;
    resize(part, capacity > PART_CAPACITY_MIN ? capacity : PART_CAPACITY_MIN, has_notes);
}

struct tn_address_table_entry *tn_address_table_find_overflow(const struct tn_address_table_part *part,
                                                              uint32_t home, uint64_t address)
{
    uint32_t bucket = home;
    for (uint32_t n = 0; tn_address_table_has_overflow(entries_of(part, bucket)) && n < part->capacity;
         n += TN_ADDRESS_TABLE_BUCKET) {
        bucket = next_bucket(part, bucket);
        uint32_t bits = tn_address_table_match(entries_of(part, bucket), address);
        if (bits != 0)
            return entries_of(part, bucket) + __builtin_ctz(bits);
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------------- the table */

struct tn_address_table_entry *tn_address_table_claim_slow(struct tn_address_table *table, uint64_t address)
{
    struct tn_address_table_part *part = part_of(table, address);
    if (!make_room(part, table->has_notes))
        return NULL;
    struct tn_address_table_entry *entry = tn_address_table_find(table, address);
    if (__builtin_expect(entry != NULL, 0))
        return entry;
    entry = find_empty(part, tn_address_table_home(tn_address_table_hash(address), part->capacity));
    entry->key |= address;
    part->count++;
    table->count++;
    return entry;
}

void tn_address_table_remove_slow(struct tn_address_table *table, struct tn_address_table_entry *entry)
{
    uint64_t address = tn_address_table_address(entry);
    struct tn_address_table_part *part = part_of(table, address);
    uint32_t bucket = (uint32_t)(entry - part->entries) / TN_ADDRESS_TABLE_BUCKET;
    uint32_t home = tn_address_table_home(tn_address_table_hash(address), part->capacity);
    for (; home != bucket; home = next_bucket(part, home))
        unpass(entries_of(part, home));
    entry->key -= address;
    entry->value = 0;
    part->count--;
    table->count--;
    give_room_back(part, table->has_notes);
}

static bool is_part_valid(const struct tn_address_table *table, size_t number, uint32_t *ret_count)
{
    const struct tn_address_table_part *part = &table->parts[number];
    uint32_t count = 0;
    for (uint32_t i = 0; i < part->capacity; i++) {
        uint64_t address = tn_address_table_address(&part->entries[i]);
        if (address == 0)
            continue;
        count++;
        if (tn_address_table_hash(address) >> (64 - TN_ADDRESS_TABLE_PART_BITS) != number ||
            tn_address_table_find(table, address) != &part->entries[i])
            return false;
    }
    *ret_count = count;
    return count == part->count && count <= part->most;
}

bool tn_address_table_is_valid(const struct tn_address_table *table)
{
    size_t total = 0;
    for (size_t p = 0; p < TN_ADDRESS_TABLE_PARTS; p++) {
        uint32_t count;
        if (!is_part_valid(table, p, &count))
            return false;
        total += count;
    }
    return total == table->count;
}

size_t tn_address_table_bytes(const struct tn_address_table *table)
{
    size_t bytes = 0;
    for (size_t p = 0; p < TN_ADDRESS_TABLE_PARTS; p++)
        bytes += part_bytes(table->parts[p].capacity, table->has_notes);
    return bytes;
}

void tn_address_table_finish(struct tn_address_table *table)
{
    for (size_t p = 0; p < TN_ADDRESS_TABLE_PARTS; p++)
        free(table->parts[p].entries);
    *table = (struct tn_address_table){0};
}
