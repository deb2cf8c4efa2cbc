/* SPDX-License-Identifier: MIT */
/* Buffers of which never more than one lives. One line releases those of two lines: a buffer that is kept would be
 * passed to free there.
 *
 * expect {"kind": "preallocate", "sites": ["@query"], "confidence": "conditional", "condition": {"kind":
 *         "shared-release", "sites": ["@drop"]}}
 * expect {"kind": "preallocate", "sites": ["@reply"], "confidence": "conditional", "condition": {"kind":
 *         "shared-release", "sites": ["@drop"]}}
 * expect {"kind": "preallocate", "sites": ["@line"], "confidence": "consistent", "condition": null}
 * allow {"kind": "combine", "sites": ["@query"]}
 */
#include <stdlib.h>

#define ROUNDS      300
#define QUERY_BYTES 4000
#define REPLY_BYTES 3000
#define LINE_BYTES  2000

static char *current, *line;
static volatile int total;

__attribute__((noinline)) static void ask(int i)
{
    current = malloc(QUERY_BYTES); /* @query */
    current[0] = (char)i;
}

__attribute__((noinline)) static void answer(int i)
{
    current = malloc(REPLY_BYTES); /* @reply */
    current[0] = (char)i;
}

__attribute__((noinline)) static void drop(void)
{
    total += current[0];
    free(current); /* @drop */
    current = NULL;
}

__attribute__((noinline)) static void begin_line(int i)
{
    line = malloc(LINE_BYTES); /* @line */
    line[0] = (char)i;
}

__attribute__((noinline)) static void end_line(void)
{
    total += line[0];
    free(line);
    line = NULL;
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        ask(i);
        drop();
        begin_line(i);
        end_line();
        answer(i);
        drop();
    }
    return total == 1;
}
