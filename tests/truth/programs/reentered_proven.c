/* SPDX-License-Identifier: MIT */
/* Built with -finstrument-functions: activations are known, so that a function which is entered again at the
 * same position from the same line is told apart from one that stays. The owner is its caller.
 *
 * expect {"kind": "stack-buffer", "sites": ["@held"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@held"]}, "evidence": {"buffer_bytes": "=HELD_BYTES", "owner":
 *         {"function": "round_trip"}, "frames_down": 1, "instances": "=ROUNDS", "exceptions": 0}}
 */
#include <stdlib.h>

#define ROUNDS     150
#define HELD_BYTES 32

static char *held;

static void step(void)
{
    if (!held) {
        held = malloc(HELD_BYTES); /* @held */
        return;
    }
    free(held);
    held = NULL;
}

static void round_trip(void)
{
    for (int i = 0; i < 2; i++)
        step();
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++)
        round_trip();
    return held != NULL;
}
