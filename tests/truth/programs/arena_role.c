/* SPDX-License-Identifier: MIT */
/* One line makes texts for the calls of a function, which all die in them, and for a journal that keeps them: the arena
 * serves those of the calls. With CHANGED it is the same program with that advice followed.
 *
 * expect {"kind": "arena", "sites": ["@text", "@item"], "roles": [["@text", "@call"]], "confidence": "consistent",
 *         "evidence": {"arena_bytes": "=TEXTS * TEXT_BYTES + ITEMS * ITEM_BYTES", "owner": {"function": "handle"},
 *         "calls": "=CALLS", "allocations": "=CALLS * (TEXTS + ITEMS)"}}
 * allow {"kind": "pool", "sites": ["@text"]}
 * allow {"kind": "preallocate", "sites": ["@text"]}
 * allow {"kind": "stack-buffer", "sites": ["@item"]}
 * allow {"kind": "pinning", "sites": ["@text"]}
 */
#include <stddef.h>
#include <stdlib.h>

#define CALLS      200
#define TEXTS      20
#define ITEMS      30
#define TEXT_BYTES 40
#define ITEM_BYTES 24
#define KEPT       6

static char *journal[KEPT];

#ifdef CHANGED
static size_t used;
static _Alignas(8) char arena[TEXTS * TEXT_BYTES + ITEMS * ITEM_BYTES];

static char *take(size_t bytes)
{
    used += bytes;
    return &arena[used - bytes];
}
#endif

__attribute__((noinline)) static char *make_text(int number, int is_kept)
{
    char *text;
#ifdef CHANGED
    if (!is_kept)
        text = take(TEXT_BYTES);
    else
#endif
        text = malloc(TEXT_BYTES); /* @text */
    text[0] = (char)(number + is_kept);
    return text;
}

__attribute__((noinline)) static char *make_item(int number)
{
#ifdef CHANGED
    char *item = take(ITEM_BYTES);
#else
    char *item = malloc(ITEM_BYTES); /* @item */
#endif
    item[0] = (char)number;
    return item;
}

static void release(char *block)
{
#ifdef CHANGED
    (void)block;
#else
    free(block);
#endif
}

__attribute__((noinline)) static int handle(int number)
{
    char *texts[TEXTS], *items[ITEMS];
    int sum = 0;
    for (int i = 0; i < TEXTS; i++)
        texts[i] = make_text(number, 0); /* @call */
    for (int i = 0; i < ITEMS; i++)
        items[i] = make_item(number);
    for (int i = 0; i < TEXTS; i++) {
        sum += texts[i][0];
        release(texts[i]);
    }
    for (int i = 0; i < ITEMS; i++) {
        sum += items[i][0];
        release(items[i]);
    }
#ifdef CHANGED
    used = 0;
#endif
    return sum;
}

__attribute__((noinline)) static void note(int number)
{
    free(journal[number % KEPT]);
    journal[number % KEPT] = make_text(number, 1);
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++) {
        sum += handle(i);
        note(i);
    }
    return sum == 1;
}
