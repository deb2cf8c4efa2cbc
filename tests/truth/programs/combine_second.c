/* SPDX-License-Identifier: MIT */
/* A topic is looked for, and made if it is not there; then a reader is looked for in it, and made. In this run each
 * topic had one reader, but a second one would come to a topic that is there: no structure of both without that
 * condition. Near misses: a message that is made with its head, whichever way, and a head that only some have; a way
 * that gives up before anything is made is none around it.
 *
 * expect {"kind": "combine", "sites": ["@topic", "@reader"], "confidence": "conditional",
 *         "condition": {"kind": "number", "sites": ["@reader"]}}
 * expect {"kind": "combine", "sites": ["@message", "@head", "@tail"], "confidence": "consistent", "condition": null}
 */
#include <stdlib.h>

#define ROUNDS 400
#define LIVE   4

struct reader {
    struct reader *next;
    long id;
};

struct topic {
    struct topic *next;
    struct reader *readers;
    long name;
};

struct message {
    char *head, *tail;
    long size_bytes, number;
};

static struct topic *topics;
static struct message *messages[LIVE];
static volatile int is_closed;

static struct topic *find_topic(long name)
{
    struct topic *topic = topics;
    while (topic != NULL && topic->name != name)
        topic = topic->next;
    return topic;
}

static struct reader *find_reader(struct topic *topic, long id)
{
    struct reader *reader = topic->readers;
    while (reader != NULL && reader->id != id)
        reader = reader->next;
    return reader;
}

__attribute__((noinline)) static struct reader *subscribe(long name, long id)
{
    struct topic *topic = find_topic(name);
    if (topic == NULL) {
        topic = calloc(1, sizeof(*topic)); /* @topic */
        topic->name = name;
        topic->next = topics;
        topics = topic;
    }
    struct reader *reader = find_reader(topic, id);
    if (reader == NULL) {
        reader = calloc(1, sizeof(*reader)); /* @reader */
        reader->id = id;
        reader->next = topic->readers;
        topic->readers = reader;
    }
    return reader;
}

__attribute__((noinline)) static void drop_last_topic(void)
{
    struct topic **last = &topics;
    while ((*last)->next != NULL)
        last = &(*last)->next;
    struct topic *topic = *last;
    *last = NULL;
    while (topic->readers != NULL) {
        struct reader *next = topic->readers->next;
        free(topic->readers);
        topic->readers = next;
    }
    free(topic);
}

__attribute__((noinline)) static struct message *message_new(long number)
{
    if (is_closed)
        return NULL;
    struct message *message = malloc(sizeof(*message)); /* @message */
    if (message == NULL)
        return NULL;
    message->number = number;
    message->head = malloc(24); /* @head */
    message->head[0] = 'h';
    message->tail = NULL;
    if (number % 2 == 0) {
        message->tail = malloc(48); /* @tail */
        message->tail[0] = 't';
    }
    return message;
}

__attribute__((noinline)) static void message_free(struct message *message)
{
    free(message->tail);
    free(message->head);
    free(message);
}

int main(void)
{
    for (long i = 0; i < ROUNDS; i++) {
        if (i >= LIVE)
            drop_last_topic();
        subscribe(i, 7);
        if (messages[i % LIVE] != NULL)
            message_free(messages[i % LIVE]);
        messages[i % LIVE] = message_new(i);
    }
    while (topics != NULL)
        drop_last_topic();
    for (int i = 0; i < LIVE; i++)
        message_free(messages[i]);
    return 0;
}
