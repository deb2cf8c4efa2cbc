/* SPDX-License-Identifier: MIT */
/* A buffer that is asked for two calls below the function that owns it.
 *
 * expect {"kind": "stack-buffer", "sites": ["@name"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=NAME_BYTES", "owner": {"function": "serve"}, "frames_down": 2, "instances":
 *         "=CALLS", "exceptions": 0}}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS      150
#define NAME_BYTES 40

static char *make_name(int value)
{
    char *name = malloc(NAME_BYTES); /* @name */
    memset(name, 'a' + value % 26, NAME_BYTES);
    return name;
}

static char *prepare(int value)
{
    char *name = make_name(value);
    name[0] = 'A';
    return name;
}

static int serve(int value)
{
    char *name = prepare(value);
    int sum = name[1];
    free(name);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += serve(i);
    return sum == 0;
}
