/* SPDX-License-Identifier: MIT */
/* Arrays that double by realloc until they are full, and then stay for a while.
 *
 * expect {"kind": "presize", "sites": ["@grown"], "evidence": {"chains": "=ARRAYS", "growth_steps":
 *         "=ARRAYS * STEPS", "final_bytes": "=FIRST_BYTES * 2 ** STEPS"}}
 */
#include <stdlib.h>

#define ARRAYS      60
#define AT_ONCE     7
#define STEPS       6
#define FIRST_BYTES 24

static char *arrays[AT_ONCE];

static char *build(void)
{
    char *array = NULL;
    for (int step = 0; step <= STEPS; step++)
        array = realloc(array, (size_t)FIRST_BYTES << step); /* @grown */
    return array;
}

int main(void)
{
    for (int i = 0; i < ARRAYS; i++) {
        free(arrays[i % AT_ONCE]);
        arrays[i % AT_ONCE] = build();
    }
    return 0;
}
