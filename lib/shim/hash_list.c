/* SPDX-License-Identifier: MIT */

/* The writer's side of the list of hashes by stack id. Invariant: a bigger body is published whole, and the
 * old one stays mapped for threads that still read it. Callers hold the control lock. */

#include "hash_list.h"

#include "sys.h"

#include "banned.h"

#define COUNT_START UINT64_C(512)

static struct tn_hash_list_body *make_body(uint64_t count)
{
    size_t size_bytes = sizeof(struct tn_hash_list_body) + count * sizeof(uint64_t);
    struct tn_hash_list_body *body = tn_map_pages(size_bytes);
    if (body != NULL)
        body->count = count;
    return body;
}

/* A body with room for index, and the words of the old one (NULL: there is none). */
static struct tn_hash_list_body *grow(struct tn_hash_list *list, struct tn_hash_list_body *old,
                                      uint32_t index)
{
    uint64_t count = COUNT_START;
    while (count <= index)
        count *= 2;
    struct tn_hash_list_body *body = make_body(count);
    if (body == NULL)
        return NULL;
    for (uint64_t i = 0; old != NULL && i < old->count; i++)
        atomic_store_explicit(&body->word[i], atomic_load_explicit(&old->word[i], memory_order_relaxed),
                              memory_order_relaxed);
    atomic_store_explicit(&list->body, body, memory_order_release);
    return body;
}

void tn_hash_list_put(struct tn_hash_list *list, uint32_t id, uint64_t key)
{
    struct tn_hash_list_body *body = atomic_load_explicit(&list->body, memory_order_relaxed);
    uint32_t index = id % TN_HASH_LIST_MAX;
    if (body == NULL || index >= body->count)
        body = grow(list, body, index);
    if (body != NULL)
        atomic_store_explicit(&body->word[index], tn_hash_list_word(id, key), memory_order_release);
}

void tn_hash_list_forget(struct tn_hash_list *list)
{
    struct tn_hash_list_body *body = atomic_load_explicit(&list->body, memory_order_relaxed);
    for (uint64_t i = 0; body != NULL && i < body->count; i++)
        atomic_store_explicit(&body->word[i], 0, memory_order_release);
}
