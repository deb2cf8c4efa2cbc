/* SPDX-License-Identifier: MIT */
/* One constructor with several owners. Two functions make a message and release it: each has a local one. A third one
 * puts its messages into a queue, which another function empties: that is no local one, and must not spoil the others.
 * Where two callers are called by one function that outlives both, the line as a whole has an owner, and is not split.
 * With CHANGED, the queue has a pool.
 *
 * expect {"kind": "stack-buffer", "sites": ["@make"], "roles": [["@make", "@from_ask"]], "confidence": "consistent",
 *         "condition": null, "evidence": {"buffer_bytes": "=MESSAGE_BYTES", "owner": {"function": "ask"},
 *         "frames_down": 1, "instances": "=CALLS", "exceptions": 0, "max_live_count": 1}}
 * expect {"kind": "stack-buffer", "sites": ["@make"], "roles": [["@make", "@from_answer"]], "confidence": "consistent",
 *         "condition": null, "evidence": {"owner": {"function": "answer"}, "instances": "=CALLS", "exceptions": 0}}
 * expect {"kind": "pool", "sites": ["@make"], "roles": [["@make", "@from_queue"]], "confidence": "consistent",
 *         "evidence": {"block_bytes": "=MESSAGE_BYTES", "block_count": "=QUEUED", "allocations": "=CALLS"}}
 * expect {"kind": "stack-buffer", "sites": ["@shared"], "confidence": "consistent", "evidence": {"owner": {"function":
 *         "work"}, "instances": "=2 * CALLS", "exceptions": 0}}
 */
#include <stdlib.h>

#define CALLS         300
#define QUEUED        5
#define MESSAGE_BYTES 48
#define SHARED_BYTES  40

static char *queue[QUEUED];
#ifdef CHANGED
static char pool[QUEUED][MESSAGE_BYTES];
#endif
static volatile int total;

__attribute__((noinline)) static char *make(int id)
{
    char *message = malloc(MESSAGE_BYTES); /* @make */
    message[0] = (char)id;
    return message;
}

__attribute__((noinline)) static void ask(int id)
{
    char *message = make(id); /* @from_ask */
    total += message[0];
    free(message);
    total++;
}

__attribute__((noinline)) static void answer(int id)
{
    char *message = make(id); /* @from_answer */
    total -= message[0];
    free(message);
    total++;
}

__attribute__((noinline)) static void put(int id)
{
#ifdef CHANGED
    queue[id % QUEUED] = pool[id % QUEUED];
    queue[id % QUEUED][0] = (char)id;
#else
    queue[id % QUEUED] = make(id); /* @from_queue */
#endif
    total++;
}

__attribute__((noinline)) static void take_all(void)
{
    for (int i = 0; i < QUEUED; i++) {
        total += queue[i][0];
#ifndef CHANGED
        free(queue[i]);
#endif
        queue[i] = NULL;
    }
}

__attribute__((noinline)) static char *make_shared(int id)
{
    char *text = malloc(SHARED_BYTES); /* @shared */
    text[0] = (char)id;
    return text;
}

__attribute__((noinline)) static char *first(int id)
{
    char *text = make_shared(id);
    total++;
    return text;
}

__attribute__((noinline)) static char *second(int id)
{
    char *text = make_shared(id + 1);
    total++;
    return text;
}

__attribute__((noinline)) static void work(int id)
{
    char *one = first(id), *other = second(id);
    total += one[0] - other[0];
    free(one);
    free(other);
    total++;
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        ask(i);
        work(i);
        answer(i);
        put(i);
        if (i % QUEUED == QUEUED - 1)
            take_all();
    }
    return total == 1;
}
