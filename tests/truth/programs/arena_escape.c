/* SPDX-License-Identifier: MIT */
/* Once in a hundred calls, one of the five names that a call makes is kept for the next hundred: an arena is still
 * right, if that one is copied. In the other function one call in ten keeps one of two: its line stays on the heap,
 * so that the rest is not nearly all.
 *
 * expect {"kind": "arena", "sites": ["@name", "@item"], "confidence": "conditional", "evidence": {"arena_bytes":
 *         "=NAMES * NAME_BYTES + 20 * ITEM_BYTES", "owner": {"function": "list"}, "escapes":
 *         [{"function": "make_name", "allocations": "=NAMES * CALLS", "escapes": "=CALLS // 100", "is_served": true}],
 *         "calls": "=CALLS"}, "condition": {"kind": "escapes", "sites": ["@name", "@kept"]}}
 * never {"kind": "arena", "sites": ["@often"]}
 * never {"kind": "arena", "sites": ["@part"]}
 * allow {"kind": "stack-buffer", "sites": ["@part"]}
 * allow {"kind": "stack-buffer", "sites": ["@item"]}
 * allow {"kind": "pool", "sites": ["@often"]}
 * allow {"kind": "preallocate", "sites": ["@often"]}
 * allow {"kind": "preallocate", "sites": ["@name"]}
 * allow {"kind": "preallocate", "sites": ["@item"]}
 * allow {"kind": "pool", "sites": ["@name"]}
 */
#include <stdlib.h>

#define CALLS       400
#define NAMES       5
#define NAME_BYTES  56
#define ITEM_BYTES  24
#define OFTEN_BYTES 40
#define PART_BYTES  32

static char *kept_name, *kept_often;

__attribute__((noinline)) static char *make_name(int call)
{
    char *name = malloc(NAME_BYTES); /* @name */
    name[0] = (char)call;
    return name;
}

__attribute__((noinline)) static char *make_item(int call)
{
    char *item = malloc(ITEM_BYTES); /* @item */
    item[0] = (char)call;
    return item;
}

__attribute__((noinline)) static char *make_often(int call)
{
    char *often = malloc(OFTEN_BYTES); /* @often */
    often[0] = (char)call;
    return often;
}

__attribute__((noinline)) static char *make_part(int call)
{
    char *part = malloc(PART_BYTES); /* @part */
    part[0] = (char)call;
    return part;
}

__attribute__((noinline)) static int list(int call)
{
    char *names[NAMES], *items[20];
    int sum = 0;
    for (int i = 0; i < 20; i++)
        items[i] = make_item(call);
    for (int i = 0; i < NAMES; i++)
        names[i] = make_name(call);
    for (int i = 0; i < 20; i++) {
        sum += items[i][0];
        free(items[i]);
    }
    for (int i = 1; i < NAMES; i++)
        free(names[i]);
    if (call % 100 != 0) {
        free(names[0]);
        return sum;
    }
    free(kept_name);
    kept_name = names[0]; /* @kept */
    return sum;
}

__attribute__((noinline)) static int query(int call)
{
    char *one = make_often(call), *part = make_part(call), *other = make_often(call);
    int sum = one[0] + part[0] + other[0];
    free(part);
    free(other);
    if (call % 10 != 0) {
        free(one);
        return sum;
    }
    free(kept_often);
    kept_often = one;
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += list(i) + query(i);
    free(kept_name);
    free(kept_often);
    return sum == 1;
}
