/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_TABLE_H
#define TN_RECORD_TABLE_H

/* The live allocations of one process: address -> id. A hash of buckets, each a cache line with four entries:
 * nearly every look-up reads one line, and has no loop whose end the processor would have to guess. 256 parts
 * grow and shrink by themselves, by a third at a time, so that the whole costs 23 to 31 bytes a live
 * allocation also while it grows, and no single step takes longer than a 256th of a rebuild. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_TABLE_PART_BITS 8
#define TN_TABLE_PARTS     (1u << TN_TABLE_PART_BITS)
#define TN_TABLE_BUCKET    4u /* entries; a cache line */

struct tn_table_entry {
    uint64_t address; /* 0: empty */
    uint64_t value;   /* the matcher's */
};

/* An entry stands in its home bucket, or where that was full, in the next ones, round the end. */
struct tn_table_part {
    struct tn_table_entry *entries; /* owned; on a cache line; NULL while capacity is 0 */
    uint8_t *passed;                /* by bucket: entries that stand behind it, but began there or before it;
                                       255: that many or more, for good. In the memory of entries */
    uint32_t capacity;              /* entries; a multiple of TN_TABLE_BUCKET */
    uint32_t count;                 /* used ones */
    uint32_t most;                  /* that count may reach in this capacity: 7 in 10 */
    uint32_t least;                 /* below it, a smaller capacity does */
};

/* Zeroed is empty. */
struct tn_table {
    struct tn_table_part parts[TN_TABLE_PARTS];
    size_t count; /* over all parts */
};

/* Multiplicative hashing: the top bits choose the part, the 32 below them the bucket. */
static inline uint64_t tn_table_hash(uint64_t address)
{
    return address * UINT64_C(0x9e3779b97f4a7c15);
}

/* The bucket where an address begins, for a part with entries. */
static inline uint32_t tn_table_home(uint64_t hash, uint32_t capacity)
{
    return (uint32_t)((hash << TN_TABLE_PART_BITS >> 32) * (capacity / TN_TABLE_BUCKET) >> 32);
}

/* Ask for the line where address would stand; any value is fine, also one that is no address. Always inline:
 * gcc 12 takes a function that only asks for lines for one without effects, and leaves the calls out. */
static inline __attribute__((always_inline)) void tn_table_prefetch(const struct tn_table *table,
                                                                    uint64_t address)
{
    uint64_t hash = tn_table_hash(address);
    const struct tn_table_part *part = &table->parts[hash >> (64 - TN_TABLE_PART_BITS)];
    __builtin_prefetch(part->entries + (size_t)tn_table_home(hash, part->capacity) * TN_TABLE_BUCKET, 1);
}

/* Which entries of a bucket have this address, a bit each. The empty assembly keeps the compiler from testing
 * them one by one, with branches that nobody can foresee. */
static inline uint32_t tn_table_bits(const struct tn_table_entry *bucket, uint64_t address)
{
    uint32_t bits = (uint32_t)(bucket[0].address == address) | (uint32_t)(bucket[1].address == address) << 1 |
                    (uint32_t)(bucket[2].address == address) << 2 |
                    (uint32_t)(bucket[3].address == address) << 3;
    __asm__("" : "+r"(bits));
    return bits;
}

/* The slow half of tn_table_find: behind the home bucket. */
struct tn_table_entry *tn_table_find_behind(const struct tn_table_part *part, uint32_t home,
                                            uint64_t address);

/* The entry of an address, or NULL. address: not 0. Valid until the next claim or remove. */
static inline struct tn_table_entry *tn_table_find(const struct tn_table *table, uint64_t address)
{
    uint64_t hash = tn_table_hash(address);
    const struct tn_table_part *part = &table->parts[hash >> (64 - TN_TABLE_PART_BITS)];
    if (part->count == 0)
        return NULL;
    uint32_t home = tn_table_home(hash, part->capacity);
    struct tn_table_entry *bucket = part->entries + (size_t)home * TN_TABLE_BUCKET;
    uint32_t bits = tn_table_bits(bucket, address);
    if (__builtin_expect(bits != 0, 1))
        return bucket + __builtin_ctz(bits);
    return part->passed[home] != 0 ? tn_table_find_behind(part, home, address) : NULL;
}

/* The slow halves of tn_table_claim and tn_table_remove: a part that is full, a bucket that is. */
struct tn_table_entry *tn_table_claim_anyhow(struct tn_table *table, uint64_t address);
void tn_table_remove_anyhow(struct tn_table *table, struct tn_table_entry *entry);

/* The entry of an address, made with value 0 if there is none. NULL when out of memory. address: not 0.
 * Valid until the next claim or remove. */
static inline struct tn_table_entry *tn_table_claim(struct tn_table *table, uint64_t address)
{
    uint64_t hash = tn_table_hash(address);
    struct tn_table_part *part = &table->parts[hash >> (64 - TN_TABLE_PART_BITS)];
    if (__builtin_expect(part->count >= part->most, 0))
        return tn_table_claim_anyhow(table, address);
    uint32_t home = tn_table_home(hash, part->capacity);
    struct tn_table_entry *bucket = part->entries + (size_t)home * TN_TABLE_BUCKET;
    uint32_t free_bits = tn_table_bits(bucket, 0);
    if (__builtin_expect(tn_table_bits(bucket, address) != 0 || free_bits == 0 || part->passed[home] != 0, 0))
        return tn_table_claim_anyhow(table, address);
    struct tn_table_entry *entry = bucket + __builtin_ctz(free_bits);
    entry->address = address;
    part->count++;
    table->count++;
    return entry;
}

/* Take out an entry that find or claim gave. */
static inline void tn_table_remove(struct tn_table *table, struct tn_table_entry *entry)
{
    uint64_t hash = tn_table_hash(entry->address);
    struct tn_table_part *part = &table->parts[hash >> (64 - TN_TABLE_PART_BITS)];
    struct tn_table_entry *bucket =
        part->entries + (size_t)tn_table_home(hash, part->capacity) * TN_TABLE_BUCKET;
    if (__builtin_expect((size_t)(entry - bucket) >= TN_TABLE_BUCKET || part->count <= part->least, 0)) {
        tn_table_remove_anyhow(table, entry);
        return;
    }
    *entry = (struct tn_table_entry){0};
    part->count--;
    table->count--;
}

/* Check every invariant; for tests. Cost O(capacity). */
bool tn_table_is_valid(const struct tn_table *table);

/* Bytes of memory that the parts take. */
size_t tn_table_bytes(const struct tn_table *table);

/* Release the memory; the table is empty again. */
void tn_table_finish(struct tn_table *table);

#endif
