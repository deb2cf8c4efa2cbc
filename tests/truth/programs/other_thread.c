/* SPDX-License-Identifier: MIT */
/* Near miss: a worker releases each block while the function that asked for it still waits. A local buffer
 * would do here only because the function waits; the log shows a release by another thread, and no more.
 *
 * never {"kind": "stack-buffer", "sites": ["@job"]}
 * expect {"kind": "stack-buffer", "sites": ["@note"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=NOTE_BYTES", "owner": {"function": "submit"}, "frames_down": 0, "instances":
 *         "=JOBS", "exceptions": 0}}
 * allow {"kind": "permanent", "sites": ["@thread"]}
 * allow {"kind": "preallocate", "sites": ["@job"]}
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#define JOBS       150
#define JOB_BYTES  72
#define NOTE_BYTES 16

static sem_t posted, done;
static char *job;

static void *work(void *unused)
{
    for (int i = 0; i < JOBS; i++) {
        sem_wait(&posted);
        free(job);
        sem_post(&done);
    }
    return unused;
}

static void submit(int value)
{
    char *note = malloc(NOTE_BYTES); /* @note */
    note[0] = (char)value;
    job = malloc(JOB_BYTES); /* @job */
    job[0] = note[0];
    sem_post(&posted);
    sem_wait(&done);
    free(note);
}

int main(void)
{
    pthread_t thread;
    sem_init(&posted, 0, 0);
    sem_init(&done, 0, 0);
    if (pthread_create(&thread, NULL, work, NULL) != 0) /* @thread */
        return 1;
    for (int i = 0; i < JOBS; i++)
        submit(i);
    pthread_join(thread, NULL);
    return 0;
}
