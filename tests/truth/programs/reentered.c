/* SPDX-License-Identifier: MIT */
/* Near miss: a function keeps a block on one call and releases it on the next; it is entered again at the
 * same stack position, from another line of its caller. The block lives across both calls, in the caller, and a
 * variable has its address meanwhile.
 *
 * expect {"kind": "stack-buffer", "sites": ["@held"], "confidence": "conditional", "condition":
 *         {"kind": "address-stored", "sites": ["@held"]}, "evidence":
 *         {"buffer_bytes": "=HELD_BYTES", "owner": {"function": "round_trip"}, "frames_down": 1,
 *         "instances": "=ROUNDS", "exceptions": 0}}
 */
#include <stdlib.h>

#define ROUNDS     150
#define HELD_BYTES 32

static char *held;

static int step(int is_second)
{
    if (!is_second) {
        held = malloc(HELD_BYTES); /* @held */
        held[0] = 1;
        return held[0];
    }
    free(held);
    return 0;
}

static int round_trip(void)
{
    int sum = step(0);
    sum += step(1);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < ROUNDS; i++)
        sum += round_trip();
    return sum == 0;
}
