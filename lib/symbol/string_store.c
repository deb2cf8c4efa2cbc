/* SPDX-License-Identifier: MIT */
/* Copies strings into blocks of 64 KiB and finds equal ones by hash. Two strings with the same hash are
 * both kept; only the first one is found again. Called by name.c and path.c. */
#include "string_store.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536u

struct tn_string_block {
    struct tn_string_block *next;
    size_t used_bytes, capacity_bytes;
    char data[];
};

/* FNV-1a, then mixed: names differ in their last letters. */
static uint64_t hash(const char *text, size_t length)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    h = tn_mix(h);
    return h != 0 ? h : 1;
}

static char *take(struct tn_string_store *store, size_t size_bytes)
{
    struct tn_string_block *block = store->blocks;
    if (block == NULL || block->capacity_bytes - block->used_bytes < size_bytes) {
        size_t capacity = size_bytes > BLOCK_BYTES ? size_bytes : BLOCK_BYTES;
        block = malloc(sizeof(*block) + capacity);
        if (block == NULL)
            return NULL;
        *block = (struct tn_string_block){.next = store->blocks, .capacity_bytes = capacity};
        store->blocks = block;
    }
    char *at = block->data + block->used_bytes;
    block->used_bytes += size_bytes;
    return at;
}

const char *tn_string_store_keep(struct tn_string_store *store, const char *text, size_t length)
{
    uint64_t key = hash(text, length);
    uint64_t *found = tn_map_find(&store->by_hash, key);
    if (found != NULL) {
        const char *kept = (const char *)(uintptr_t)*found;
        if (strlen(kept) == length && memcmp(kept, text, length) == 0)
            return kept;
    }
    char *copy = take(store, length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (found == NULL && tn_map_put(&store->by_hash, key, (uint64_t)(uintptr_t)copy) < 0)
        return NULL;
    return copy;
}

void tn_string_store_finish(struct tn_string_store *store)
{
    while (store->blocks != NULL) {
        struct tn_string_block *next = store->blocks->next;
        free(store->blocks);
        store->blocks = next;
    }
    tn_map_finish(&store->by_hash);
}
