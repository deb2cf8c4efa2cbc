/* SPDX-License-Identifier: MIT */
/* Every function that takes an alignment, and those of C23 where the libraries have them. */
#include "truth.h"

#include <unistd.h>

void free_sized(void *, size_t) __attribute__((weak));
void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));

static void check(int is_true)
{
    if (!is_true)
        _exit(3);
}

static struct block posix(size_t alignment_bytes, size_t size_bytes)
{
    void *address = NULL;
    int error = posix_memalign(&address, alignment_bytes, size_bytes);
    return truth_birth(TRUTH_POSIX_MEMALIGN, error ? NULL : address, size_bytes, alignment_bytes,
                       __LINE__ - 2, TRUTH_MODULE);
}

static void check_and_free(struct block *block)
{
    check((uintptr_t)block->address % (block->alignment_bytes ? block->alignment_bytes : 1) == 0);
    check(malloc_usable_size(block->address) >= block->size_bytes);
    FREE(*block);
}

static void all_alignments(void)
{
    for (size_t alignment_bytes = 8; alignment_bytes <= 65536; alignment_bytes *= 2) {
        struct block blocks[3];
        blocks[0] = posix(alignment_bytes, alignment_bytes + 3);
        blocks[1] = ALIGNED(alignment_bytes, alignment_bytes * 3);
        blocks[2] = MEMALIGN(alignment_bytes, 77);
        for (int i = 0; i < 3; i++)
            check_and_free(&blocks[i]);
    }
}

static void pages(void)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    struct block a = truth_birth(TRUTH_VALLOC, valloc(100), 100, page_bytes, TRUTH_HERE);
    struct block b = truth_birth(TRUTH_PVALLOC, pvalloc(100), 100, page_bytes, TRUTH_HERE);
    check_and_free(&a);
    check_and_free(&b);
}

static void sized(void)
{
    struct block a = MALLOC(123);
    struct block b = ALIGNED(128, 256);
    if (free_sized == NULL || free_aligned_sized == NULL) {
        FREE(a);
        FREE(b);
        return;
    }
    truth_death(&a, TRUTH_FREE_SIZED, TRUTH_HERE), free_sized(a.address, 123);
    truth_death(&b, TRUTH_FREE_ALIGNED_SIZED, TRUTH_HERE), free_aligned_sized(b.address, 128, 256);
}

int main(void)
{
    truth_single_thread();
    for (int i = 0; i < 20; i++) {
        all_alignments();
        pages();
        sized();
    }
    struct block none = posix(64, (size_t)1 << 62);
    check(none.address == NULL);
    check(malloc_usable_size(NULL) == 0);
    return 0;
}
