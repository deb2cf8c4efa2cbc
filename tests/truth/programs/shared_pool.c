/* SPDX-License-Identifier: MIT */
/* Jobs that one thread makes and another one releases: their pool needs a lock. Near misses: notes that only the
 * main thread has, and words that only the worker has, although both threads run all the time.
 *
 * expect {"kind": "pool", "sites": ["@job"], "evidence": {"block_bytes": 64, "block_count": "=JOBS",
 *         "thread_count": 2}}
 * expect {"kind": "pool", "sites": ["@note"], "evidence": {"block_bytes": 48, "block_count": "=JOBS"}}
 * expect {"kind": "pool", "sites": ["@word"], "evidence": {"block_bytes": 32, "block_count": "=JOBS"}}
 * allow {"kind": "permanent", "sites": ["@thread"]}
 * check pools_name_threads
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define ROUNDS 100
#define JOBS   6

static pthread_barrier_t made, done;
static char *jobs[JOBS], *notes[JOBS], *words[JOBS];

static void make_all(void)
{
    for (int i = 0; i < JOBS; i++) {
        free(notes[i]);
        jobs[i] = malloc(64);  /* @job */
        notes[i] = malloc(48); /* @note */
        jobs[i][0] = notes[i][0] = 1;
    }
}

static void drop_all(void)
{
    for (int i = 0; i < JOBS; i++) {
        free(words[i]);
        words[i] = malloc(32); /* @word */
        words[i][0] = jobs[i][0];
        free(jobs[i]);
    }
}

static void *work(void *unused)
{
    prctl(PR_SET_NAME, "worker");
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&made);
        drop_all();
        pthread_barrier_wait(&done);
    }
    for (int i = 0; i < JOBS; i++)
        free(words[i]);
    return unused;
}

int main(void)
{
    pthread_t worker;
    pthread_barrier_init(&made, NULL, 2);
    pthread_barrier_init(&done, NULL, 2);
    if (pthread_create(&worker, NULL, work, NULL) != 0) /* @thread */
        return 1;
    for (int round = 0; round < ROUNDS; round++) {
        make_all();
        pthread_barrier_wait(&made);
        pthread_barrier_wait(&done);
    }
    for (int i = 0; i < JOBS; i++)
        free(notes[i]);
    pthread_join(worker, NULL);
    return 0;
}
