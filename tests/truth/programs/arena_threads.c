/* SPDX-License-Identifier: MIT */
/* Two threads serve requests. In one half both hold their blocks at the same time, so it takes two arenas; in the other
 * half they take turns, and one is enough.
 *
 * expect {"kind": "arena", "sites": ["@both_small", "@both_large"], "evidence": {"arena_bytes":
 *         "=BLOCKS * SMALL_BYTES + BLOCKS * LARGE_BYTES", "arena_count": 2, "owner": {"function": "serve_both"},
 *         "calls": "=2 * CALLS"}}
 * expect {"kind": "arena", "sites": ["@turn_small", "@turn_large"], "evidence": {"arena_bytes":
 *         "=BLOCKS * SMALL_BYTES + BLOCKS * LARGE_BYTES", "arena_count": 1, "owner": {"function": "serve_turn"},
 *         "calls": "=2 * CALLS"}}
 */
#include <pthread.h>
#include <stdlib.h>

#define CALLS       60
#define BLOCKS      24
#define SMALL_BYTES 24
#define LARGE_BYTES 88

static pthread_barrier_t barrier;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) static void serve_both(void)
{
    char *small[BLOCKS], *large[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        small[i] = malloc(SMALL_BYTES); /* @both_small */
    for (int i = 0; i < BLOCKS; i++)
        large[i] = malloc(LARGE_BYTES); /* @both_large */
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < BLOCKS; i++) {
        small[i][0] = large[i][0] = 1;
        free(large[i]);
        free(small[i]);
    }
    pthread_barrier_wait(&barrier);
}

__attribute__((noinline)) static void serve_turn(void)
{
    char *small[BLOCKS], *large[BLOCKS];
    pthread_mutex_lock(&turn);
    for (int i = 0; i < BLOCKS; i++)
        small[i] = malloc(SMALL_BYTES); /* @turn_small */
    for (int i = 0; i < BLOCKS; i++)
        large[i] = malloc(LARGE_BYTES); /* @turn_large */
    for (int i = 0; i < BLOCKS; i++) {
        small[i][0] = large[i][0] = 1;
        free(large[i]);
        free(small[i]);
    }
    pthread_mutex_unlock(&turn);
}

static void *work(void *argument)
{
    for (int i = 0; i < CALLS; i++)
        serve_both();
    for (int i = 0; i < CALLS; i++)
        serve_turn();
    return argument;
}

int main(void)
{
    pthread_t other;
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&other, NULL, work, NULL) != 0)
        return 1;
    work(NULL);
    pthread_join(other, NULL);
    return 0;
}
