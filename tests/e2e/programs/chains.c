/* SPDX-License-Identifier: MIT */
/* realloc in every way that it can be called: growth, shrinking, failure, release, as malloc. */
#include "truth.h"

static volatile size_t huge = (size_t)1 << 62;

static void grow(void)
{
    struct block block = MALLOC(10);
    for (size_t size_bytes = 20; size_bytes < 2000000; size_bytes *= 2)
        REALLOC(block, size_bytes);
    for (size_t size_bytes = 1000000; size_bytes > 5; size_bytes /= 3)
        REALLOC(block, size_bytes);
    FREE(block);
}

static void interleave(void)
{
    struct block a = REALLOC_NEW(16);
    struct block b = {0};
    for (size_t i = 1; i <= 100; i++) {
        REALLOC(a, 16 + 48 * i);
        REALLOC(b, 16 + 80 * i);
    }
    REALLOCARRAY(a, 30, 7);
    REALLOCARRAY(b, 7, 30);
    FREE(a);
    truth_keep(&b);
}

static void fail(void)
{
    struct block block = MALLOC(100);
    REALLOC(block, huge);
    REALLOCARRAY(block, 2, huge);
    struct block none = MALLOC(huge);
    none = CALLOC(1, huge);
    none = ALIGNED(64, huge);
    none = REALLOC_NEW(huge);
    FREE(none);
    REALLOC(block, 200);
    FREE(block);
}

static void release(void)
{
    for (int i = 0; i < 10; i++) {
        struct block block = MALLOC(50 + (size_t)i);
        REALLOC(block, 0);
        FREE(block);
    }
    struct block empty = MALLOC(0);
    struct block other = REALLOC_NEW(0);
    FREE(empty);
    REALLOC(other, 12);
    FREE(other);
    free(NULL);
}

int main(void)
{
    truth_single_thread();
    for (int i = 0; i < 50; i++) {
        grow();
        fail();
        release();
    }
    interleave();
    return 0;
}
