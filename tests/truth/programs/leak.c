/* SPDX-License-Identifier: MIT */
/* One block of every four is never released, for the whole run.
 *
 * expect {"kind": "growth", "sites": ["@item"]}
 * never {"kind": "growth", "sites": ["@line"]}
 * never {"kind": "permanent", "sites": ["@item"]}
 * expect {"kind": "stack-buffer", "sites": ["@line"], "evidence": {"buffer_bytes": "=LINE_BYTES", "owner":
 *         {"function": "work"}, "frames_down": 0, "instances": "=CALLS", "exceptions": 0}}
 */
#include <stdlib.h>

#define CALLS      2000
#define ITEM_BYTES 88
#define LINE_BYTES 48

static char *items[CALLS];

static void work(int i)
{
    char *line = malloc(LINE_BYTES); /* @line */
    line[0] = (char)i;
    items[i] = malloc(ITEM_BYTES); /* @item */
    if (i % 4 != 0)
        free(items[i]);
    free(line);
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        work(i);
    return 0;
}
