/* SPDX-License-Identifier: MIT */
/* An evaluator has a working area that realloc makes, and messages that come and go meanwhile, one at a time.
 * They live within the area's life, as all does that the evaluator makes: the area is no structure for them.
 * Another thread releases both, so that neither is a local buffer.
 *
 * never {"kind": "combine", "sites": ["@area"]}
 * never {"kind": "combine", "sites": ["@message"]}
 * allow {"kind": "permanent", "sites": ["@thread"]}
 * allow {"kind": "preallocate", "sites": ["@message"]}
 * allow {"kind": "preallocate", "sites": ["@large_area"]}
 * allow {"kind": "preallocate", "sites": ["@area"]}
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#define RUNS     120
#define MESSAGES 3

static sem_t posted, done;
static char *posted_block;

static void *release(void *unused)
{
    for (int i = 0; i < RUNS * (MESSAGES + 1); i++) {
        sem_wait(&posted);
        free(posted_block);
        sem_post(&done);
    }
    return unused;
}

static void post(char *block)
{
    posted_block = block;
    sem_post(&posted);
    sem_wait(&done);
}

/* It would grow in a run that needs more. */
static char *need_area(char *area, size_t bytes)
{
    char *larger = realloc(area, bytes); /* @area */
    larger[0] = 1;
    return larger;
}

static void complain(int i)
{
    char *message = malloc(32 - 8 * (size_t)(i % 3)); /* @message */
    message[0] = 1;
    post(message);
}

static void evaluate(void)
{
    char *area = need_area(NULL, 640); /* @large_area */
    for (int i = 0; i < MESSAGES; i++)
        complain(i);
    post(area);
}

int main(void)
{
    pthread_t thread;
    sem_init(&posted, 0, 0);
    sem_init(&done, 0, 0);
    if (pthread_create(&thread, NULL, release, NULL) != 0) /* @thread */
        return 1;
    for (int i = 0; i < RUNS; i++)
        evaluate();
    pthread_join(thread, NULL);
    return 0;
}
