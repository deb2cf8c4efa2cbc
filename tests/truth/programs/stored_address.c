/* SPDX-License-Identifier: MIT */
/* Blocks that are gone when the function that made them returns, in this run, but whose address it stores where
 * it could stay: in an object that outlives the call, itself or by a function that it passes the block to; between
 * two events, so that only the machine code shows it. And near misses: addresses that are stored where nothing
 * outlives the call.
 *
 * expect {"kind": "stack-buffer", "sites": ["@queued"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@queued_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@passed"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@passed_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@appended"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@appended_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@found"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@found_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@copied"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@copied_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@part"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@part"]}}
 * expect {"kind": "stack-buffer", "sites": ["@whole"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@whole_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@given"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@ring"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@holder"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@held"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@local"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@length"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@static"], "confidence": "consistent", "condition": null}
 * allow {"kind": "arena"}
 * allow {"kind": "permanent"}
 * allow {"kind": "combine", "sites": ["@holder", "@held"]}
 * allow {"kind": "combine", "sites": ["@whole", "@part"]}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200

struct packet {
    struct packet *next, *previous;
    long number;
};

struct client {
    struct packet *first;
    struct packet **end;
    char *text;
    long length;
};

struct text {
    char *data;
    size_t size_bytes;
};

static volatile long written;

/* Each function has releases of its own. */
#define WRITE_OUT(client)                                                                                    \
    do {                                                                                                     \
        __asm__ volatile("" ::: "memory"); /* so that an optimised build stores it, too */                   \
        while ((client)->first != NULL) {                                                                    \
            struct packet *packet_out = (client)->first;                                                     \
            (client)->first = packet_out->next;                                                              \
            written += packet_out->number;                                                                   \
            free(packet_out);                                                                                \
        }                                                                                                    \
        (client)->end = &(client)->first;                                                                    \
    } while (0)

static struct client *clients[2];
static char *volatile last;

__attribute__((noinline)) static struct client *client_new(void)
{
    struct client *client = calloc(1, sizeof(*client));
    client->end = &client->first;
    return client;
}

__attribute__((noinline)) static struct client *client_find(long number)
{
    return clients[number % 2];
}

/* The function itself puts it into the queue. */
__attribute__((noinline)) static void queue_one(struct client *client, long number)
{
    struct packet *packet = calloc(1, sizeof(*packet)); /* @queued */
    packet->number = number;
    packet->next = client->first;
    client->first = packet; /* @queued_store */
    WRITE_OUT(client);
    written++;
}

/* A function that gets the block does. */
__attribute__((noinline)) static void enqueue(struct client *client, struct packet *packet)
{
    packet->next = client->first;
    client->first = packet; /* @passed_store */
}

__attribute__((noinline)) static void pass_one(struct client *client, long number)
{
    struct packet *packet = calloc(1, sizeof(*packet)); /* @passed */
    packet->number = number;
    enqueue(client, packet);
    WRITE_OUT(client);
    written++;
}

/* Through a pointer that was found in the object. */
__attribute__((noinline)) static void append_one(struct client *client, long number)
{
    struct packet *packet = calloc(1, sizeof(*packet)); /* @appended */
    packet->number = number;
    *client->end = packet; /* @appended_store */
    client->end = &packet->next;
    WRITE_OUT(client);
    written++;
}

/* In an object that another function found. */
__attribute__((noinline)) static void find_and_queue(long number)
{
    struct packet *packet = calloc(1, sizeof(*packet)); /* @found */
    struct client *client = client_find(number);
    packet->number = number;
    client->first = packet; /* @found_store */
    WRITE_OUT(client);
    written++;
}

/* In a block that is queued itself. */
struct message {
    struct message *next;
    long number;
    char *text;
};

struct channel {
    struct message *first;
};

__attribute__((noinline)) static void send(struct channel *channel, long number)
{
    struct message *message = calloc(1, sizeof(*message)); /* @whole */
    message->text = malloc(72);                            /* @part */
    message->text[0] = (char)number;
    message->next = channel->first;
    channel->first = message; /* @whole_store */
    __asm__ volatile("" ::: "memory");
    while (channel->first != NULL) {
        message = channel->first;
        channel->first = message->next;
        written += message->text[0];
        free(message->text);
        free(message);
    }
    written++;
}

/* As a part of a struct that is copied. */
__attribute__((noinline)) static struct text text_of(char *data, size_t size_bytes)
{
    return (struct text){data, size_bytes};
}

__attribute__((noinline)) static void copy_struct(struct text *out, long number)
{
    char *text = malloc(24); /* @copied */
    snprintf(text, 24, "%ld", number);
    *out = text_of(text, strlen(text)); /* @copied_store */
    written += (long)out->size_bytes;
    free(text);
    written++;
}

/* The caller gets the address, in a variable of its own. */
__attribute__((noinline)) static int give(char **ret_text, long number)
{
    char *text = malloc(32); /* @given */
    if (text == NULL)
        return -1;
    text[0] = (char)number;
    *ret_text = text;
    return 0;
}

__attribute__((noinline)) static void take(long number)
{
    char *text;
    if (give(&text, number) < 0)
        return;
    written += text[0];
    free(text);
    written++;
}

/* The block points to itself. */
__attribute__((noinline)) static void close_ring(long number)
{
    struct packet *packet = malloc(sizeof(*packet)); /* @ring */
    packet->next = packet;
    packet->previous = packet;
    packet->number = number;
    written += packet->next->previous->number;
    free(packet);
    written++;
}

/* What holds it is gone when the function returns. */
__attribute__((noinline)) static void hold(long number)
{
    struct text *holder = malloc(sizeof(*holder)); /* @holder */
    holder->data = malloc(40);                     /* @held */
    holder->data[0] = (char)number;
    holder->size_bytes = 40;
    written += holder->data[0];
    free(holder->data);
    free(holder);
    written++;
}

/* A local object holds it, whose address goes to a function. */
__attribute__((noinline)) static void read_text(struct text *text)
{
    written += text->data[0];
    text->size_bytes = 1;
}

__attribute__((noinline)) static void keep_local(long number)
{
    struct text text;
    text.data = malloc(48); /* @local */
    text.data[0] = (char)number;
    read_text(&text);
    free(text.data);
    written++;
}

/* Not the address is stored, but a difference of two. */
__attribute__((noinline)) static void measure(struct client *client, long number)
{
    char *text = malloc(56); /* @length */
    char *end = text + snprintf(text, 56, "%ld", number);
    client->length = end - text;
    written += client->length;
    free(text);
    written++;
}

/* In a static variable: told, but no reason to doubt. */
__attribute__((noinline)) static void remember(long number)
{
    char *text = malloc(64); /* @static */
    text[0] = (char)number;
    last = text;
    written += last[0];
    free(text);
    written++;
}

int main(void)
{
    struct client *client = client_new();
    struct text *text = calloc(1, sizeof(*text));
    clients[0] = client_new();
    clients[1] = client_new();
    struct channel *channel = calloc(1, sizeof(*channel));
    for (long i = 0; i < ROUNDS; i++) {
        queue_one(client, i);
        pass_one(client, i);
        send(channel, i);
        append_one(client, i);
        find_and_queue(i);
        copy_struct(text, i);
        take(i);
        close_ring(i);
        hold(i);
        keep_local(i);
        measure(client, i);
        remember(i);
    }
    free(clients[0]);
    free(clients[1]);
    free(channel);
    free(text);
    free(client);
    return written == 0;
}
