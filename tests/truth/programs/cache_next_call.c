/* SPDX-License-Identifier: MIT */
/* Near miss: each call releases what the call before it has kept. Both calls have the same frame at the same
 * position, and nothing is allocated in between.
 *
 * never {"kind": "stack-buffer", "sites": ["@kept"]}
 * allow {"kind": "preallocate", "sites": ["@kept"]}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS      200
#define KEPT_BYTES 48

static char *kept;

static int look_up(int value)
{
    free(kept);
    kept = malloc(KEPT_BYTES); /* @kept */
    memset(kept, value & 0x7f, KEPT_BYTES);
    return kept[0];
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += look_up(i);
    return sum == 0;
}
