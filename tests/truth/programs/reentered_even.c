/* SPDX-License-Identifier: MIT */
/* Near miss: every second call releases what the one before it has kept; every block is gone at the end, and
 * nothing is allocated in between. Only the machine code tells that both calls are not one: nothing leads from
 * the line that asks to the line that releases. Another function does so within one call, in a loop.
 *
 * never {"kind": "stack-buffer", "sites": ["@held"]}
 * expect {"kind": "stack-buffer", "sites": ["@turn"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=TURN_BYTES", "owner": {"function": "take_turns"}, "frames_down": 0,
 *         "instances": "=CALLS // 2", "exceptions": 0}}
 */
#include <stdlib.h>

#define CALLS      300
#define HELD_BYTES 32
#define TURN_BYTES 48

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

static void take_turns(void)
{
    char *turn = NULL;
    for (int i = 0; i < CALLS; i++) {
        if (!turn) {
            turn = malloc(TURN_BYTES); /* @turn */
        } else {
            free(turn);
            turn = NULL;
        }
    }
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        step();
    take_turns();
    return held != NULL;
}
