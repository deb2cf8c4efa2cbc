/* SPDX-License-Identifier: MIT */
/* An allocator that may be interrupted anywhere by a handler that allocates, as none that takes a lock may:
 * it takes from the end of its memory by one atomic addition, and releases nothing. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define HEAP_BYTES ((size_t)1 << 30)

static _Alignas(16) char heap[HEAP_BYTES];
static atomic_size_t used_bytes;

void *malloc(size_t size_bytes)
{
    size_t start_bytes = atomic_fetch_add(&used_bytes, (size_bytes + 31) & ~(size_t)15);
    if (start_bytes + size_bytes + 16 > HEAP_BYTES)
        return NULL;
    memcpy(heap + start_bytes, &size_bytes, sizeof(size_bytes));
    return heap + start_bytes + 16;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size_bytes)
{
    return malloc(count * size_bytes);
}

void *realloc(void *block, size_t size_bytes)
{
    size_t old_bytes = 0;
    void *moved = malloc(size_bytes);
    if (block != NULL)
        memcpy(&old_bytes, (char *)block - 16, sizeof(old_bytes));
    if (moved != NULL && block != NULL)
        memcpy(moved, block, old_bytes < size_bytes ? old_bytes : size_bytes);
    return moved;
}
