/* SPDX-License-Identifier: MIT */
/* Built with optimisation, a near miss: two functions jump to each other, and one of them in the end to `make`.
 * How often they did is not to be seen, so neither gets a frame.
 *
 * expect {"kind": "stack-buffer", "sites": ["@make"], "evidence": {"buffer_bytes": "=BUFFER_BYTES", "owner":
 *         {"function": "use"}, "instances": "=CALLS", "exceptions": 0}}
 * never {"kind": "*", "sites": ["@ping", "@pong", "@end", "@use"]}
 * check tail_frames
 */
#include <stdlib.h>

#define CALLS        200
#define BUFFER_BYTES 56

static char *ping(int i, int depth);

__attribute__((noinline)) static char *make(int i)
{
    char *buffer = malloc(BUFFER_BYTES); /* @make */
    *(volatile char *)buffer = (char)i;
    return buffer;
}

__attribute__((noinline)) static char *pong(int i, int depth)
{
    __asm__ volatile("");
    return ping(i * 3, depth - 1); /* @pong */
}

__attribute__((noinline)) static char *ping(int i, int depth)
{
    __asm__ volatile("");
    if (depth == 0)
        return make(i);        /* @end */
    return pong(i + 1, depth); /* @ping */
}

__attribute__((noinline)) static void use(int i)
{
    char *buffer = ping(i, i % 5); /* @use */
    *(volatile char *)buffer = (char)i;
    free(buffer);
    __asm__ volatile("");
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        use(i);
    return 0;
}
