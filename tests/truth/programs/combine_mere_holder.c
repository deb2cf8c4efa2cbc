/* SPDX-License-Identifier: MIT */
/* A parser keeps open brackets on a stack of its own: each holds the address of the node of its text, and no node
 * holds that of a bracket. A bracket lives within the life of its node, but is no part of it: it works on it. The text
 * of a node, which the node holds, is one; so is the mark that some nodes hold, though it holds the node as well.
 *
 * expect {"kind": "combine", "sites": ["@node", "@text", "@mark"]}
 * never {"kind": "combine", "sites": ["@node", "@text", "@mark", "@bracket"]}
 * never {"kind": "combine", "sites": ["@node", "@bracket"]}
 * expect {"kind": "preallocate", "sites": ["@bracket"]}
 */
#include <stdlib.h>

#define ROUNDS 600
#define NODES  10

struct mark {
    struct node *node;
    long number;
};

struct node {
    struct node *next;
    char *text;
    struct mark *mark;
    long number;
};

struct bracket {
    struct node *node;
    long number;
    long more;
};

static volatile long total;
static struct bracket *open_bracket;

__attribute__((noinline)) static struct node *node_new(struct node *next, long number)
{
    struct node *node = malloc(sizeof(*node)); /* @node */
    node->next = next;
    node->number = number;
    node->text = malloc(40); /* @text */
    node->text[0] = 't';
    node->mark = NULL;
    if (number % 2 == 0) {
        node->mark = malloc(sizeof(*node->mark)); /* @mark */
        node->mark->node = node;
        node->mark->number = number;
    }
    return node;
}

__attribute__((noinline)) static void node_free(struct node *node)
{
    total += node->text[0];
    free(node->mark);
    free(node->text);
    free(node);
    total++;
}

__attribute__((noinline)) static void push(struct node *node)
{
    struct bracket *bracket = malloc(sizeof(*bracket)); /* @bracket */
    bracket->node = node;
    bracket->number = node->number;
    bracket->more = 0;
    open_bracket = bracket;
}

__attribute__((noinline)) static void pop(void)
{
    total += open_bracket->number;
    free(open_bracket);
    open_bracket = NULL;
}

int main(void)
{
    struct node *kept[NODES] = {NULL};
    for (long i = 0; i < ROUNDS; i++) {
        struct node **place = &kept[i % NODES];
        if (i % 4 == 0) {
            push(node_new(NULL, i / 4));
        } else if (i % 4 == 3) {
            node_free(open_bracket->node);
            pop();
        } else {
            if (*place != NULL)
                node_free(*place);
            *place = node_new(NULL, i);
        }
    }
    for (int i = 0; i < NODES; i++)
        if (kept[i] != NULL)
            node_free(kept[i]);
    return 0;
}
