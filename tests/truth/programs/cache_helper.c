/* SPDX-License-Identifier: MIT */
/* Near miss: a cache that a helper drops at the start of the next call and another helper fills; the last one
 * is dropped as well before the program ends.
 *
 * never {"kind": "stack-buffer", "sites": ["@entry"]}
 * allow {"kind": "preallocate", "sites": ["@entry"]}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS       200
#define ENTRY_BYTES 56

static char *entry;

static void drop(void)
{
    free(entry);
    entry = NULL;
}

static void fill(int value)
{
    entry = malloc(ENTRY_BYTES); /* @entry */
    memset(entry, value & 0x7f, ENTRY_BYTES);
}

static int resolve(int value)
{
    drop();
    fill(value);
    return entry[0];
}

int main(void)
{
    int sum = 0;
    atexit(drop);
    for (int i = 0; i < CALLS; i++)
        sum += resolve(i);
    return sum == 0;
}
