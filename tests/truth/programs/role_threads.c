/* SPDX-License-Identifier: MIT */
/* Two threads call the same functions. In the one, what is made is released before the call returns; in the other it is
 * kept in a ring. Only where the stacks begin are they told apart; the line that releases is the same.
 *
 * expect {"kind": "stack-buffer", "sites": ["@block"], "roles": [["@block", 0]], "condition": {"kind":
 *         "shared-release"}, "evidence": {"buffer_bytes": "=BLOCK_BYTES", "instances": "=CALLS", "exceptions": 0}}
 * expect {"kind": "pool", "sites": ["@block"], "roles": [["@block", 0]], "confidence": "consistent", "evidence":
 *         {"block_bytes": "=BLOCK_BYTES", "block_count": "=KEPT + 1"}}
 */
#include <pthread.h>
#include <stdlib.h>

#define CALLS       400
#define KEPT        6
#define BLOCK_BYTES 88

static char *ring[KEPT];
static volatile int total;

__attribute__((noinline)) static char *make(int id)
{
    char *block = malloc(BLOCK_BYTES); /* @block */
    block[0] = (char)id;
    return block;
}

__attribute__((noinline)) static char *prepare(int id)
{
    char *block = make(id);
    total++;
    return block;
}

__attribute__((noinline)) static void handle(int id, int is_kept)
{
    char *block = prepare(id);
    total += block[0];
    if (is_kept) {
        char *old = ring[id % KEPT];
        ring[id % KEPT] = block;
        block = old;
    }
    free(block);
    total++;
}

__attribute__((noinline)) static void *watch(void *unused)
{
    for (int i = 0; i < CALLS; i++)
        handle(i, 1);
    return unused;
}

int main(void)
{
    pthread_t watcher;
    if (pthread_create(&watcher, NULL, watch, NULL) != 0)
        return 1;
    pthread_join(watcher, NULL);
    for (int i = 0; i < CALLS; i++)
        handle(i, 0);
    for (int i = 0; i < KEPT; i++)
        free(ring[i]);
    return total == 1;
}
