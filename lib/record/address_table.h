/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_ADDRESS_TABLE_H
#define TN_RECORD_ADDRESS_TABLE_H

/* The live allocations of one process: address -> id, and what links need to know of the block. An
 * open-addressed hash of buckets, each one cache line of three entries: nearly every look-up reads one line,
 * and has no loop whose end the branch predictor would have to guess. The table is split into 256 parts that
 * grow and shrink independently, by a third at a time, so that it takes 30 to 41 bytes a live allocation even
 * while it grows, and no step costs more than a 256th of a rebuild. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TN_ADDRESS_TABLE_PART_BITS 8
#define TN_ADDRESS_TABLE_PARTS     (1u << TN_ADDRESS_TABLE_PART_BITS)
#define TN_ADDRESS_TABLE_BUCKET    3u /* entries */

/* What is kept of an address. It lies in its bucket, which tells the rest. */
struct tn_address_table_entry {
    uint64_t value; /* the matcher's; 0 in an empty entry */
};

/* A cache line. */
struct tn_address_table_bucket {
    _Alignas(64) struct tn_address_table_entry entries[TN_ADDRESS_TABLE_BUCKET];
    uint32_t passed;                          /* entries that belong to this bucket or one before it, but
                                                 stand behind it; UINT32_MAX is that many or more, and never
                                                 falls again */
    uint32_t stacks[TN_ADDRESS_TABLE_BUCKET]; /* of the notes */
    uint32_t low[TN_ADDRESS_TABLE_BUCKET];    /* bits 0 to 31 of the addresses; all 0 in an empty entry */
    uint16_t high[TN_ADDRESS_TABLE_BUCKET];   /* bits 32 to 47 */
    uint8_t sizes[TN_ADDRESS_TABLE_BUCKET];   /* of the notes, as tn_address_table_size_code */
};

/* What is known of the block beside its id. */
struct tn_address_table_note {
    uint32_t stack_id; /* row of `stack` that asked for the block; 0: none was taken */
    uint8_t size_code; /* of the size asked for: tn_address_table_size_code */
};

/* An entry stands in its home bucket, or, if that was full, in the next one with room, wrapping around. */
struct tn_address_table_part {
    struct tn_address_table_bucket *buckets; /* owned; NULL while there are none */
    uint32_t bucket_count;
    uint32_t count; /* used entries */
    uint32_t most;  /* count at which the part grows: 7 in 10 of all entries */
    uint32_t least; /* count below which the part shrinks */
};

/* Zeroed is empty. */
struct tn_address_table {
    struct tn_address_table_part parts[TN_ADDRESS_TABLE_PARTS];
    size_t count;          /* over all parts */
    uint64_t address_bits; /* that any address had which was ever claimed: all begin at multiples of the
                              lowest */
};

/* Multiplicative hashing: the top bits choose the part, the 32 below them the bucket. */
static inline uint64_t tn_address_table_hash(uint64_t address)
{
    return address * UINT64_C(0x9e3779b97f4a7c15);
}

/* The number of the home bucket, in a part that has so many. */
static inline uint32_t tn_address_table_home(uint64_t hash, uint32_t bucket_count)
{
    return (uint32_t)((hash << TN_ADDRESS_TABLE_PART_BITS >> 32) * bucket_count >> 32);
}

static inline struct tn_address_table_bucket *
tn_address_table_bucket_of(const struct tn_address_table_entry *entry)
{
    uintptr_t place = (uintptr_t)entry;
    return (struct tn_address_table_bucket *)(place & ~(uintptr_t)63);
}

/* The number of an entry in its bucket. */
static inline uint32_t tn_address_table_index(const struct tn_address_table_entry *entry)
{
    return (uint32_t)((uintptr_t)entry & 63) / (uint32_t)sizeof(*entry);
}

static inline uint64_t tn_address_table_address(const struct tn_address_table_entry *entry)
{
    const struct tn_address_table_bucket *bucket = tn_address_table_bucket_of(entry);
    uint32_t index = tn_address_table_index(entry);
    return (uint64_t)bucket->high[index] << 32 | bucket->low[index];
}

