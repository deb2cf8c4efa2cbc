/* SPDX-License-Identifier: MIT */
/* Two sizes whose peaks fall at different times: one pool for both needs the larger peak, not the sum.
 *
 * expect {"kind": "pool", "marks": {"scope": "general"}, "evidence": {"pool_count": 1, "pools":
 *         [{"block_bytes": "=NIGHT_BYTES", "block_count": "=DAY_PEAK"}]}}
 * expect {"kind": "preallocate", "sites": ["@block"], "evidence": {"peak_count": "=DAY_PEAK"}}
 */
#include <stdlib.h>

#define DAYS        10
#define DAY_PEAK    60
#define NIGHT_PEAK  50
#define DAY_BYTES   96
#define NIGHT_BYTES 112

static char *day[DAY_PEAK];
static char *night[NIGHT_PEAK];

static void fill(char **blocks, int count, size_t size_bytes)
{
    for (int i = 0; i < count; i++)
        blocks[i] = malloc(size_bytes); /* @block */
}

static void clear(char **blocks, int count)
{
    for (int i = 0; i < count; i++) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void drain(void)
{
    clear(day, DAY_PEAK);
}

int main(void)
{
    atexit(drain);
    for (int i = 0; i < DAYS; i++) {
        fill(day, DAY_PEAK, DAY_BYTES);
        clear(day, DAY_PEAK);
        fill(night, NIGHT_PEAK, NIGHT_BYTES);
        clear(night, NIGHT_PEAK);
    }
    fill(day, DAY_PEAK, DAY_BYTES);
    return 0;
}
