/* SPDX-License-Identifier: MIT */
/* One function joins strings into a buffer, another one sends and releases it; both are called by a third.
 * Sizes vary within a bound.
 *
 * expect {"kind": "stack-buffer", "sites": ["@joined"], "confidence": "conditional", "evidence":
 *         {"buffer_bytes": "=SMALLEST + STEPS - 1", "owner": {"function": "reply"}, "frames_down": 1,
 *         "instances": "=CALLS", "exceptions": 0}}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS    320
#define SMALLEST 33
#define STEPS    32

static char *join(int value)
{
    size_t size_bytes = SMALLEST + (size_t)(value % STEPS);
    char *joined = malloc(size_bytes); /* @joined */
    memset(joined, 'x', size_bytes);
    return joined;
}

static int send_out(char *joined)
{
    int sum = joined[0];
    free(joined);
    return sum;
}

static int reply(int value)
{
    char *joined = join(value);
    int sum = send_out(joined);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += reply(i);
    return sum == 0;
}
