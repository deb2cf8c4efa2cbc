/* SPDX-License-Identifier: MIT */
/* A tree that the program builds while it reads, and releases at its end: nodes, names and values grow all the time,
 * and are one finding. Near miss: a record that nobody releases grows as well, and is a finding of its own.
 *
 * expect {"kind": "growth", "sites": ["@node", "@value", "@name"], "confidence": "conditional", "condition": {"kind":
 *         "runs-on", "sites": []}, "evidence": {"live_at_end": 0, "allocations": "=3 * NODES"}}
 * expect {"kind": "growth", "sites": ["@record"], "confidence": "conditional", "evidence": {"live_at_end":
 *         "=NODES / 4"}}
 * allow {"kind": "stack-buffer", "sites": ["@line"]}
 * allow {"kind": "combine"}
 * allow {"kind": "overhead"}
 */
#include <stdio.h>
#include <stdlib.h>

#define NODES 3000

struct node {
    struct node *next;
    char *name;
    char *value;
    char rest[40];
};

struct record {
    struct record *next;
    char rest[24];
};

static struct node *nodes;
static struct record *records;
static volatile int sum;

__attribute__((noinline)) static void read_line(int number)
{
    char *line = malloc(100); /* @line */
    snprintf(line, 100, "line %d", number);
    sum += line[0];
    free(line);
}

__attribute__((noinline)) static void add(int number)
{
    struct node *node = malloc(sizeof(*node)); /* @node */
    node->value = malloc(40);                  /* @value */
    node->name = malloc(20);                   /* @name */
    node->next = nodes;
    nodes = node;
    if (number % 4 == 0) {
        struct record *record = malloc(sizeof(*record)); /* @record */
        record->next = records;
        records = record;
    }
}

/* Names first, then values, then nodes: they do not die together. */
__attribute__((noinline)) static void release_all(void)
{
    for (struct node *node = nodes; node != NULL; node = node->next)
        free(node->name);
    for (struct node *node = nodes; node != NULL; node = node->next)
        free(node->value);
    while (nodes != NULL) {
        struct node *node = nodes;
        nodes = node->next;
        free(node);
    }
}

int main(void)
{
    for (int i = 0; i < NODES; i++) {
        read_line(i);
        add(i);
    }
    release_all();
    return 0;
}
