/* SPDX-License-Identifier: MIT */
/* Built with optimisation: the release is the last call of its function and becomes a jump, so that this
 * function is no longer on the stack. What remains to be seen is that its caller held the block throughout.
 *
 * expect {"kind": "stack-buffer", "sites": ["@line"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=LINE_BYTES", "owner": {"function": "main"}, "frames_down": 1, "instances":
 *         "=CALLS", "exceptions": 0}}
 */
#include <stdlib.h>

#define CALLS      120
#define LINE_BYTES 80

__attribute__((noinline)) static void print_line(int value)
{
    char *line = malloc(LINE_BYTES); /* @line */
    *(volatile char *)line = (char)value;
    free(line);
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        print_line(i);
    return 0;
}
