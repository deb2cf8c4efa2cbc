/* SPDX-License-Identifier: MIT */
/* Names of varying size whose largest was seen near the end: the maximum is not known yet.
 *
 * expect {"kind": "fixed-maximum", "sites": ["@name"], "evidence": {"max_bytes": "=20 + (NAMES - 1) // 10",
 *         "observations": "=NAMES", "still_growing": true}}
 */
#include <stdlib.h>

#define NAMES 1000
#define SLOTS 24

static char *names[SLOTS];

static void set_name(int i)
{
    free(names[i * 5 % SLOTS]);
    names[i * 5 % SLOTS] = malloc(20 + (size_t)(i / 10) - (size_t)((NAMES - 1 - i) * 7 % 20)); /* @name */
}

int main(void)
{
    for (int i = 0; i < NAMES; i++)
        set_name(i);
    return 0;
}
