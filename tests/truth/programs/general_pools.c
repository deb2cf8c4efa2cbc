/* SPDX-License-Identifier: MIT */
/* Nine sizes with lives of all kinds, in no order that anybody could guess: the best set of pools for the
 * whole program is compared with the best of all sets, found by trying all of them.
 *
 * check general_pools
 * allow {"kind": "fixed-maximum", "sites": ["@block"]}
 */
#include <stdint.h>
#include <stdlib.h>

#define STEPS 4000
#define SLOTS 150

static const size_t sizes[] = {16, 24, 40, 64, 72, 120, 200, 333, 512};
static char *slots[SLOTS];
static uint32_t state = 12345;

static uint32_t next(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static void step(int i)
{
    uint32_t slot = next(SLOTS * (1 + (uint32_t)(i / 1000 % 2)) / 2);
    if (slots[slot]) {
        free(slots[slot]);
        slots[slot] = NULL;
        return;
    }
    uint32_t kind = next(9);
    if (i % 1000 < 500 && kind > 6)
        kind -= 3;
    slots[slot] = malloc(sizes[kind]); /* @block */
}

int main(void)
{
    for (int i = 0; i < STEPS; i++)
        step(i);
    return 0;
}
