/* SPDX-License-Identifier: MIT */
/* Near miss: every thread keeps a buffer and replaces it when it is too small; the thread's end releases it.
 *
 * never {"kind": "stack-buffer", "sites": ["@buffer"]}
 * allow {"kind": "permanent", "sites": ["@thread"]}
 * expect {"kind": "fixed-maximum", "sites": ["@buffer"], "evidence": {"max_bytes": "=16 + 8 * (CALLS - 1)",
 *         "p99_bytes": "=16 + 8 * (CALLS - 1)", "observations": "=THREADS * CALLS", "still_growing": false}}
 * allow {"kind": "preallocate", "sites": ["@buffer"]}
 */
#include <pthread.h>
#include <stdlib.h>

#define THREADS 4
#define CALLS   60

static pthread_key_t key;

struct cache {
    size_t size_bytes;
    char *bytes;
};

static _Thread_local struct cache cache;

static void forget(void *bytes)
{
    free(bytes);
}

static int render(size_t size_bytes)
{
    if (cache.size_bytes < size_bytes) {
        free(cache.bytes);
        cache.bytes = malloc(size_bytes); /* @buffer */
        cache.size_bytes = size_bytes;
        pthread_setspecific(key, cache.bytes);
    }
    cache.bytes[0] = 1;
    return cache.bytes[0];
}

static void *work(void *unused)
{
    for (size_t i = 0; i < CALLS; i++)
        render(16 + 8 * i);
    return unused;
}

int main(void)
{
    pthread_key_create(&key, forget);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, NULL) != 0) /* @thread */
            return 1;
        pthread_join(thread, NULL);
    }
    return 0;
}
