/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Addresses in blocks that say nothing of what holds which block, and such that do; compare.py knows which.
 */

#define ROUNDS   300
#define NOINLINE __attribute__((noinline))

static void *volatile sink;

struct ring {
    struct ring *previous, *next;
    int number;
};

/* A list head that points to itself: nobody else holds it. */
static NOINLINE void self_reference(int i)
{
    struct ring *ring = malloc(sizeof(*ring));
    ring->previous = ring->next = ring;
    ring->number = i;
    sink = ring;
    free(ring);
}

struct pair {
    char *name;
    void *gone;
    int number;
};

/* What is stored in a block that dies in the same call, after what it holds, is a link all the same. */
static NOINLINE void dies_in_the_same_call(int i)
{
    struct pair *pair = malloc(sizeof(*pair));
    pair->name = malloc(20);
    pair->gone = NULL;
    pair->number = i;
    free(pair->name);
    free(pair);
}

/* Its member was cleared before: not seen. */
static NOINLINE void cleared_before(int i)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    pair->name = malloc(21);
    pair->number = i;
    free(pair->name);
    pair->name = NULL;
    free(pair);
}

/* A pointer that an earlier life of the memory has left: the later block never writes it. The large one
 * before it keeps the allocator's own words out of the place. */
static NOINLINE void left_by_an_earlier_life(int i)
{
    void **first = malloc(200);
    first[20] = malloc(300);
    free(first[20]);
    free(first);
    void **second = malloc(200);
    second[2] = (void *)(uintptr_t)(unsigned)i;
    sink = second;
    free(second);
}

struct padded {
    _Alignas(16) long number; /* eight bytes of padding follow */
    _Alignas(16) long other;  /* and here */
};

/* A pointer in the padding of a struct, left by an earlier life of the memory, of a block that is gone. */
static NOINLINE void padding(int i)
{
    void **first = malloc(sizeof(struct padded));
    first[3] = malloc(40);
    free(first[3]);
    free(first);
    struct padded *second = malloc(sizeof(*second));
    second->number = second->other = i;
    sink = second;
    free(second);
}

union either {
    void *pointer;
    double number;
};

/* A union that holds a number half of the time. */
static NOINLINE void tagged(int i)
{
    union either *either = malloc(sizeof(*either));
    void *held = malloc(48);
    if (i % 2 == 0)
        either->pointer = held;
    else
        either->number = i;
    sink = either;
    free(either);
    free(held);
}

/* The XOR of two addresses: not seen. */
static NOINLINE void mixed(int i)
{
    uintptr_t *mixed = malloc(32);
    void *one = malloc(56), *other = malloc(72);
    mixed[0] = (uintptr_t)one ^ (uintptr_t)other;
    mixed[1] = (uintptr_t)i;
    sink = mixed;
    free(mixed);
    free(one);
    free(other);
}

/* An address inside the block, as a list that is embedded. */
static NOINLINE void inner(int i)
{
    char **holder = calloc(1, 24);
    char *held = malloc(88);
    holder[1] = held + 16;
    held[0] = (char)i;
    free(holder);
    free(held);
}

/* A member far into the block: only the first 256 bytes are looked at. */
static NOINLINE void far_member(int i)
{
    void **holder = calloc(1, 600);
    holder[31] = malloc(96);
    holder[32] = malloc(104);
    ((char *)holder[31])[0] = (char)i;
    void *near = holder[31], *distant = holder[32];
    free(holder);
    free(near);
    free(distant);
}

/* A block that grows: each realloc is the death of a holder. */
static NOINLINE void grows(int i)
{
    void **list = NULL;
    for (int n = 0; n < 4; n++) {
        list = realloc(list, (size_t)(n + 1) * sizeof(*list));
        list[n] = malloc(112);
    }
    ((char *)list[0])[0] = (char)i;
    for (int n = 0; n < 4; n++)
        free(list[n]);
    free(list);
}

/* A mark in the middle of a text, which another block keeps: it is no member of the text. */
static NOINLINE void mark_in_a_text(int i)
{
    char **holder = calloc(1, 24);
    char *text = malloc(136);
    text[0] = (char)i;
    holder[1] = text + 41;
    free(text);
    free(holder);
}

/* A pointer that was not cleared when what it named was released, long before its own block is. The large
 * block's memory is not used again meanwhile. */
static NOINLINE void left_uncleared(int i)
{
    void **holder = calloc(1, 24);
    char *named = malloc(5000);
    void *guard = malloc(24);
    named[0] = (char)i;
    holder[1] = named;
    free(named);
    for (int n = 0; n < 100; n++) {
        sink = malloc(16);
        free(sink);
    }
    free(holder);
    free(guard);
}

int main(void)
{
    static void (*const cases[])(int) = {
        self_reference, dies_in_the_same_call,
        cleared_before, left_by_an_earlier_life,
        padding,        tagged,
        mixed,          inner,
        far_member,     grows,
        mark_in_a_text, left_uncleared,
    };
    for (int i = 0; i < ROUNDS; i++)
        for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++)
            cases[n](i);
    puts("done");
    return 0;
}
