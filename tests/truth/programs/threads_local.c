/* SPDX-License-Identifier: MIT */
/* The same local buffer in several threads at the same time: one for each activation, however many threads.
 *
 * expect {"kind": "stack-buffer", "sites": ["@line"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=LINE_BYTES", "owner": {"function": "print_line"}, "frames_down": 0,
 *         "instances": "=THREADS * CALLS", "exceptions": 0}}
 * allow {"kind": "permanent", "sites": ["@thread"]}
 */
#include <pthread.h>
#include <stdlib.h>

#define THREADS    4
#define CALLS      100
#define LINE_BYTES 72

static pthread_barrier_t all;

static int print_line(int value)
{
    char *line = malloc(LINE_BYTES); /* @line */
    line[0] = (char)value;
    pthread_barrier_wait(&all);
    int sum = line[0];
    free(line);
    return sum;
}

static void *work(void *unused)
{
    for (int i = 0; i < CALLS; i++)
        print_line(i);
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&all, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) /* @thread */
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
