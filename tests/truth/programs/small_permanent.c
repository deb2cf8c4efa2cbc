/* SPDX-License-Identifier: MIT */
/* Names and flags that a program makes when it starts and keeps: one finding for all of them. A table is worth its own;
 * it is released when the program ends, by a line that has to go with it. How many entries there are is the
 * configuration's to say.
 *
 * expect {"kind": "permanent", "sites": ["@name", "@flag", "@mode"], "confidence": "conditional", "condition": {"kind":
 *         "unreleased"}, "evidence": {"class": "small", "count": 3, "total_bytes": 56}}
 * expect {"kind": "permanent", "sites": ["@table"], "confidence": "conditional", "condition": {"kind": "released",
 *         "sites": ["@end"], "text": ", when the program ends, goes as well"}, "released_at": [{"line": "@end",
 *         "share": 1, "other_sites": 0}], "evidence": {"count": 1, "total_bytes": 2000}}
 * expect {"kind": "permanent", "sites": ["@entry"], "confidence": "conditional", "condition": {"kind": "unreleased"},
 *         "evidence": {"count": 12, "total_bytes": 960}}
 * expect {"kind": "stack-buffer", "sites": ["@line"], "confidence": "consistent"}
 */
#include <stdlib.h>

#include "tenure/mark.h"

#define CALLS   400
#define ENTRIES 12

static char *name, *flag, *mode, *table, *entries[ENTRIES];
static volatile int total;

__attribute__((noinline)) static void start(void)
{
    name = malloc(16);    /* @name */
    flag = malloc(8);     /* @flag */
    mode = malloc(32);    /* @mode */
    table = malloc(2000); /* @table */
    for (int i = 0; i < ENTRIES; i++)
        entries[i] = malloc(80); /* @entry */
    if (tenure_mark)
        tenure_mark("initialisation done");
}

__attribute__((noinline)) static void work(int i)
{
    char *line = malloc(64); /* @line */
    line[0] = (char)i;
    total += line[0] + (name != NULL) + (flag != NULL) + (mode != NULL);
    free(line);
    total++;
}

int main(void)
{
    start();
    for (int i = 0; i < CALLS; i++)
        work(i);
    free(table); /* @end */
    return total == 1;
}
