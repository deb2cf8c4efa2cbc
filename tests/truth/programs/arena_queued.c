/* SPDX-License-Identifier: MIT */
/* Nodes that a call makes are queued in an object of its caller, and taken out again before it returns, each time in
 * this run. Nothing but the code shows that the queue could keep them.
 *
 * expect {"kind": "arena", "sites": ["@number", "@text", "@pair"], "confidence": "conditional", "evidence": {"owner":
 *         {"function": "handle_packet"}, "calls": "=CALLS", "site_count": 3}, "condition": {"kind": "address-stored",
 *         "sites": ["@node", "@queue"]}}
 * allow {"kind": "permanent", "sites": ["@client"]}
 */
#include <stdlib.h>

#define CALLS        400
#define NUMBER_BYTES 24
#define TEXT_BYTES   40
#define PAIR_BYTES   48

struct node {
    struct node *next;
    int kind;
};

struct client {
    struct node *out;
    int number;
};

__attribute__((noinline)) static struct node *make_number(void)
{
    struct node *node = malloc(NUMBER_BYTES); /* @number */
    node->kind = 0;
    return node;
}

__attribute__((noinline)) static struct node *make_text(void)
{
    struct node *node = malloc(TEXT_BYTES); /* @text */
    node->kind = 1;
    return node;
}

__attribute__((noinline)) static struct node *make_pair(void)
{
    struct node *node = malloc(PAIR_BYTES); /* @pair */
    node->kind = 2;
    return node;
}

/* 3 to 60 nodes: of a kind and the next one, the latter twice as often. */
__attribute__((noinline)) static int handle_packet(struct client *client, int packet)
{
    int sum = client->number;
    for (int i = 0; i < 3 + packet % 58; i++) {
        int kind = (i * i + packet) % 3;
        struct node *node = kind == 0 ? make_number() : kind == 1 ? make_text() : make_pair(); /* @node */
        node->next = client->out;
        client->out = node; /* @queue */
    }
    while (client->out != NULL) {
        struct node *node = client->out;
        client->out = node->next;
        sum += node->kind;
        free(node);
    }
    return sum;
}

int main(void)
{
    struct client *client = calloc(1, sizeof(*client)); /* @client */
    int sum = 0;
    for (int packet = 0; packet < CALLS; packet++)
        sum += handle_packet(client, packet);
    free(client);
    return sum == 1;
}
