/* SPDX-License-Identifier: MIT */
/* The small heap of the run: a model of lib/heap that places and releases what the program does. Blocks come
 * from the next allocator all the same; the model only says when there is no room. A forked child goes on
 * with a copy, a new image begins with an empty heap. */
#include "inject_parts.h"

#include "tenure/heap.h"
#include "tenure/map.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    struct tn_heap *heap;
    struct tn_map blocks; /* address -> block of the model */
} model = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock_model(void)
{
    pthread_mutex_lock(&model.lock);
}

static void unlock_model(void)
{
    pthread_mutex_unlock(&model.lock);
}

/* "tlsf:align=8", which the tool has checked. Returns NULL where it is none. */
static const struct tn_policy *read_policy(const char *text, struct tn_heap_options *options)
{
    char copy[TN_INJECT_POLICY_BYTES], *rest = NULL;
    memcpy(copy, text, sizeof(copy));
    copy[sizeof(copy) - 1] = '\0';
    char *name = strtok_r(copy, ":", &rest);
    const struct tn_policy *policy = name != NULL ? tn_policy_find(name) : NULL;
    tn_heap_options_init(options);
    for (char *word = NULL; policy != NULL && (word = strtok_r(NULL, ":", &rest)) != NULL;) {
        char *value = strchr(word, '=');
        if (value == NULL)
            return NULL;
        *value = '\0';
        if (tn_heap_options_set(options, word, value + 1) < 0)
            return NULL;
    }
    return policy;
}

void tn_inject_heap_open(void)
{
    struct tn_heap_options options;
    const struct tn_policy *policy = read_policy(tn_inject_head->policy, &options);
    if (policy == NULL)
        return;
    options.heap_bytes = tn_inject_head->limit_bytes;
    options.pointer_bytes = tn_inject_head->pointer_bytes;
    if (tn_heap_open(policy, &options, &model.heap, NULL) == 0)
        pthread_atfork(lock_model, unlock_model, unlock_model);
}

bool tn_inject_heap_is_open(void)
{
    return model.heap != NULL;
}

bool tn_inject_heap_place(uint64_t size_bytes, uint64_t alignment_bytes, uint32_t *ret_block)
{
    *ret_block = 0;
    lock_model();
    int r = tn_heap_place(model.heap, size_bytes, alignment_bytes, 0, ret_block);
    unlock_model();
    /* A policy that gives no block of 0 bytes has not failed. */
    if (r < 0)
        *ret_block = 0;
    return r == 0 || r == -EINVAL;
}

bool tn_inject_heap_resize(uintptr_t address, uint64_t size_bytes, uint32_t *ret_block)
{
    int r = 0;
    *ret_block = 0;
    lock_model();
    const uint64_t *block = tn_map_find(&model.blocks, address);
    if (block != NULL)
        r = tn_heap_resize(model.heap, (uint32_t)*block, size_bytes, ret_block);
    else
        r = tn_heap_place(model.heap, size_bytes, 0, 0, ret_block);
    if (r == 0)
        tn_map_remove(&model.blocks, address, NULL);
    unlock_model();
    return r == 0 || r == -EINVAL;
}

void tn_inject_heap_bind(uint32_t block, uintptr_t address)
{
    if (block == 0)
        return;
    lock_model();
    if (address == 0 || tn_map_put(&model.blocks, address, block) < 0)
        tn_heap_release(model.heap, block);
    unlock_model();
}

void tn_inject_heap_release(uintptr_t address)
{
    uint64_t block;
    lock_model();
    if (tn_map_remove(&model.blocks, address, &block))
        tn_heap_release(model.heap, (uint32_t)block);
    unlock_model();
}
