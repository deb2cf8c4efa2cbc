/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ID_TABLE_H
#define TENURE_SHIM_ID_TABLE_H

/* A hash table from a 64-bit key to a 64-bit value. Every thread reads it without a lock, while one (under
 * the control lock) adds to it. It only grows; a bigger body is published whole, and the old one stays mapped
 * for threads that still read it. Of stack ids by hash, and of rules that rule_table.h has no room for. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_pair {
    _Atomic uint64_t key;   /* 0: free; written once */
    _Atomic uint64_t value; /* 0: unknown; written before the key, and may change later */
};

struct tn_id_table_body {
    uint64_t shift;        /* 64 - log2 of the number of pairs */
    uint64_t mask;         /* number of pairs - 1 */
    uint64_t used;         /* pairs with a key; the writer's */
    size_t size_bytes;     /* of this mapping */
    struct tn_pair pair[]; /* mask + 1 */
};

struct tn_id_table {
    _Atomic(struct tn_id_table_body *) body; /* NULL until tn_id_table_open */
};

/* Make the table with room for pair_count pairs (a power of two). Returns 0 or -ENOMEM (table unchanged). A
 * body that was there before stays mapped. */
int tn_id_table_open(struct tn_id_table *table, uint64_t pair_count);

/* Set key to value; key is not 0. Returns 0 or -ENOMEM (nothing changed). One writer at a time. */
int tn_id_table_put(struct tn_id_table *table, uint64_t key, uint64_t value);

/* Make every value unknown. One writer at a time. Cost: one pass. */
void tn_id_table_forget(struct tn_id_table *table);

/* The number of keys. */
uint64_t tn_id_table_count(const struct tn_id_table *table);

/* The value of key, 0 when it is unknown. Any thread, at any time. key is not 0; the table is open. */
static inline uint64_t tn_id_table_find(struct tn_id_table *table, uint64_t key)
{
    /* Acquire pairs with the release in tn_id_table_open and tn_id_table_put. A reader that holds an old body
     * misses what came later, asks the slow path, and finds it there. */
    struct tn_id_table_body *body = atomic_load_explicit(&table->body, memory_order_acquire);
    uint64_t at = key * UINT64_C(0x9e3779b97f4a7c15) >> body->shift;
    for (;; at = (at + 1) & body->mask) {
        uint64_t there = atomic_load_explicit(&body->pair[at].key, memory_order_acquire);
        if (__builtin_expect(there == key, 1))
            return atomic_load_explicit(&body->pair[at].value, memory_order_acquire);
        if (there == 0)
            return 0;
    }
}

#endif
