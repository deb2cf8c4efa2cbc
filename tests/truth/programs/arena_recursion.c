/* SPDX-License-Identifier: MIT */
/* A parser that calls itself: the arena belongs to its outermost call, and holds what all levels make. The blocks of
 * the function around it come on top, where an arena of its own would hold both.
 *
 * expect {"kind": "arena", "sites": ["@leaf", "@link"], "evidence": {"arena_bytes":
 *         "=LEVELS * WIDTH * LEAF_BYTES + LEVELS * WIDTH * LINK_BYTES", "min_arena_bytes":
 *         "=LEVELS * WIDTH * LEAF_BYTES + LEVELS * WIDTH * LINK_BYTES", "arena_count": 1, "calls": "=CALLS", "owner":
 *         {"function": "parse"}, "share": 1}, "confidence": "consistent"}
 */
#include <stdlib.h>

#define CALLS      80
#define LEVELS     4
#define WIDTH      6
#define LEAF_BYTES 24
#define LINK_BYTES 32

struct node {
    struct node *next;
};

__attribute__((noinline)) static struct node *add(struct node *all, int is_leaf)
{
    struct node *node;
    if (is_leaf)
        node = malloc(LEAF_BYTES); /* @leaf */
    else
        node = malloc(LINK_BYTES); /* @link */
    node->next = all;
    return node;
}

__attribute__((noinline)) static struct node *parse(struct node *all, int level)
{
    for (int i = 0; i < WIDTH; i++)
        all = add(all, 1);
    for (int i = 0; i < WIDTH; i++)
        all = add(all, 0);
    if (level + 1 < LEVELS)
        all = parse(all, level + 1);
    while (level == 0 && all != NULL) {
        struct node *node = all;
        all = node->next;
        free(node);
    }
    return all;
}

int main(void)
{
    for (int i = 0; i < CALLS; i++)
        if (parse(NULL, 0) != NULL)
            return 1;
    return 0;
}
