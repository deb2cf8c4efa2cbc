/* SPDX-License-Identifier: MIT */
/* Nodes of a list come and go in waves; none is like the other in how long it stays. A pool of that block
 * size needs as many blocks as were live at once.
 *
 * expect {"kind": "pool", "sites": ["@node"], "evidence": {"block_bytes": "=NODE_BYTES", "block_count":
 *         "=FIRST_WAVE + SECOND_WAVE - TAKEN", "waste_bytes": 0}}
 */
#include <stdlib.h>

#define WAVES       12
#define FIRST_WAVE  37
#define TAKEN       11
#define SECOND_WAVE 25
#define NODE_BYTES  56

struct node {
    struct node *next;
};

static struct node *head;

static void push(int count)
{
    for (int i = 0; i < count; i++) {
        struct node *node = malloc(NODE_BYTES); /* @node */
        node->next = head;
        head = node;
    }
}

static void take(int count)
{
    for (int i = 0; i < count; i++) {
        struct node *node = head;
        head = node->next;
        free(node);
    }
}

static void drain(void)
{
    take(FIRST_WAVE);
}

int main(void)
{
    atexit(drain);
    for (int i = 0; i < WAVES; i++) {
        push(FIRST_WAVE);
        take(TAKEN);
        push(SECOND_WAVE);
        take(FIRST_WAVE + SECOND_WAVE - TAKEN);
    }
    push(FIRST_WAVE);
    return 0;
}
