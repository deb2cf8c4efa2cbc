/* SPDX-License-Identifier: MIT */
/* A receiver asks for a message and its topic; a worker releases both. Several messages wait at a time.
 *
 * expect {"kind": "combine", "sites": ["@message", "@topic"], "evidence": {"relation": "equal", "groups":
 *         "=MESSAGES", "exceptions": 0, "members": [{"site": "@message", "size_bytes": "=MESSAGE_BYTES",
 *         "per_group": 1}, {"site": "@topic", "size_bytes": "=TOPIC_BYTES", "per_group": 1}],
 *         "combined_bytes": "=MESSAGE_BYTES + TOPIC_BYTES"}}
 * never {"kind": "stack-buffer", "sites": ["@message"]}
 * never {"kind": "stack-buffer", "sites": ["@topic"]}
 * allow {"kind": "permanent", "sites": ["@thread"]}
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#define MESSAGES      300
#define WAITING       5
#define MESSAGE_BYTES 64
#define TOPIC_BYTES   48

struct message {
    char *topic;
};

static struct message *queue[WAITING];
static sem_t full, empty;

static void *work(void *unused)
{
    for (int i = 0; i < MESSAGES; i++) {
        sem_wait(&full);
        struct message *message = queue[i % WAITING];
        free(message->topic);
        free(message);
        sem_post(&empty);
    }
    return unused;
}

static void receive(int i)
{
    struct message *message = malloc(MESSAGE_BYTES); /* @message */
    message->topic = malloc(TOPIC_BYTES);            /* @topic */
    message->topic[0] = (char)i;
    sem_wait(&empty);
    queue[i % WAITING] = message;
    sem_post(&full);
}

int main(void)
{
    pthread_t thread;
    sem_init(&full, 0, 0);
    sem_init(&empty, 0, WAITING);
    if (pthread_create(&thread, NULL, work, NULL) != 0) /* @thread */
        return 1;
    for (int i = 0; i < MESSAGES; i++)
        receive(i);
    pthread_join(thread, NULL);
    return 0;
}
