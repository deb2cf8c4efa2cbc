/* SPDX-License-Identifier: MIT */
/* Two tables that are loaded entry by entry. One is thrown away as a whole now and then, and the recording
 * ends while it is full: its count rises nearly all the time, and comes back to nothing. The other one keeps
 * some of its entries over each reload for good: the least that it ever comes back to rises.
 *
 * never {"kind": "growth", "sites": ["@entry"]}
 * expect {"kind": "growth", "sites": ["@kept"]}
 * allow {"kind": "pool", "sites": ["@entry"]}
 */
#include <stdlib.h>

#define ROUNDS 2400
#define PERIOD 1200 /* the first table is thrown away in the middle, and full in the end */
#define RELOAD 100
#define KEPT   10 /* of each load of the second table */

static char *entries[PERIOD];
static char *others[RELOAD];

static void throw_away(char **table, int from, int count)
{
    for (int i = from; i < count; i++) {
        free(table[i]);
        table[i] = NULL;
    }
}

static void load(int round)
{
    if (round % PERIOD == 0)
        throw_away(entries, 0, PERIOD);
    entries[round % PERIOD] = malloc(40); /* @entry */
    if (round % RELOAD == 0)
        throw_away(others, KEPT, RELOAD);
    others[round % RELOAD] = malloc(72); /* @kept */
}

int main(void)
{
    for (int round = 0; round < ROUNDS; round++)
        load(round);
    return 0;
}
