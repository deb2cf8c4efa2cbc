/* SPDX-License-Identifier: MIT */
/* A function makes so many elements as its callers ask for, each of a size that stands in its code. Where the number
 * stands in the caller's code, the size is fixed; where it is counted at run time, or the size of an element is given
 * as well, from a variable, it is not.
 *
 * never {"kind": "*", "sites": ["@items"]}
 * expect {"kind": "stack-buffer", "sites": ["@one"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=ITEM_BYTES", "owner": {"function": "use_one"}}}
 * expect {"kind": "stack-buffer", "sites": ["@two"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=2 * ITEM_BYTES", "owner": {"function": "use_two"}}}
 * expect {"kind": "stack-buffer", "sites": ["@five"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=5 * ITEM_BYTES", "owner": {"function": "use_five"}}}
 * expect {"kind": "stack-buffer", "sites": ["@counted"], "confidence": "conditional", "condition": {"kind":
 *         "size-computed", "sites": ["@counted"]}, "evidence": {"buffer_bytes": "=4 * ITEM_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@wide"], "confidence": "conditional", "condition": {"kind":
 *         "size-computed", "sites": ["@wide"]}, "evidence": {"buffer_bytes": 96}}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS      100
#define ITEM_BYTES 24

struct item {
    long number;
    char *name;
    int kind;
};

_Static_assert(sizeof(struct item) == ITEM_BYTES, "the size that is expected");

static volatile int total;
static const char *volatile name = "four";
static volatile size_t width = 32;

/* Not static: else copies of it would be made for some numbers. */
struct item *new_items(int count);

__attribute__((noinline)) struct item *new_items(int count)
{
    if (count <= 0)
        return NULL;
    struct item *items = malloc((size_t)count * sizeof(items[0])); /* @items */
    if (items == NULL)
        abort();
    memset(items, 0, (size_t)count * sizeof(items[0]));
    return items;
}

__attribute__((noinline)) static void show(struct item *items, int count)
{
    for (int i = 0; i < count; i++)
        total += items[i].kind + i;
}

__attribute__((noinline)) static void use_one(void)
{
    struct item *items = new_items(1); /* @one */
    show(items, 1);
    free(items);
    total++;
}

__attribute__((noinline)) static void use_two(void)
{
    struct item *items = new_items(2); /* @two */
    show(items, 2);
    free(items);
    total++;
}

__attribute__((noinline)) static void use_five(void)
{
    struct item *items = new_items(5); /* @five */
    show(items, 5);
    free(items);
    total++;
}

__attribute__((noinline)) static void use_counted(void)
{
    struct item *items = new_items((int)strlen(name)); /* @counted */
    show(items, 4);
    free(items);
    total++;
}

__attribute__((noinline)) static void use_wide(void)
{
    char *bytes = malloc(3 * width); /* @wide */
    bytes[0] = 'x';
    total += bytes[0];
    free(bytes);
    total++;
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        use_one();
        use_two();
        use_five();
        use_counted();
        use_wide();
    }
    return total == 1;
}
