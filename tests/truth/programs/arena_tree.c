/* SPDX-License-Identifier: MIT */
/* A request makes a tree of values and releases it by functions that call each other, and whose last act is a jump to
 * the next. With optimisation frames are gone then: they are added to each stack, and stacks that share them must not
 * be taken for two calls of the request. Everything dies in the call that made it.
 *
 * expect {"kind": "arena", "sites": ["@values", "@parts", "@text"], "evidence": {"calls": "=CALLS", "arena_bytes":
 *         "=VALUES * VALUE_BYTES + PARTS * VALUE_BYTES + TEXTS * TEXT_BYTES", "owner": {"function": "answer"}}}
 * allow {"kind": "stack-buffer", "sites": ["@values"]}
 * allow {"kind": "stack-buffer", "sites": ["@parts"]}
 * allow {"kind": "stack-buffer", "sites": ["@text"]}
 * allow {"kind": "pool", "sites": ["@text"]}
 * allow {"kind": "preallocate", "sites": ["@values"]}
 * allow {"kind": "preallocate", "sites": ["@parts"]}
 * allow {"kind": "preallocate", "sites": ["@text"]}
 */
#include <stdlib.h>

#define CALLS       60
#define VALUES      6
#define PARTS       4
#define TEXTS       5
#define VALUE_BYTES 24
#define TEXT_BYTES  40

struct value {
    int kind; /* 0: nothing, 1: a text, 2: count values */
    int count;
    void *content;
    long number;
};

__attribute__((noinline)) static void give_back(void *block)
{
    free(block);
}

static void release(int count, struct value *values);

__attribute__((noinline)) static void release_some(int count, struct value *values)
{
    for (int i = 0; i < count; i++) {
        if (values[i].kind == 2)
            release(values[i].count, values[i].content);
        if (values[i].kind == 1)
            give_back(values[i].content);
    }
    give_back(values);
}

__attribute__((noinline)) static void release(int count, struct value *values)
{
    if (count != 0 && values != NULL)
        release_some(count, values);
}

__attribute__((noinline)) static char *make_text(int call)
{
    char *text = malloc(TEXT_BYTES); /* @text */
    text[0] = (char)call;
    return text;
}

__attribute__((noinline)) static struct value *make_parts(void)
{
    struct value *parts = calloc(1, PARTS * VALUE_BYTES); /* @parts */
    parts[0].number = 1;
    return parts;
}

__attribute__((noinline)) static struct value *make_values(int call)
{
    struct value *values = calloc(1, VALUES * VALUE_BYTES); /* @values */
    for (int i = 0; i < VALUES - 1; i++)
        values[i] = (struct value){.kind = 1, .content = make_text(call)};
    values[VALUES - 1] = (struct value){.kind = 2, .count = PARTS, .content = make_parts()};
    return values;
}

__attribute__((noinline)) static long answer(int call)
{
    struct value *values = make_values(call);
    long sum = values[0].number + *(char *)values[1].content;
    release(VALUES, values);
    return sum + call;
}

int main(void)
{
    long sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += answer(i);
    return sum == 1;
}
