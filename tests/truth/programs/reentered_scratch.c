/* SPDX-License-Identifier: MIT */
/* Near miss: as before, but each call also has a buffer of its own, so that there are events of the same
 * function between the birth and the death of what is kept.
 *
 * never {"kind": "stack-buffer", "sites": ["@held"]}
 * expect {"kind": "stack-buffer", "sites": ["@scratch"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=SCRATCH_BYTES", "owner": {"function": "step"}, "frames_down": 0, "instances":
 *         "=CALLS", "exceptions": 0}}
 * allow {"kind": "preallocate", "sites": ["@held"]}
 */
#include <stdlib.h>

#define CALLS         240
#define HELD_BYTES    32
#define SCRATCH_BYTES 80

static char *held;

static void step(int i)
{
    char *scratch = malloc(SCRATCH_BYTES); /* @scratch */
    scratch[0] = (char)i;
    if (i % 3 == 0)
        held = malloc(HELD_BYTES); /* @held */
    if (i % 3 == 2)
        free(held);
    free(scratch);
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        step(i);
    return held == NULL;
}
