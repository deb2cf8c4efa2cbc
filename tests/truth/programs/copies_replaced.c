/* SPDX-License-Identifier: MIT */
/* A helper copies names by turns, each longer than the one before, which is dropped when the next one is there: several
 * things, not a buffer that grows. A list that another helper makes larger is one, though two lines of a
 * function add to it.
 *
 * never {"kind": "presize", "sites": ["@copy"]}
 * expect {"kind": "presize", "sites": ["@grown"],
 *         "evidence": {"chains": "=ROUNDS", "growth_steps": "=3 * ROUNDS", "by": "copy"}}
 * allow {"kind": "stack-buffer", "sites": ["@copy"]}
 * allow {"kind": "stack-buffer", "sites": ["@grown"]}
 * allow {"kind": "preallocate", "sites": ["@copy"]}
 * allow {"kind": "preallocate", "sites": ["@grown"]}
 * allow {"kind": "pool", "sites": ["@copy"]}
 * allow {"kind": "fixed-maximum", "sites": ["@copy"]}
 */
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200

static volatile int total;

__attribute__((noinline)) static char *copy(const char *text)
{
    size_t size_bytes = strlen(text) + 1;
    char *made = malloc(size_bytes); /* @copy */
    memcpy(made, text, size_bytes);
    total += made[0];
    return made;
}

__attribute__((noinline)) static void read_names(void)
{
    static const char text[] = "folder/of/the/configuration/and/the/name/of/its/file/and/more";
    char *folder = NULL, *name = NULL;
    for (int i = 0; i < 2; i++) {
        folder = copy(text + 52 - 20 * i);
        free(name);
        name = copy(text + 40 - 20 * i);
        free(folder);
    }
    total += name[0];
    free(name);
    total++;
}

struct list {
    long *items;
    size_t count, capacity;
};

__attribute__((noinline)) static void add(struct list *list, long item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 4 : 2 * list->capacity;
        long *items = malloc(capacity * sizeof(items[0])); /* @grown */
        if (list->count != 0)
            memcpy(items, list->items, list->count * sizeof(items[0]));
        free(list->items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    total++;
}

__attribute__((noinline)) static void collect(int round)
{
    struct list list = {NULL, 0, 0};
    for (long i = 0; i < 10; i++) {
        add(&list, round + i);
        add(&list, round - i);
    }
    total += (int)list.items[0];
    free(list.items);
    total++;
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        read_names();
        collect(i);
    }
    return total == 1;
}
