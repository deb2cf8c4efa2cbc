/* SPDX-License-Identifier: MIT */
/* One line that releases what two functions have made: a stack buffer of one would be passed to free there. No such
 * line is one that releases what it is given, if each caller gives it the blocks of one line; nor one that
 * releases either of two blocks that the same function makes.
 *
 * expect {"kind": "stack-buffer", "sites": ["@number"], "confidence": "conditional", "condition": {"kind":
 *         "shared-release", "sites": ["@drop"]}, "evidence": {"buffer_bytes": 24}}
 * expect {"kind": "stack-buffer", "sites": ["@name"], "confidence": "conditional", "condition": {"kind":
 *         "shared-release", "sites": ["@drop"]}, "evidence": {"buffer_bytes": 40}}
 * expect {"kind": "stack-buffer", "sites": ["@first"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": 56}}
 * expect {"kind": "stack-buffer", "sites": ["@second"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": 72}}
 * expect {"kind": "stack-buffer", "sites": ["@small"], "confidence": "consistent", "condition": null, "released_at":
 *         [{"line": "@either", "other_sites": 1}], "evidence": {"buffer_bytes": 32}}
 * expect {"kind": "stack-buffer", "sites": ["@large"], "confidence": "consistent", "condition": null, "released_at":
 *         [{"line": "@either", "other_sites": 1}], "evidence": {"buffer_bytes": 88}}
 */
#include <stdlib.h>

#define CALLS 200

static volatile int total;

__attribute__((noinline)) static char *make_number(int id)
{
    char *block = malloc(24); /* @number */
    block[0] = (char)id;
    return block;
}

__attribute__((noinline)) static char *make_name(int id)
{
    char *block = malloc(40); /* @name */
    block[0] = (char)id;
    return block;
}

__attribute__((noinline)) static void print_value(int id)
{
    char *value = id % 2 ? make_number(id) : make_name(id);
    total += value[0];
    free(value); /* @drop */
    total++;
}

/* Releases what it is given, whoever made it. */
__attribute__((noinline)) static void release(char *block)
{
    total += block[0];
    free(block);
    total++;
}

__attribute__((noinline)) static void one(int id)
{
    char *block = malloc(56); /* @first */
    block[0] = (char)id;
    release(block);
    total++;
}

__attribute__((noinline)) static void other(int id)
{
    char *block = malloc(72); /* @second */
    block[0] = (char)id;
    release(block);
    total++;
}

__attribute__((noinline)) static void choose(int id)
{
    char *block;
    if (id % 3)
        block = malloc(32); /* @small */
    else
        block = malloc(88); /* @large */
    block[0] = (char)id;
    total += block[0];
    free(block); /* @either */
    total++;
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        print_value(i);
        one(i);
        other(i);
        choose(i);
    }
    return total == 1;
}
