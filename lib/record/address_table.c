/* SPDX-License-Identifier: MIT */
/* Growth, shrinking and overflow of the address table; what is done for each event is inline in the header.
 * Invariant: an entry stands in its home bucket, or in the nearest bucket behind it that had room, and each
 * bucket that it passed on the way counts it. Called by match.c and fast_path.c. */
#include "address_table.h"

#include <stdlib.h>
#include <string.h>

#define PART_BUCKETS_MIN   1u
#define PART_BUCKETS_SMALL 32u /* smaller parts grow twofold, larger ones by a third */

static struct tn_address_table_part *part_of(struct tn_address_table *table, uint64_t address)
{
    return &table->parts[tn_address_table_hash(address) >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
}

static size_t part_bytes(uint32_t bucket_count)
{
    return bucket_count * sizeof(struct tn_address_table_bucket);
}

static uint32_t next_bucket(const struct tn_address_table_part *part, uint32_t bucket)
{
    return bucket + 1 == part->bucket_count ? 0 : bucket + 1;
}

/* ---------------------------------------------------------------------------------------- one part */

/* An entry was placed behind this bucket, or one of those was removed. A saturated count stays as it is. */
static void pass(struct tn_address_table_bucket *bucket)
{
    if (bucket->passed != UINT32_MAX)
        bucket->passed++;
}

static void unpass(struct tn_address_table_bucket *bucket)
{
    if (bucket->passed != UINT32_MAX)
        bucket->passed--;
}

/* The first empty entry at or behind a bucket, for an address that is not in the part. The part has room. */
static struct tn_address_table_entry *find_empty(struct tn_address_table_part *part, uint32_t bucket)
{
    uint32_t free_bits;
    while ((free_bits = tn_address_table_match(&part->buckets[bucket], 0)) == 0) {
        pass(&part->buckets[bucket]);
        bucket = next_bucket(part, bucket);
    }
    return &part->buckets[bucket].entries[__builtin_ctz(free_bits)];
}

static bool is_small(uint32_t bucket_count)
{
    return bucket_count < 2 * PART_BUCKETS_SMALL;
}

/* The count below which a part shrinks: a third of its entries, a quarter of a small one's, never for the
 * smallest. */
static uint32_t least_of(uint32_t bucket_count)
{
    uint32_t share = is_small(bucket_count) ? 4 : 3;
    uint32_t entries = bucket_count * TN_ADDRESS_TABLE_BUCKET;
    return bucket_count > PART_BUCKETS_MIN ? (entries + share - 1) / share : 0;
}

/* Move a bucket's entries to another part, which has room. */
static void move_entries(const struct tn_address_table_bucket *from, struct tn_address_table_part *to)
{
    for (uint32_t i = 0; i < TN_ADDRESS_TABLE_BUCKET; i++) {
        uint64_t address = tn_address_table_address(&from->entries[i]);
        if (address == 0)
            continue;
        struct tn_address_table_entry *entry =
            find_empty(to, tn_address_table_home(tn_address_table_hash(address), to->bucket_count));
        struct tn_address_table_bucket *bucket = tn_address_table_bucket_of(entry);
        uint32_t index = tn_address_table_index(entry);
        tn_address_table_set_address(entry, address);
        entry->value = from->entries[i].value;
        bucket->stacks[index] = from->stacks[i];
        bucket->sizes[index] = from->sizes[i];
    }
}

static bool resize(struct tn_address_table_part *part, uint32_t bucket_count)
{
    struct tn_address_table_part wanted = {
        .bucket_count = bucket_count,
        .count = part->count,
        .most = (uint32_t)((uint64_t)bucket_count * TN_ADDRESS_TABLE_BUCKET * 7 / 10),
        .least = least_of(bucket_count),
    };
    wanted.buckets = aligned_alloc(sizeof(wanted.buckets[0]), part_bytes(bucket_count));
    if (wanted.buckets == NULL)
        return false;
    memset(wanted.buckets, 0, part_bytes(bucket_count));
    for (uint32_t i = 0; i < part->bucket_count; i++)
        move_entries(&part->buckets[i], &wanted);
    free(part->buckets);
    *part = wanted;
    return true;
}

static bool make_room(struct tn_address_table_part *part)
{
    uint64_t count = part->bucket_count;
    if (part->count < part->most)
        return true;
    count += count < PART_BUCKETS_SMALL ? count : count / 3;
    if (count < PART_BUCKETS_MIN)
        count = PART_BUCKETS_MIN;
    return count <= UINT32_MAX / TN_ADDRESS_TABLE_BUCKET && resize(part, (uint32_t)count);
}

/* Shrink a part that holds too little, to about half full, so that the next births do not grow it again. */
static void give_room_back(struct tn_address_table_part *part)
{
    if (part->count >= part->least)
        return;
    uint32_t count = part->bucket_count;
    count = is_small(count) ? count / 2 : count - count / 3;
    resize(part, count > PART_BUCKETS_MIN ? count : PART_BUCKETS_MIN);
}

struct tn_address_table_entry *tn_address_table_find_overflow(const struct tn_address_table_part *part,
                                                              uint32_t home, uint64_t address)
{
    uint32_t bucket = home;
    for (uint32_t n = 0; part->buckets[bucket].passed != 0 && n < part->bucket_count; n++) {
        bucket = next_bucket(part, bucket);
        uint32_t bits = tn_address_table_match(&part->buckets[bucket], address);
        if (bits != 0)
            return &part->buckets[bucket].entries[__builtin_ctz(bits)];
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------------- the table */

struct tn_address_table_entry *tn_address_table_claim_slow(struct tn_address_table *table, uint64_t address)
{
    struct tn_address_table_part *part = part_of(table, address);
    if (!make_room(part))
        return NULL;
    struct tn_address_table_entry *entry = tn_address_table_find(table, address);
    if (__builtin_expect(entry != NULL, 0))
        return entry;
    entry = find_empty(part, tn_address_table_home(tn_address_table_hash(address), part->bucket_count));
    tn_address_table_set_address(entry, address);
    part->count++;
    table->count++;
    table->address_bits |= address;
    return entry;
}

void tn_address_table_remove_slow(struct tn_address_table *table, struct tn_address_table_entry *entry)
{
    uint64_t address = tn_address_table_address(entry);
    struct tn_address_table_part *part = part_of(table, address);
    uint32_t bucket = (uint32_t)(tn_address_table_bucket_of(entry) - part->buckets);
    uint32_t home = tn_address_table_home(tn_address_table_hash(address), part->bucket_count);
    for (; home != bucket; home = next_bucket(part, home))
        unpass(&part->buckets[home]);
    tn_address_table_set_address(entry, 0);
    entry->value = 0;
    part->count--;
    table->count--;
    give_room_back(part);
}

static bool is_part_valid(const struct tn_address_table *table, size_t number, uint32_t *ret_count)
{
    const struct tn_address_table_part *part = &table->parts[number];
    uint32_t count = 0;
    for (uint32_t i = 0; i < part->bucket_count * TN_ADDRESS_TABLE_BUCKET; i++) {
        const struct tn_address_table_entry *entry =
            &part->buckets[i / TN_ADDRESS_TABLE_BUCKET].entries[i % TN_ADDRESS_TABLE_BUCKET];
        uint64_t address = tn_address_table_address(entry);
        if (address == 0)
            continue;
        count++;
        if (tn_address_table_hash(address) >> (64 - TN_ADDRESS_TABLE_PART_BITS) != number ||
            tn_address_table_find(table, address) != entry)
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
        bytes += part_bytes(table->parts[p].bucket_count);
    return bytes;
}

void tn_address_table_finish(struct tn_address_table *table)
{
    for (size_t p = 0; p < TN_ADDRESS_TABLE_PARTS; p++)
        free(table->parts[p].buckets);
    *table = (struct tn_address_table){0};
}
