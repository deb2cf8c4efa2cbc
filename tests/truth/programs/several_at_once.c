/* SPDX-License-Identifier: MIT */
/* A loop keeps several blocks at once, always as many: an array in the same function. Another function keeps
 * as many as its caller says, ever more: no array can be declared for that. A third has as many as it is told, up to
 * six: the next input may tell it seven.
 *
 * expect {"kind": "stack-buffer", "sites": ["@part"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=PART_BYTES", "owner": {"function": "assemble"}, "frames_down": 0, "instances":
 *         "=CALLS * PARTS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@word"], "confidence": "conditional", "condition": {"kind": "number"},
 *         "evidence": {"max_live_count": "=WORDS", "owner": {"function": "split"}}}
 * allow {"kind": "pool", "sites": ["@word"]}
 * never {"kind": "stack-buffer", "sites": ["@item"]}
 * expect {"kind": "pool", "sites": ["@item"], "evidence": {"block_bytes": "=ITEM_BYTES", "block_count": "=4
 *         * (CALLS - 1)"}}
 */
#include <stdlib.h>

#define CALLS      100
#define PARTS      3
#define PART_BYTES 40
#define ITEM_BYTES 24
#define WORDS      6
#define WORD_BYTES 56

static char *items[CALLS * 4];

__attribute__((noinline)) static void assemble(void)
{
    char *parts[PARTS];
    for (int i = 0; i < PARTS; i++)
        parts[i] = malloc(PART_BYTES); /* @part */
    for (int i = 0; i < PARTS; i++)
        free(parts[i]);
}

__attribute__((noinline)) static void split(int count)
{
    char *words[WORDS];
    for (int i = 0; i < count; i++)
        words[i] = malloc(WORD_BYTES); /* @word */
    for (int i = 0; i < count; i++)
        free(words[i]);
}

static void sort(int count)
{
    for (int i = 0; i < count; i++)
        items[i] = malloc(ITEM_BYTES); /* @item */
    for (int i = 0; i < count; i++)
        free(items[i]);
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        assemble();
        split(1 + i % WORDS);
        sort(4 * i);
    }
    return 0;
}
