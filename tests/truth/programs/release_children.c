/* SPDX-License-Identifier: MIT */
/* What releases a value releases its text as well, where it has one. The value that is looked at has none in this run;
 * as a local it would still have to be emptied. No such function is one that tells kinds of blocks apart and releases
 * one of them, nor one that releases two blocks that the same function has made.
 *
 * expect {"kind": "stack-buffer", "sites": ["@peeked"], "confidence": "conditional", "condition": {"kind":
 *         "releases-more", "sites": ["@peek_drop", "@text_drop"]}, "evidence": {"buffer_bytes": 24}}
 * expect {"kind": "stack-buffer", "sites": ["@probe"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": 40}}
 * expect {"kind": "stack-buffer", "sites": ["@pair"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": 16}}
 * expect {"kind": "stack-buffer", "sites": ["@name"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": 56}}
 * allow {"kind": "combine", "sites": ["@kept", "@text"]}
 * allow {"kind": "pool", "sites": ["@kept"]}
 * allow {"kind": "pool", "sites": ["@text"]}
 * allow {"kind": "pool", "sites": ["@large"]}
 * allow {"kind": "preallocate", "sites": ["@name"]}
 */
#include <stdlib.h>

#define CALLS 400
#define KEPT  7

struct value {
    char *text;
    long number[2];
};

struct pair {
    char *name;
    long number;
};

static struct value *kept[KEPT];
static char *large[KEPT];
static volatile int total;

__attribute__((noinline)) static void value_free(struct value *value)
{
    if (value->text != NULL)
        free(value->text); /* @text_drop */
    free(value);
    total++;
}

__attribute__((noinline)) static void peek(int id)
{
    struct value *value = malloc(sizeof(*value)); /* @peeked */
    value->text = NULL;
    value->number[0] = id;
    total += (int)value->number[0];
    value_free(value); /* @peek_drop */
    total++;
}

__attribute__((noinline)) static void keep(int id)
{
    if (kept[id % KEPT] != NULL)
        value_free(kept[id % KEPT]);
    struct value *value = malloc(sizeof(*value)); /* @kept */
    value->text = malloc(72);                     /* @text */
    value->text[0] = (char)id;
    kept[id % KEPT] = value;
}

__attribute__((noinline)) static void drop(int kind, char *block)
{
    switch (kind) {
    case 0:
        total += block[0];
        free(block);
        break;
    default:
        total -= block[0];
        free(block);
        break;
    }
    total++;
}

__attribute__((noinline)) static void probe(int id)
{
    char *block = malloc(40); /* @probe */
    block[0] = (char)id;
    drop(0, block);
    total++;
}

__attribute__((noinline)) static void replace(int id)
{
    if (large[id % KEPT] != NULL)
        drop(1, large[id % KEPT]);
    large[id % KEPT] = malloc(120); /* @large */
    large[id % KEPT][0] = (char)id;
}

__attribute__((noinline)) static void pair_free(struct pair *pair)
{
    free(pair->name);
    free(pair);
    total++;
}

__attribute__((noinline)) static void compare(int id)
{
    struct pair *pair = malloc(sizeof(*pair)); /* @pair */
    pair->name = malloc(56);                   /* @name */
    pair->name[0] = (char)id;
    total += pair->name[0];
    pair_free(pair);
    total++;
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        peek(i);
        keep(i);
        probe(i);
        replace(i);
        compare(i);
    }
    for (int i = 0; i < KEPT; i++) {
        value_free(kept[i]);
        drop(1, large[i]);
    }
    return total == 1;
}
