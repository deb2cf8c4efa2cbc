/* SPDX-License-Identifier: MIT */
/* A library that allocates as soon as it is loaded, and releases when it is about to go. */
#include "truth.h"

static struct block blocks[10];

void early_touch(void);

__attribute__((constructor)) static void load(void)
{
    for (size_t i = 0; i < 10; i++)
        blocks[i] = MALLOC(700 + i);
}

void early_touch(void)
{
    REALLOC(blocks[0], 800);
}

__attribute__((destructor)) static void unload(void)
{
    for (size_t i = 0; i < 9; i++)
        FREE(blocks[i]);
    truth_keep(&blocks[9]);
}