static inline void tn_address_table_set_address(struct tn_address_table_entry *entry, uint64_t address)
{
    struct tn_address_table_bucket *bucket = tn_address_table_bucket_of(entry);
    uint32_t index = tn_address_table_index(entry);
    bucket->low[index] = (uint32_t)address;
    bucket->high[index] = (uint16_t)(address >> 32);
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

/* The size of a code, rounded down: to 8 bytes, from 1 KiB on by up to an eighth. */
static inline uint32_t tn_address_table_size_of(uint8_t code)
{
    if (code < 128)
        return code * 8u;
    return (8u + code % 8u) << ((code - 128u) / 8u + 7);
}

/* The note of an entry that find or claim gave. */
static inline struct tn_address_table_note tn_address_table_note(const struct tn_address_table_entry *entry)
{
    const struct tn_address_table_bucket *bucket = tn_address_table_bucket_of(entry);
    uint32_t index = tn_address_table_index(entry);
    return (struct tn_address_table_note){bucket->stacks[index], bucket->sizes[index]};
}

/* Set it. size_bytes: as asked for. */
static inline void tn_address_table_set_note(struct tn_address_table_entry *entry, uint32_t stack_id,
                                             uint64_t size_bytes)
{
    struct tn_address_table_bucket *bucket = tn_address_table_bucket_of(entry);
    uint32_t index = tn_address_table_index(entry);
    bucket->stacks[index] = stack_id;
    bucket->sizes[index] = tn_address_table_size_code(size_bytes);
}

/* The part of an address, and its home bucket there. */
static inline const struct tn_address_table_part *
tn_address_table_part_of(const struct tn_address_table *table, uint64_t hash)
{
    return &table->parts[hash >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
}

/* Prefetch the line of an address; any value is fine. Always inline: gcc 12 takes a function that only
 * prefetches for one without effects, and drops the calls. */
static inline __attribute__((always_inline)) void
tn_address_table_prefetch(const struct tn_address_table *table, uint64_t address)
{
    uint64_t hash = tn_address_table_hash(address);
    const struct tn_address_table_part *part = tn_address_table_part_of(table, hash);
    size_t at = tn_address_table_home(hash, part->bucket_count) * sizeof(part->buckets[0]);
    __builtin_prefetch((const void *)((uintptr_t)part->buckets + at), 1);
}

/* Bit mask of the entries of a bucket that have this address; without branches, which would be unpredictable.
 */
#ifdef __SSE2__
static inline uint32_t tn_address_table_match(const struct tn_address_table_bucket *bucket, uint64_t address)
{
    /* The fourth lanes hold other fields, and do not count. */
    __m128i low = _mm_loadu_si128((const void *)bucket->low);
    __m128i high = _mm_unpacklo_epi16(_mm_loadl_epi64((const void *)bucket->high), _mm_setzero_si128());
    __m128i is_low = _mm_cmpeq_epi32(low, _mm_set1_epi32((int)(uint32_t)address));
    __m128i is_high = _mm_cmpeq_epi32(high, _mm_set1_epi32((int)(uint32_t)(address >> 32)));
    return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(_mm_and_si128(is_low, is_high))) & 7;
}
#else
static inline uint32_t tn_address_table_match(const struct tn_address_table_bucket *bucket, uint64_t address)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < TN_ADDRESS_TABLE_BUCKET; i++)
        bits |= (uint32_t)(((uint64_t)bucket->high[i] << 32 | bucket->low[i]) == address) << i;
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
    const struct tn_address_table_part *part = tn_address_table_part_of(table, hash);
    if (part->count == 0)
        return NULL;
    uint32_t home = tn_address_table_home(hash, part->bucket_count);
    struct tn_address_table_bucket *bucket = &part->buckets[home];
    uint32_t bits = tn_address_table_match(bucket, address);
    if (__builtin_expect(bits != 0, 1))
        return &bucket->entries[__builtin_ctz(bits)];
    return bucket->passed != 0 ? tn_address_table_find_overflow(part, home, address) : NULL;
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
    struct tn_address_table_bucket *bucket = &part->buckets[tn_address_table_home(hash, part->bucket_count)];
    uint32_t free_bits = tn_address_table_match(bucket, 0);
    uint32_t is_odd = tn_address_table_match(bucket, address) | (uint32_t)(free_bits == 0) | bucket->passed;
    if (__builtin_expect(is_odd != 0, 0))
        return tn_address_table_claim_slow(table, address);
    struct tn_address_table_entry *entry = &bucket->entries[__builtin_ctz(free_bits)];
    tn_address_table_set_address(entry, address);
    part->count++;
    table->count++;
    table->address_bits |= address;
    return entry;
}

/* Take out an entry that find or claim gave. */
static inline void tn_address_table_remove(struct tn_address_table *table,
                                           struct tn_address_table_entry *entry)
{
    uint64_t hash = tn_address_table_hash(tn_address_table_address(entry));
    struct tn_address_table_part *part = &table->parts[hash >> (64 - TN_ADDRESS_TABLE_PART_BITS)];
    const struct tn_address_table_bucket *home =
        &part->buckets[tn_address_table_home(hash, part->bucket_count)];
    if (__builtin_expect(tn_address_table_bucket_of(entry) != home || part->count <= part->least, 0)) {
        tn_address_table_remove_slow(table, entry);
        return;
    }
    tn_address_table_set_address(entry, 0);
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
