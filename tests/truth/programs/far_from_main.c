/* SPDX-License-Identifier: MIT */
/* A result is made four calls below main, handed up, and released by main's loop. It is gone before main returns,
 * as is everything that a program releases: no reason to hand a buffer of main's down through all of them.
 *
 * never {"kind": "stack-buffer", "sites": ["@result"]}
 * allow {"kind": "preallocate", "sites": ["@result"]}
 */
#include <stdlib.h>

#define ROUNDS 200

static char *make_result(int i)
{
    char *result = malloc(24); /* @result */
    result[0] = (char)i;
    return result;
}

static char *look_up(int i)
{
    char *result = make_result(i);
    result[1] = 1;
    return result;
}

static char *evaluate(int i)
{
    char *result = look_up(i);
    result[2] = 1;
    return result;
}

static char *step(int i)
{
    char *result = evaluate(i);
    result[3] = 1;
    return result;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char *result = step(i);
        sum += result[0];
        free(result);
    }
    return sum == 1;
}
