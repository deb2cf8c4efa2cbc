/* SPDX-License-Identifier: MIT */
/* Requests and responses are structures of nearly the same size with the same life, never together: they can
 * become one type. What a timer needs has another life, though its size is the same.
 *
 * expect {"kind": "combine", "sites": ["@request", "@response"], "evidence": {"relation": "similar"}}
 * never {"kind": "combine", "sites": ["@timer"]}
 */
#include <stdlib.h>

#define CALLS          320
#define AT_ONCE        8
#define REQUEST_BYTES  120
#define RESPONSE_BYTES 128
#define TIMER_BYTES    120

static char *requests[AT_ONCE];
static char *responses[AT_ONCE];
static char *timers[AT_ONCE];

static void begin(int i)
{
    requests[i % AT_ONCE] = malloc(REQUEST_BYTES); /* @request */
}

static void answer(int i)
{
    free(requests[i % AT_ONCE]);
    requests[i % AT_ONCE] = NULL;
    responses[i % AT_ONCE] = malloc(RESPONSE_BYTES); /* @response */
}

static void end(int i)
{
    free(responses[i % AT_ONCE]);
    responses[i % AT_ONCE] = NULL;
}

static void keep(int i)
{
    if (i % 40 != 0)
        return;
    free(timers[i / 40 % AT_ONCE]);
    timers[i / 40 % AT_ONCE] = malloc(TIMER_BYTES); /* @timer */
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        keep(i);
        begin(i);
        if (i >= 2)
            answer(i - 2);
        if (i >= 4)
            end(i - 4);
    }
    return 0;
}
