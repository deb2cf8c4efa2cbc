/* SPDX-License-Identifier: MIT */
/* Two structures with a part each. One part is made to grow, now and then: it is no member of fixed size, and the line
 * that resizes it is named.
 *
 * expect {"kind": "combine", "sites": ["@list", "@items"], "confidence": "conditional", "condition": {"kind":
 *         "resized", "sites": ["@grow"]}}
 * expect {"kind": "combine", "sites": ["@node", "@value"], "confidence": "consistent", "condition": null}
 * allow {"kind": "pool", "sites": ["@list"]}
 * allow {"kind": "pool", "sites": ["@node", "@value"]}
 * allow {"kind": "pool", "sites": ["@node"]}
 * allow {"kind": "pool", "sites": ["@value"]}
 * allow {"kind": "presize", "sites": ["@items"]}
 * allow {"kind": "fixed-maximum", "sites": ["@items"]}
 */
#include <stdlib.h>

#define SLOTS  3
#define ROUNDS 300

struct list {
    char *items;
    char pad[56];
};

struct node {
    char *value;
    char pad[24];
};

static struct list *lists[SLOTS];
static struct node *nodes[SLOTS];

__attribute__((noinline)) static struct list *list_new(void)
{
    struct list *list = malloc(sizeof(*list)); /* @list */
    list->items = malloc(32);                  /* @items */
    list->items[0] = 1;
    return list;
}

__attribute__((noinline)) static void list_add(struct list *list)
{
    char *items = realloc(list->items, 48); /* @grow */
    items[1] = 1;
    list->items = items;
}

__attribute__((noinline)) static void list_free(struct list *list)
{
    free(list->items);
    free(list);
    lists[0] = lists[0] == list ? NULL : lists[0];
}

__attribute__((noinline)) static struct node *node_new(void)
{
    struct node *node = malloc(sizeof(*node)); /* @node */
    node->value = malloc(20);                  /* @value */
    node->value[0] = 1;
    return node;
}

__attribute__((noinline)) static void node_free(struct node *node)
{
    free(node->value);
    free(node);
    nodes[0] = nodes[0] == node ? NULL : nodes[0];
}

int main(void)
{
    for (int i = 0; i < ROUNDS + SLOTS; i++) {
        if (i >= SLOTS)
            list_free(lists[i % SLOTS]);
        if (i < ROUNDS)
            lists[i % SLOTS] = list_new();
        if (i < ROUNDS && i % 10 == 0)
            list_add(lists[i % SLOTS]);
    }
    for (int i = 0; i < ROUNDS + SLOTS; i++) {
        if (i >= SLOTS)
            node_free(nodes[i % SLOTS]);
        if (i < ROUNDS)
            nodes[i % SLOTS] = node_new();
    }
    return 0;
}
