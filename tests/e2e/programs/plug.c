/* SPDX-License-Identifier: MIT */
/* What plugins.c loads: built twice, of different size, so that the same address means another function. */
#include "truth.h"

#ifdef PLUG_PADDED
static __thread char own[512];
#define BASE_BYTES 1000

static struct block padded(size_t size_bytes)
{
    own[1] = 1;
    return MALLOC(size_bytes);
}
#else
#define BASE_BYTES 2000
#define padded     MALLOC
#endif

void plug_work(struct block *left);

__attribute__((constructor)) static void load(void)
{
    struct block block = MALLOC(BASE_BYTES);
    FREE(block);
}

void plug_work(struct block *left)
{
    for (size_t i = 0; i < 5; i++) {
        struct block block = padded(BASE_BYTES + 1 + i);
        FREE(block);
    }
    *left = MALLOC(BASE_BYTES + 20);
}
