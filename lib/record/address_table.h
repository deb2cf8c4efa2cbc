/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_ADDRESS_TABLE_H
#define TN_RECORD_ADDRESS_TABLE_H

/* The live allocations of one process: address -> id. An open-addressed hash of buckets, each one cache line
 * of four entries: nearly every look-up reads one line and has no loop whose end the branch predictor would
 * have to guess. The table is split into 256 parts that grow and shrink independently, by a third at a time,
 * so that it takes 23 to 31 bytes a live allocation even while it grows, and no step costs more than a 256th
 * of a rebuild. With notes, which links need, it takes up to 40. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TN_ADDRESS_TABLE_PART_BITS 8
#define TN_ADDRESS_TABLE_PARTS     (1u << TN_ADDRESS_TABLE_PART_BITS)
#define TN_ADDRESS_TABLE_BUCKET    4u /* entries; a cache line */

#define TN_ADDRESS_TABLE_KEY_MASK ((UINT64_C(1) << 48) - 1)

/* key: bits 0 to 47 are the address, 0 in an empty entry. Bits 48 to 63 of a bucket's first entry count the
 * entries that belong to this bucket or one before it, but stand behind it; 65,535 is that many or more, and
 * never falls again. */
struct tn_address_table_entry {
    uint64_t key;
    uint64_t value; /* the matcher's; 0 in an empty entry */
};

/* What is known of the block beside its id. Notes lie apart from the entries, packed: most look-ups do not
 * need them, and they take 5 bytes each. */
struct tn_address_table_note {
    uint32_t stack_id;   /* row of `stack` that asked for the block; 0: none was taken */
    uint32_t size_bytes; /* asked for, rounded down: to 8 bytes, from 1 KiB on by up to an eighth */
};

/* An entry stands in its home bucket, or, if that was full, in the next one with room, wrapping around. */
struct tn_address_table_part {
    struct tn_address_table_entry *entries; /* owned; on a cache line; NULL while capacity is 0; behind
                                               them, where the table has notes, these */
    uint32_t capacity;                      /* entries; a multiple of TN_ADDRESS_TABLE_BUCKET */
    uint32_t count;                         /* used ones */
    uint32_t most;                          /* count at which the part grows: 7 in 10 of capacity */
    uint32_t least;                         /* count below which the part shrinks */
};

/* Zeroed is empty. */
struct tn_address_table {
    struct tn_address_table_part parts[TN_ADDRESS_TABLE_PARTS];
    size_t count;   /* over all parts */
    bool has_notes; /* set before the first entry */
};

/* Multiplicative hashing: the top bits choose the part, the 32 below them the bucket. */
static inline uint64_t tn_address_table_hash(uint64_t address)
{
    return address * UINT64_C(0x9e3779b97f4a7c15);
}

/* The home bucket of an address, in a part of this capacity (entries). */
static inline uint32_t tn_address_table_home(uint64_t hash, uint32_t capacity)
{
    return (uint32_t)((hash << TN_ADDRESS_TABLE_PART_BITS >> 32) * capacity >> 34);
}

static inline uint64_t tn_address_table_address(const struct tn_address_table_entry *entry)
{
    return entry->key & TN_ADDRESS_TABLE_KEY_MASK;
}

/* Whether entries of this bucket, or of one before it, stand behind it. */
static inline bool tn_address_table_has_overflow(const struct tn_address_table_entry *bucket)
{
    return bucket->key > TN_ADDRESS_TABLE_KEY_MASK;
}

/* A size in 8 bits: below 128 in units of 8 bytes, from there on 8 steps for each power of two, up to 60 MiB.
 */
static inline uint8_t tn_address_table_size_code(uint64_t size_bytes)
{
    if (size_bytes < 1024)
        return (uint8_t)(size_bytes / 8);
    uint32_t power = 63u - (uint32_t)__builtin_clzll(size_bytes);
    uint32_t code = 128 + (power - 10) * 8 + (uint32_t)(size_bytes >> (power - 3) & 7);
    return code < UINT8_MAX ? (uint8_t)code : UINT8_MAX;
}

