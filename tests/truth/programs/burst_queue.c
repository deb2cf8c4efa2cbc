/* SPDX-License-Identifier: MIT */
/* A queue that fills in bursts and is emptied again, for the whole run: by chance alone, far more buffers could
 * be asked for than there were calls. No more are needed than were in use at once.
 *
 * expect {"kind": "preallocate", "sites": ["@packet"], "evidence": {"peak_count": "=BURST", "count": "=BURST",
 *         "allocations": "=ROUNDS * BURST"}}
 * expect {"kind": "pool", "sites": ["@packet"], "evidence": {"block_count": "=BURST"}}
 */
#include <stdlib.h>

#define ROUNDS 6
#define BURST  150

static char *queue[BURST];

static void fill(void)
{
    for (int i = 0; i < BURST; i++) {
        queue[i] = malloc(96); /* @packet */
        queue[i][0] = 1;
    }
}

static void drain(void)
{
    for (int i = 0; i < BURST; i++)
        free(queue[i]);
}

int main(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        fill();
        drain();
    }
    return 0;
}
