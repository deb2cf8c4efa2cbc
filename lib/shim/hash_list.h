/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_HASH_LIST_H
#define TENURE_SHIM_HASH_LIST_H

/* Of each stack id the hash of its stack. A program mostly comes to its stacks in the order in which it came
 * to them first, so a thread's next stack is often the one with the next id: to ask whether it is reads the
 * line of memory that was read last, while a look-up in the table of all stacks misses every cache. Every
 * thread reads the list without a lock, while one (under the control lock) adds to it. It grows as
 * id_table.h does. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ids that differ by a multiple of this share a word: the later one has it. A power of two. */
#define TN_HASH_LIST_MAX (UINT32_C(4) << 20)

struct tn_hash_list_body {
    uint64_t count;          /* of word; a power of two, at most TN_HASH_LIST_MAX */
    _Atomic uint64_t word[]; /* by id % TN_HASH_LIST_MAX: tn_hash_list_word; 0: none */
};

struct tn_hash_list {
    _Atomic(struct tn_hash_list_body *) body; /* NULL until the first hash */
};

/* Note the hash of an id; without memory for it, nothing happens. One writer at a time.
 *
 * key  the hash, not 0 */
void tn_hash_list_put(struct tn_hash_list *list, uint32_t id, uint64_t key);

/* Forget all hashes. One writer at a time. Cost: one pass. */
void tn_hash_list_forget(struct tn_hash_list *list);

/* What stands in the list. The id is in it, too: so a word of another id that shares the place is no answer,
 * nor is one of an id that was not given out yet. */
static inline uint64_t tn_hash_list_word(uint32_t id, uint64_t key)
{
    return key ^ (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
}

/* Whether an id is that of a hash. Any thread, at any time; any id. false: it is not, or nothing is known. */
static inline bool tn_hash_list_is(struct tn_hash_list *list, uint32_t id, uint64_t key)
{
    /* Acquire pairs with the release in tn_hash_list_put: who finds a hash sees what was written before. */
    struct tn_hash_list_body *body = atomic_load_explicit(&list->body, memory_order_acquire);
    uint32_t index = id % TN_HASH_LIST_MAX;
    return body != NULL && index < body->count &&
           atomic_load_explicit(&body->word[index], memory_order_acquire) == tn_hash_list_word(id, key);
}

#endif
