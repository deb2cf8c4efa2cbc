/* SPDX-License-Identifier: MIT */
/* Built with optimisation: the release is the last call of its function and becomes a jump, so that this
 * function is no longer on the stack. The debug information tells that it was the only way there.
 *
 * expect {"kind": "stack-buffer", "sites": ["@line"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=LINE_BYTES", "owner": {"function": "print_line"}, "frames_down": 0, "instances":
 *         "=CALLS", "exceptions": 0}}
 * check tail_frames
 */
#include <stdlib.h>

#define CALLS      120
#define LINE_BYTES 80

__attribute__((noinline)) static void print_line(int value)
{
    char *line = malloc(LINE_BYTES); /* @line */
    *(volatile char *)line = (char)value;
    free(line); /* @jump_line */
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        print_line(i);
    return 0;
}
