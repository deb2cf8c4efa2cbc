/* SPDX-License-Identifier: MIT */
/* One thread, blocks of many sizes that live for very different times. */
#include "truth.h"

#define SLOT_COUNT 512

static uint64_t state = 88172645463325252u;

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % below;
}

static struct block birth(void)
{
    size_t size_bytes = 8 * draw(40) + 1;
    if (draw(50) == 0)
        size_bytes = 3000 + 1000 * draw(8);
    if (draw(2000) == 0)
        size_bytes = 300000;
    switch (draw(3)) {
    case 0:
        return CALLOC(2, size_bytes);
    case 1:
        return REALLOC_NEW(size_bytes);
    default:
        return MALLOC(size_bytes);
    }
}

int main(int argc, char **argv)
{
    static struct block slots[SLOT_COUNT];
    int rounds = argc > 1 ? atoi(argv[1]) : 150000;
    truth_single_thread();
    for (int i = 0; i < rounds; i++) {
        struct block *block = &slots[draw(SLOT_COUNT)];
        if (block->address != NULL)
            FREE(*block);
        *block = birth();
    }
    for (int i = 0; i < SLOT_COUNT / 2; i++) {
        FREE(slots[i]);
        slots[i].address = NULL;
    }
    for (int i = 0; i < SLOT_COUNT; i++)
        truth_keep(&slots[i]);
    return 0;
}
