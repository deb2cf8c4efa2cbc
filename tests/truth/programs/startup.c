/* SPDX-License-Identifier: MIT */
/* A table and its entries are made at the start and stay; so does one object that is made later, once. A
 * second table is made at the start, too, and released when the program ends.
 *
 * expect {"kind": "permanent", "sites": ["@table"], "evidence": {"count": 1, "total_bytes":
 *         "=TABLE_BYTES"}}
 * expect {"kind": "permanent", "sites": ["@entry"], "evidence": {"count": "=ENTRIES", "total_bytes":
 *         "=ENTRIES * ENTRY_BYTES"}}
 * expect {"kind": "permanent", "sites": ["@released"], "evidence": {"count": 1, "total_bytes":
 *         "=RELEASED_BYTES"}}
 * expect {"kind": "permanent", "sites": ["@single"], "evidence": {"count": 1, "total_bytes":
 *         "=SINGLE_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@line"], "evidence": {"buffer_bytes": "=LINE_BYTES", "owner":
 *         {"function": "work"}, "frames_down": 0, "instances": "=CALLS", "exceptions": 0}}
 * never {"kind": "growth", "sites": ["@entry"]}
 */
#include <stdlib.h>

#include "tenure/mark.h"

#define CALLS          1000
#define ENTRIES        30
#define TABLE_BYTES    480
#define ENTRY_BYTES    72
#define RELEASED_BYTES 1200
#define SINGLE_BYTES   640
#define LINE_BYTES     80

static char **table;
static char *released, *single;

static void start(void)
{
    table = malloc(TABLE_BYTES); /* @table */
    for (int i = 0; i < ENTRIES; i++)
        table[i] = malloc(ENTRY_BYTES); /* @entry */
    released = malloc(RELEASED_BYTES);  /* @released */
    if (tenure_mark)
        tenure_mark("initialisation done");
}

static char *instance(void)
{
    if (!single)
        single = malloc(SINGLE_BYTES); /* @single */
    return single;
}

static void work(int i)
{
    char *line = malloc(LINE_BYTES); /* @line */
    line[0] = (char)i;
    if (i > 10)
        instance()[0] = line[0];
    free(line);
}

int main(void)
{
    start();
    for (int i = 0; i < CALLS; i++)
        work(i);
    free(released);
    return 0;
}
