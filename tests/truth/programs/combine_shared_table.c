/* SPDX-License-Identifier: MIT */
/* Nodes of a tree of topics, each with a name; a level has a table, which its first node makes and its last one
 * takes along. Most levels have one node, so that node and table live alike. But one level has many, and there the
 * table outlives the node that it was made with: node and name are one structure, the table is none of it. Near
 * miss: sessions with a buffer, a few of which make a second one, too, later on, which goes with the session.
 *
 * expect {"kind": "combine", "sites": ["@node", "@name"], "confidence": "consistent", "evidence": {"groups": "=NODES",
 *         "exceptions": 0}}
 * never {"kind": "combine", "sites": ["@table"]}
 * expect {"kind": "combine", "sites": ["@session", "@buffer"], "evidence": {"groups": "=SESSIONS", "exceptions":
 *         "=SESSIONS / 100"}}
 * allow {"kind": "permanent"}
 * allow {"kind": "pool"}
 * allow {"kind": "preallocate"}
 */
#include <stdlib.h>
#include <string.h>

#define WIDE     30 /* nodes of the level that has many */
#define LEVELS   70 /* levels below, of one node each */
#define NODES    (WIDE + LEVELS)
#define SESSIONS 400

struct table {
    int count;
    char cells[44];
};

struct node {
    struct node *next;
    struct node *child;
    struct table *table;
    char *name;
    char rest[48];
};

static void add(struct node **level)
{
    struct node *node = calloc(1, sizeof(*node)); /* @node */
    node->name = calloc(1, 24);                   /* @name */
    node->table = *level != NULL ? (*level)->table : NULL;
    if (node->table == NULL)
        node->table = calloc(1, sizeof(*node->table)); /* @table */
    node->table->count++;
    node->next = *level;
    *level = node;
}

/* The oldest node goes first, as in a table of hashes, and the table with the last one. */
static void release(struct node *node)
{
    if (node == NULL)
        return;
    release(node->next);
    release(node->child);
    if (--node->table->count == 0)
        free(node->table);
    free(node->name);
    free(node);
}

struct session {
    char *buffer, *second;
    char rest[60];
};

static char *make_buffer(void)
{
    return calloc(1, 80); /* @buffer */
}

static struct session *sessions[4];

static void leave(int slot)
{
    if (sessions[slot] == NULL)
        return;
    free(sessions[slot]->buffer);
    free(sessions[slot]->second);
    free(sessions[slot]);
    sessions[slot] = NULL;
}

static void enter(int slot)
{
    sessions[slot] = calloc(1, sizeof(*sessions[slot])); /* @session */
    sessions[slot]->buffer = make_buffer();
}

/* Asked for when the session is no longer new. */
static void extend(int slot)
{
    sessions[slot]->second = make_buffer();
}

int main(void)
{
    struct node *top = NULL;
    for (int i = 0; i < WIDE; i++)
        add(&top);
    for (struct node *node = top; node != NULL; node = node->next)
        for (struct node **level = &node->child; node == top && level != NULL;) {
            static int made;
            if (made++ == LEVELS)
                break;
            add(level);
            level = &(*level)->child;
        }
    for (int i = 0; i < SESSIONS; i++) {
        leave(i % 4);
        enter(i % 4);
        if (i % 100 == 50)
            extend((i + 2) % 4);
    }
    for (int slot = 0; slot < 4; slot++)
        leave(slot);
    release(top);
    return 0;
}
