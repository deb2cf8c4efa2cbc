/* SPDX-License-Identifier: MIT */
/* As many connections as the table has slots, again and again for the whole run: allocate them at start-up.
 *
 * expect {"kind": "preallocate", "sites": ["@connection"], "evidence": {"peak_count": "=SLOTS"}}
 * expect {"kind": "pool", "sites": ["@connection"], "evidence": {"block_bytes": "=CONNECTION_BYTES",
 *         "block_count": "=SLOTS", "waste_bytes": 0}}
 */
#include <stdlib.h>

#define ROUNDS           60
#define SLOTS            12
#define CONNECTION_BYTES 200

static char *connections[SLOTS];

static void open_one(int slot)
{
    connections[slot] = malloc(CONNECTION_BYTES); /* @connection */
    connections[slot][0] = 1;
}

static void close_one(int slot)
{
    free(connections[slot]);
    connections[slot] = NULL;
}

static void drain(void)
{
    for (int slot = 0; slot < SLOTS; slot++)
        close_one(slot);
}

int main(void)
{
    atexit(drain);
    for (int slot = 0; slot < SLOTS; slot++)
        open_one(slot);
    for (int round = 0; round < ROUNDS; round++) {
        for (int slot = 0; slot < SLOTS; slot++) {
            int other = slot * (1 + 2 * (round % 2)) % SLOTS;
            if (connections[other])
                close_one(other);
            else
                open_one(other);
        }
        for (int slot = 0; slot < SLOTS; slot++)
            if (!connections[slot])
                open_one(slot);
    }
    return 0;
}
