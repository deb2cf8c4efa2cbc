/* SPDX-License-Identifier: MIT */
/* A parser that makes nodes of several kinds a packet, in an order that the packet sets, and releases all before it
 * returns. No two kinds come in pairs. What one call keeps for later ones is no part of its arena. With CHANGED it is
 * the same program with the advice followed.
 *
 * expect {"kind": "arena", "sites": ["@number", "@text", "@pair"], "confidence": "conditional", "evidence":
 *         {"arena_bytes": "=20 * TEXT_BYTES + 40 * PAIR_BYTES", "min_arena_bytes": "=2 * NUMBER_BYTES + PAIR_BYTES",
 *         "owner": {"function": "handle_packet"}, "calls": "=CALLS", "arena_count": 1, "site_count": 3},
 *         "condition": {"kind": "largest-seen"}}
 * never {"kind": "arena", "sites": ["@kept"]}
 * allow {"kind": "pool", "sites": ["@kept"]}
 * allow {"kind": "preallocate", "sites": ["@kept"]}
 * allow {"kind": "pinning", "sites": ["@kept"]}
 */
#include <stdlib.h>

#define CALLS        400
#define KEPT         4
#define NUMBER_BYTES 24
#define TEXT_BYTES   40
#define PAIR_BYTES   48
#define KEPT_BYTES   72

struct node {
    struct node *next;
    int kind;
};

static struct node *kept[KEPT];

#ifdef CHANGED
static size_t used;
static _Alignas(8) char arena[20 * TEXT_BYTES + 40 * PAIR_BYTES];

static void *take(size_t bytes)
{
    used += bytes;
    return &arena[used - bytes];
}
#else
static void *take(size_t bytes)
{
    return malloc(bytes);
}
#endif

__attribute__((noinline)) static struct node *make_number(void)
{
    struct node *node = take(NUMBER_BYTES); /* @number */
    node->kind = 0;
    return node;
}

__attribute__((noinline)) static struct node *make_text(void)
{
    struct node *node = take(TEXT_BYTES); /* @text */
    node->kind = 1;
    return node;
}

__attribute__((noinline)) static struct node *make_pair(void)
{
    struct node *node = take(PAIR_BYTES); /* @pair */
    node->kind = 2;
    return node;
}

__attribute__((noinline)) static void keep(int packet)
{
    struct node *node = malloc(KEPT_BYTES); /* @kept */
    node->kind = packet;
    free(kept[packet % KEPT]);
    kept[packet % KEPT] = node;
}

/* 3 to 60 nodes: of a kind and the next one, the latter twice as often. */
__attribute__((noinline)) static int handle_packet(int packet)
{
    struct node *all = NULL;
    int sum = 0;
    for (int i = 0; i < 3 + packet % 58; i++) {
        int kind = (i * i + packet) % 3;
        struct node *node = kind == 0 ? make_number() : kind == 1 ? make_text() : make_pair();
        node->next = all;
        all = node;
    }
    keep(packet);
    while (all != NULL) {
        struct node *node = all;
        all = node->next;
        sum += node->kind;
#ifndef CHANGED
        free(node);
#endif
    }
#ifdef CHANGED
    used = 0;
#endif
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += handle_packet(i);
    return sum == 0;
}
