/* SPDX-License-Identifier: MIT */
/* A function that is inlined into its caller's loop keeps its blocks over several of its calls, and releases them
 * all in every sixteenth: a queue. To the log all its calls are one of main, so that they cannot be told apart. A pool
 * is right all the same: it is told first, and the local array, which is none, beside it: the
 * variable that keeps the address is named.
 *
 * expect {"kind": "pool", "sites": ["@sample"], "confidence": "consistent", "evidence": {"block_count": "=LIMIT"}}
 * expect {"kind": "stack-buffer", "sites": ["@sample"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@sample", "@kept"]}}
 */
#include <stdio.h>
#include <stdlib.h>

#define CALLS 800
#define LIMIT 16

struct sample {
    struct sample *next;
    int number;
};

static struct sample *queue;
static int waiting;
static long sent;

__attribute__((always_inline)) static inline void tick(int number)
{
    struct sample *sample = malloc(sizeof(*sample)); /* @sample */
    sample->number = number;
    sample->next = queue;
    queue = sample; /* @kept */
    if (++waiting < LIMIT)
        return;
    while (queue != NULL) {
        struct sample *next = queue->next;
        sent += queue->number;
        free(queue);
        queue = next;
    }
    waiting = 0;
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        tick(i);
    return sent == 0;
}
