/* SPDX-License-Identifier: MIT */
/* Built with optimisation, a near miss: two functions end in a jump to `make`, and a third one in a jump to
 * either of them. Which of them was on the way cannot be told from the stack, so none of them is named. The
 * line in `make` stays the site, and `use` the owner.
 *
 * expect {"kind": "stack-buffer", "sites": ["@make"], "evidence": {"buffer_bytes": "=BUFFER_BYTES", "owner":
 *         {"function": "use"}, "instances": "=CALLS", "exceptions": 0}}
 * never {"kind": "*", "sites": ["@small", "@large", "@either", "@use"]}
 * check tail_frames
 */
#include <stdlib.h>

#define CALLS        200
#define BUFFER_BYTES 40

__attribute__((noinline)) static char *make(int i)
{
    char *buffer = malloc(BUFFER_BYTES); /* @make */
    *(volatile char *)buffer = (char)i;
    return buffer;
}

__attribute__((noinline)) static char *make_small(int i)
{
    return make(i + 1); /* @small */
}

__attribute__((noinline)) static char *make_large(int i)
{
    return make(i * 3); /* @large */
}

__attribute__((noinline)) static char *make_either(int i)
{
    if (i % 3 == 0)
        return make_small(i); /* @either */
    return make_large(i);
}

__attribute__((noinline)) static void use(int i)
{
    char *buffer = make_either(i); /* @use */
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
