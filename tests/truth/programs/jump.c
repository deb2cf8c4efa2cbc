/* SPDX-License-Identifier: MIT */
/* A jump leaves frames behind. What the lost function had asked for is released by the one that caught the
 * jump, once; and once it is not released at all, but kept and released at the next jump.
 *
 * expect {"kind": "stack-buffer", "sites": ["@draft"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=DRAFT_BYTES", "owner": {"function": "attempt"}, "frames_down": 2, "instances":
 *         "=ROUNDS", "exceptions": 0}}
 * never {"kind": "stack-buffer", "sites": ["@lost"]}
 * expect {"kind": "pool", "sites": ["@lost"], "evidence": {"block_bytes": "=LOST_BYTES", "block_count": 2}}
 */
#include <setjmp.h>
#include <stdlib.h>

#define ROUNDS      120
#define DRAFT_BYTES 44
#define LOST_BYTES  56

static jmp_buf place;
static char *draft;
static char *lost, *lost_before;

static void fail(void)
{
    draft = malloc(DRAFT_BYTES); /* @draft */
    draft[0] = 1;
    lost = malloc(LOST_BYTES); /* @lost */
    longjmp(place, 1);
}

static void parse(void)
{
    fail();
    free(lost);
}

static void attempt(void)
{
    if (setjmp(place) == 0)
        parse();
    free(draft);
    free(lost_before);
    lost_before = lost;
}

int main(void)
{
    for (volatile int i = 0; i < ROUNDS; i = i + 1)
        attempt();
    return 0;
}
