/* SPDX-License-Identifier: MIT */
/* One constructor with two callers. Where one caller calls the other, two blocks live in one call of the outer one;
 * where they come one after the other, there is never more than one. Nothing calls itself.
 *
 * expect {"kind": "stack-buffer", "sites": ["@nested"], "evidence": {"buffer_bytes": "=NESTED_BYTES", "owner":
 *         {"function": "handle"}, "max_live_count": 2, "max_thread_live_count": 2, "instances": "=2 * CALLS"}}
 * expect {"kind": "stack-buffer", "sites": ["@other"], "evidence": {"buffer_bytes": "=OTHER_BYTES", "owner":
 *         {"function": "handle"}, "max_live_count": 1, "instances": "=2 * CALLS"}}
 */
#include <stdlib.h>

#define CALLS        200
#define NESTED_BYTES 48
#define OTHER_BYTES  40

static volatile int total;

__attribute__((noinline)) static char *make_nested(int id)
{
    char *block = malloc(NESTED_BYTES); /* @nested */
    block[0] = (char)id;
    return block;
}

__attribute__((noinline)) static char *make_other(int id)
{
    char *block = malloc(OTHER_BYTES); /* @other */
    block[0] = (char)id;
    return block;
}

__attribute__((noinline)) static void answer(int id)
{
    char *reply = make_nested(id);
    total += reply[0];
    free(reply);
    total++;
}

__attribute__((noinline)) static void note(int id)
{
    char *text = make_other(id);
    total += text[0];
    free(text);
    total++;
}

__attribute__((noinline)) static void handle(int id)
{
    char *request = make_nested(id);
    answer(id + 1);
    total += request[0];
    free(request);
    note(id);
    char *text = make_other(id);
    total += text[0];
    free(text);
    total++;
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        handle(i);
    return total == 1;
}
