/* SPDX-License-Identifier: MIT */
/* Names of varying size, cut at a limit that is reached again and again.
 *
 * expect {"kind": "fixed-maximum", "sites": ["@name"], "evidence": {"max_bytes": "=LIMIT", "p99_bytes":
 *         "=LONG", "observations": "=NAMES", "still_growing": false}}
 */
#include <stdlib.h>

#define NAMES 1000
#define SLOTS 24
#define LIMIT 256
#define LONG  200

static char *names[SLOTS];

/* Of a hundred names, two are long; three of the thousand reach the limit. */
static size_t length(int i)
{
    if (i % 100 == 50)
        return LONG;
    if (i % 100 == 75)
        return i < 300 ? LIMIT : LONG;
    return 16 + (size_t)(i * 7 % 97);
}

static void set_name(int i)
{
    free(names[i * 5 % SLOTS]);
    names[i * 5 % SLOTS] = malloc(length(i)); /* @name */
}

int main(void)
{
    for (int i = 0; i < NAMES; i++)
        set_name(i);
    return 0;
}
