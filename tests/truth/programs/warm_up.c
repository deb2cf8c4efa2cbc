/* SPDX-License-Identifier: MIT */
/* Near misses of growth: a cache that fills and then replaces its oldest entry; a table that grows in the
 * first third of the run and then stays; a tide that rises and falls, recorded while it is high.
 *
 * never {"kind": "growth", "sites": ["@cached"]}
 * never {"kind": "growth", "sites": ["@learned"]}
 * never {"kind": "growth", "sites": ["@tide"]}
 * expect {"kind": "pool", "sites": ["@cached"], "evidence": {"block_bytes": 104, "block_count": "=CACHE"}}
 * expect {"kind": "pool", "sites": ["@tide"], "evidence": {"block_bytes": 136, "block_count": "=TIDE"}}
 */
#include <stdlib.h>

#define CALLS   3000
#define CACHE   64
#define LEARNED 1000
#define TIDE    50

static char *cached[CACHE];
static char *learned[LEARNED];
static char *tide[TIDE];

static void look_up(int i)
{
    free(cached[i % CACHE]);
    cached[i % CACHE] = malloc(104); /* @cached */
}

static void learn(int i)
{
    if (i < LEARNED)
        learned[i] = malloc(40); /* @learned */
}

static void swell(int i)
{
    int phase = i % (4 * TIDE);
    if (phase < TIDE)
        tide[phase] = malloc(136); /* @tide */
    if (phase >= 2 * TIDE && phase < 3 * TIDE) {
        free(tide[phase - 2 * TIDE]);
        tide[phase - 2 * TIDE] = NULL;
    }
}

int main(void)
{
    for (int i = 0; i < CALLS + TIDE; i++) {
        look_up(i);
        learn(i);
        swell(i);
    }
    return 0;
}
