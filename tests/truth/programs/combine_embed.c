/* SPDX-License-Identifier: MIT */
/* A session has one answer at a time, of varying size, several in its life: the answer can be a member of the
 * session, at its largest size. Another thread releases both, so that neither is a local buffer.
 *
 * expect {"kind": "combine", "sites": ["@session", "@answer"], "evidence": {"relation": "embed", "groups":
 *         "=SESSIONS", "exceptions": 0, "members": [{"site": "@session", "size_bytes": "=SESSION_BYTES",
 *         "per_group": 1}, {"site": "@answer", "size_bytes": "=ANSWER_BYTES", "per_group": 1}],
 *         "combined_bytes": "=SESSION_BYTES + ANSWER_BYTES"}}
 * allow {"kind": "permanent", "sites": ["@thread"]}
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#define SESSIONS      120
#define ANSWERS       4
#define SESSION_BYTES 96
#define ANSWER_BYTES  40

static sem_t posted, done;
static char *posted_block;

static void *release(void *unused)
{
    for (int i = 0; i < SESSIONS * (ANSWERS + 1); i++) {
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

static char *open_session(void)
{
    char *session = malloc(SESSION_BYTES); /* @session */
    session[0] = 1;
    return session;
}

static void give_answer(int i)
{
    char *answer = malloc(ANSWER_BYTES - 8 * (size_t)(i % 3)); /* @answer */
    answer[0] = 1;
    post(answer);
}

static void serve(void)
{
    char *session = open_session();
    for (int i = 0; i < ANSWERS; i++)
        give_answer(i);
    post(session);
}

int main(void)
{
    pthread_t thread;
    sem_init(&posted, 0, 0);
    sem_init(&done, 0, 0);
    if (pthread_create(&thread, NULL, release, NULL) != 0) /* @thread */
        return 1;
    for (int i = 0; i < SESSIONS; i++)
        serve();
    pthread_join(thread, NULL);
    return 0;
}
