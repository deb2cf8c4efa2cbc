/* SPDX-License-Identifier: MIT */
/* Allocates and releases as a server does, and prints how far the break went: a tide of blocks of many sizes,
 * some of them resized, none so large that the C library would map it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOTS  20000
#define EVENTS 300000

static void *slots[SLOTS];

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

int main(void)
{
    uintptr_t begin = (uintptr_t)sbrk(0), highest = begin;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < EVENTS; i++) {
        uint64_t tide = i / 60000 % 2 == 0 ? 70 : 30, dice = next_random(&seed) % 100;
        size_t slot = next_random(&seed) % SLOTS, size = 1 + next_random(&seed) % (dice < 3 ? 50000 : 800);
        if (slots[slot] != NULL && dice % 4 != 0) {
            free(slots[slot]);
            slots[slot] = NULL;
        } else if (slots[slot] != NULL || next_random(&seed) % 100 < tide) {
            slots[slot] = realloc(slots[slot], size);
        }
        if ((uintptr_t)sbrk(0) > highest)
            highest = (uintptr_t)sbrk(0);
    }
    printf("%zu\n", (size_t)(highest - begin));
    return 0;
}
