/* SPDX-License-Identifier: MIT */
/* A buffer that never leaves the function that asks for it, with other allocations made meanwhile.
 *
 * expect {"kind": "stack-buffer", "sites": ["@text"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=TEXT_BYTES", "owner": {"function": "answer"}, "frames_down": 0, "instances":
 *         "=CALLS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@scratch"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=SCRATCH_BYTES", "owner": {"function": "format"}, "frames_down": 0,
 *         "instances": "=2 * CALLS", "exceptions": 0}}
 */
#include <stdlib.h>

#define CALLS         200
#define TEXT_BYTES    64
#define SCRATCH_BYTES 24

static int format(char *text, int value)
{
    char *scratch = malloc(SCRATCH_BYTES); /* @scratch */
    scratch[0] = (char)value;
    text[0] = scratch[0];
    free(scratch);
    return text[0];
}

static int answer(int value)
{
    char *text = malloc(TEXT_BYTES); /* @text */
    int sum = format(text, value);
    sum += format(text, value + 1);
    free(text);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += answer(i);
    return sum == 0;
}
