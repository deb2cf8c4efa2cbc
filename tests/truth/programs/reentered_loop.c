/* SPDX-License-Identifier: MIT */
/* Near miss: a function is entered again and again at the same stack position, from the same line, and
 * releases on a call what it kept on an earlier one; the last block stays.
 *
 * never {"kind": "stack-buffer", "sites": ["@held"]}
 * allow {"kind": "preallocate", "sites": ["@held"]}
 */
#include <stdlib.h>

#define CALLS      301
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

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        step();
    return held == NULL;
}
