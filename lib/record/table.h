/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_TABLE_H
#define TN_RECORD_TABLE_H

/* The live allocations of one process: address -> id. Open addressing in 256 parts that grow and shrink by
 * themselves, large ones by a third at a time, so that the whole costs 21 to 29 bytes a live allocation, or 4
 * MB, also while it grows, and no single step takes longer than a 256th of a rebuild. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_TABLE_PART_BITS 8
#define TN_TABLE_PARTS     (1u << TN_TABLE_PART_BITS)

struct tn_table_entry {
    uint64_t address; /* 0: empty */
    uint64_t value;   /* the matcher's */
};

/* Linear probing without tombstones. Invariant: count <= 2/3 of capacity. */
struct tn_table_part {
    struct tn_table_entry *entries; /* owned; NULL while capacity is 0 */
    uint32_t capacity;              /* slots; any number */
    uint32_t count;                 /* used slots */
};

/* Zeroed is empty. */
struct tn_table {
    struct tn_table_part parts[TN_TABLE_PARTS];
    size_t count; /* over all parts */
};

/* Multiplicative hashing: the top bits choose the part, the 32 below them the slot. */
static inline uint64_t tn_table_hash(uint64_t address)
{
    return address * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t tn_table_home(uint64_t hash, uint32_t capacity)
{
    return (uint32_t)((hash << TN_TABLE_PART_BITS >> 32) * capacity >> 32);
}

/* Ask for the line where address would stand; any value is fine, also one that is no address. Always inline:
 * gcc 12 takes a function that only asks for lines for one without effects, and leaves the calls out. */
static inline __attribute__((always_inline)) void tn_table_prefetch(const struct tn_table *table,
                                                                    uint64_t address)
{
    uint64_t hash = tn_table_hash(address);
    const struct tn_table_part *part = &table->parts[hash >> (64 - TN_TABLE_PART_BITS)];
    __builtin_prefetch(part->entries + tn_table_home(hash, part->capacity), 1);
}

/* The entry of an address, or NULL. Valid until the next claim or remove. */
static inline struct tn_table_entry *tn_table_find(const struct tn_table *table, uint64_t address)
{
    uint64_t hash = tn_table_hash(address);
    const struct tn_table_part *part = &table->parts[hash >> (64 - TN_TABLE_PART_BITS)];
    if (part->count == 0)
        return NULL;
    uint32_t i = tn_table_home(hash, part->capacity);
    while (part->entries[i].address != address) {
        if (part->entries[i].address == 0)
            return NULL;
        if (++i == part->capacity)
            i = 0;
    }
    return &part->entries[i];
}

/* The entry of an address, made with value 0 if there is none. NULL when out of memory. address: not 0.
 * Valid until the next claim or remove. */
struct tn_table_entry *tn_table_claim(struct tn_table *table, uint64_t address);

/* Take out an entry that find or claim gave. */
void tn_table_remove(struct tn_table *table, struct tn_table_entry *entry);

/* Check every invariant; for tests. Cost O(capacity). */
bool tn_table_is_valid(const struct tn_table *table);

/* Bytes of memory that the entries take. */
size_t tn_table_bytes(const struct tn_table *table);

/* Release the memory; the table is empty again. */
void tn_table_finish(struct tn_table *table);

#endif