static inline uint32_t tn_address_table_size_of(uint8_t code)
{
    if (code < 128)
        return code * 8u;
    return (8u + code % 8u) << ((code - 128u) / 8u + 7);
}

/* The stack ids behind the entries of a part, and behind them the codes of the sizes. */
static inline uint32_t *tn_address_table_stacks(const struct tn_address_table_part *part)
{
    return (uint32_t *)(void *)(part->entries + part->capacity);
}

static inline uint8_t *tn_address_table_sizes(const struct tn_address_table_part *part)
{
    return (uint8_t *)(tn_address_table_stacks(part) + part->capacity);
}

static inline const struct tn_address_table_part *
tn_address_table_part_of(const struct tn_address_table *table, const struct tn_address_table_entry *entry)
{
    uint64_t hash = tn_address_table_hash(tn_address_table_address(entry));
    return &table->parts[hash >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
}

/* The note of an entry that find or claim gave, of a table that has notes. */
static inline struct tn_address_table_note tn_address_table_note(const struct tn_address_table *table,
                                                                 const struct tn_address_table_entry *entry)
{
    const struct tn_address_table_part *part = tn_address_table_part_of(table, entry);
    size_t at = (size_t)(entry - part->entries);
    return (struct tn_address_table_note){tn_address_table_stacks(part)[at],
                                          tn_address_table_size_of(tn_address_table_sizes(part)[at])};
}

/* Set it. size_bytes: as asked for. */
static inline void tn_address_table_set_note(struct tn_address_table *table,
                                             const struct tn_address_table_entry *entry, uint32_t stack_id,
                                             uint64_t size_bytes)
{
    const struct tn_address_table_part *part = tn_address_table_part_of(table, entry);
    size_t at = (size_t)(entry - part->entries);
    tn_address_table_stacks(part)[at] = stack_id;
    tn_address_table_sizes(part)[at] = tn_address_table_size_code(size_bytes);
}

/* Prefetch the line of an address; any value is fine. Always inline: gcc 12 takes a function that only
 * prefetches for one without effects, and drops the calls. */
static inline __attribute__((always_inline)) void
tn_address_table_prefetch(const struct tn_address_table *table, uint64_t address)
{
    uint64_t hash = tn_address_table_hash(address);
    const struct tn_address_table_part *part = &table->parts[hash >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
    size_t at = (size_t)tn_address_table_home(hash, part->capacity) * TN_ADDRESS_TABLE_BUCKET;
    __builtin_prefetch((const void *)((uintptr_t)part->entries + at * sizeof(part->entries[0])), 1);
}

/* Bit mask of the entries of a bucket that have this address; without branches, which would be unpredictable.
 */
#ifdef __SSE2__
static inline uint32_t tn_address_table_match(const struct tn_address_table_entry *bucket, uint64_t address)
{
    const __m128i *entries = (const void *)bucket;
    __m128i first = _mm_unpacklo_epi32(_mm_load_si128(entries), _mm_load_si128(entries + 1));
    __m128i second = _mm_unpacklo_epi32(_mm_load_si128(entries + 2), _mm_load_si128(entries + 3));
    __m128i low = _mm_unpacklo_epi64(first, second);
    __m128i high = _mm_and_si128(_mm_unpackhi_epi64(first, second), _mm_set_epi32(-1, -1, -1, 0xffff));
    __m128i is_low = _mm_cmpeq_epi32(low, _mm_set1_epi32((int)(uint32_t)address));
    __m128i is_high = _mm_cmpeq_epi32(high, _mm_set1_epi32((int)(uint32_t)(address >> 32)));
    return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(_mm_and_si128(is_low, is_high)));
}
#else
static inline uint32_t tn_address_table_match(const struct tn_address_table_entry *bucket, uint64_t address)
{
    uint32_t bits = (uint32_t)(tn_address_table_address(bucket) == address) |
                    (uint32_t)(bucket[1].key == address) << 1 | (uint32_t)(bucket[2].key == address) << 2 |
                    (uint32_t)(bucket[3].key == address) << 3;
    /* Keeps the compiler from turning this into branches. */
    __asm__("" : "+r"(bits));
    return bits;
}
#endif

/* The slow half of tn_address_table_find: search the buckets behind the home bucket. */
struct tn_address_table_entry *tn_address_table_find_overflow(const struct tn_address_table_part *part,
                                                              uint32_t home, uint64_t address);

/* The entry of an address, or NULL. address: not 0, below 2^48. Valid until the next claim or remove. */
static inline struct tn_address_table_entry *tn_address_table_find(const struct tn_address_table *table,
                                                                   uint64_t address)
{
    uint64_t hash = tn_address_table_hash(address);
    const struct tn_address_table_part *part = &table->parts[hash >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
    if (part->count == 0)
        return NULL;
    uint32_t home = tn_address_table_home(hash, part->capacity);
    struct tn_address_table_entry *bucket = part->entries + (size_t)home * TN_ADDRESS_TABLE_BUCKET;
    uint32_t bits = tn_address_table_match(bucket, address);
    if (__builtin_expect(bits != 0, 1))
        return bucket + __builtin_ctz(bits);
    return tn_address_table_has_overflow(bucket) ? tn_address_table_find_overflow(part, home, address) : NULL;
}

/* The slow halves of tn_address_table_claim and _remove: when the part must grow or shrink, or the bucket
 * overflows. */
struct tn_address_table_entry *tn_address_table_claim_slow(struct tn_address_table *table, uint64_t address);
void tn_address_table_remove_slow(struct tn_address_table *table, struct tn_address_table_entry *entry);

/* The entry of an address, made with value 0 if there is none. NULL when out of memory. address: not 0.
 * Valid until the next claim or remove. */
static inline struct tn_address_table_entry *tn_address_table_claim(struct tn_address_table *table,
                                                                    uint64_t address)
{
    uint64_t hash = tn_address_table_hash(address);
    struct tn_address_table_part *part = &table->parts[hash >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
    if (__builtin_expect(part->count >= part->most, 0))
        return tn_address_table_claim_slow(table, address);
    struct tn_address_table_entry *bucket =
        part->entries + (size_t)tn_address_table_home(hash, part->capacity) * TN_ADDRESS_TABLE_BUCKET;
    uint32_t free_bits = tn_address_table_match(bucket, 0);
    uint32_t is_odd = tn_address_table_match(bucket, address) | (uint32_t)(free_bits == 0) |
                      (uint32_t)tn_address_table_has_overflow(bucket);
    if (__builtin_expect(is_odd != 0, 0))
        return tn_address_table_claim_slow(table, address);
    struct tn_address_table_entry *entry = bucket + __builtin_ctz(free_bits);
    entry->key |= address;
    part->count++;
    table->count++;
    return entry;
}

/* Take out an entry that find or claim gave. */
static inline void tn_address_table_remove(struct tn_address_table *table,
                                           struct tn_address_table_entry *entry)
{
    uint64_t hash = tn_address_table_hash(tn_address_table_address(entry));
    struct tn_address_table_part *part = &table->parts[hash >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
    struct tn_address_table_entry *bucket =
        part->entries + (size_t)tn_address_table_home(hash, part->capacity) * TN_ADDRESS_TABLE_BUCKET;
    if (__builtin_expect((size_t)(entry - bucket) >= TN_ADDRESS_TABLE_BUCKET || part->count <= part->least,
                         0)) {
        tn_address_table_remove_slow(table, entry);
        return;
    }
    entry->key &= ~TN_ADDRESS_TABLE_KEY_MASK;
    entry->value = 0;
    part->count--;
    table->count--;
}

/* Check every invariant; for tests. Cost O(capacity). */
bool tn_address_table_is_valid(const struct tn_address_table *table);

/* Bytes of memory that the parts take. */
size_t tn_address_table_bytes(const struct tn_address_table *table);

/* Release the memory; the table is empty again. */
void tn_address_table_finish(struct tn_address_table *table);

#endif
