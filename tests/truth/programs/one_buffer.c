/* SPDX-License-Identifier: MIT */
/* One buffer at a time, made and released again and again, and kept between two calls: one that is kept for good serves
 * all, also where it is large. Where a second one is needed once in a while, one is not enough; where a rare giant sets
 * the size, keeping it is no advice.
 *
 * expect {"kind": "preallocate", "sites": ["@answer"], "confidence": "consistent", "evidence": {"buffer_bytes":
 *         "=ANSWER_BYTES", "count": 1, "peak_count": 1, "allocations": "=CALLS", "times_at_peak": "=CALLS"}}
 * expect {"kind": "preallocate", "sites": ["@line"], "confidence": "conditional", "evidence": {"buffer_bytes":
 *         "=LINE_BYTES + 15", "count": 1}}
 * expect {"kind": "preallocate", "sites": ["@spare"], "evidence": {"buffer_bytes": "=SPARE_BYTES", "count": 2}}
 * never {"kind": "preallocate", "sites": ["@giant"]}
 * allow {"kind": "combine", "sites": ["@giant", "@answer"]}
 * allow {"kind": "pool", "sites": ["@spare"]}
 * never {"kind": "fixed-maximum", "sites": ["@line"]}
 * allow {"kind": "fixed-maximum", "sites": ["@giant"]}
 */
#include <stdlib.h>

#define CALLS        320
#define ANSWER_BYTES 70001
#define LINE_BYTES   100
#define SPARE_BYTES  48
#define GIANT_BYTES  100000

static char *answer, *line, *spares[2], *giant;

__attribute__((noinline)) static void ask(int call)
{
    answer = malloc(ANSWER_BYTES); /* @answer */
    answer[0] = (char)call;
}

__attribute__((noinline)) static int finish(void)
{
    int sum = answer[0];
    free(answer);
    return sum;
}

/* Each of the others is kept for as long as it takes until the next one comes. */
__attribute__((noinline)) static void next_line(int call)
{
    free(line);
    line = malloc((size_t)(LINE_BYTES + call % 16)); /* @line */
    line[0] = (char)call;
}

__attribute__((noinline)) static char *take_spare(int call)
{
    char *spare = malloc(SPARE_BYTES); /* @spare */
    spare[0] = (char)call;
    return spare;
}

__attribute__((noinline)) static void next_spares(int call)
{
    for (int i = 0; i < 2; i++)
        free(spares[i]);
    spares[0] = take_spare(call);
    spares[1] = call % 20 == 3 ? take_spare(call) : NULL;
}

__attribute__((noinline)) static void next_giant(int call)
{
    free(giant);
    giant = malloc(call == 101 ? GIANT_BYTES : 40); /* @giant */
    giant[0] = (char)call;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++) {
        ask(i);
        if (i % 3 != 0)
            next_line(i);
        if (i % 2 != 0)
            next_spares(i);
        sum += finish();
        if (i % 5 != 0)
            next_giant(i);
    }
    free(line);
    free(giant);
    for (int i = 0; i < 2; i++)
        free(spares[i]);
    return sum == 1;
}
