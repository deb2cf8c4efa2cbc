/* SPDX-License-Identifier: MIT */
/* A buffer that grows by realloc, and never leaves its function: the blocks of a chain are one buffer.
 *
 * expect {"kind": "stack-buffer", "sites": ["@text"], "confidence": "conditional", "evidence":
 *         {"buffer_bytes": "=SECOND_BYTES", "owner": {"function": "compose"}, "frames_down": 0,
 *         "instances": "=CALLS", "exceptions": 0}}
 * allow {"kind": "arena", "sites": ["@text", "@grown"], "condition": {"kind": "resized"}}
 */
#include <stdlib.h>

#define CALLS        200
#define FIRST_BYTES  32
#define SECOND_BYTES 128

static int compose(int value)
{
    char *text = malloc(FIRST_BYTES); /* @text */
    text[0] = (char)value;
    text = realloc(text, SECOND_BYTES); /* @grown */
    int sum = text[0];
    free(text);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += compose(i);
    return sum == 0;
}
