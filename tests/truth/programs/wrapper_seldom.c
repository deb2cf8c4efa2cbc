/* SPDX-License-Identifier: MIT */
/* The functions of wrapper_often.c, called too seldom to judge them by their use: the same ones are wrappers by
 * their code, and the one that computes its size is said to be undecided.
 *
 * check wrappers
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS 3

__attribute__((noinline)) static void *grab(size_t size_bytes) /* @by_code_grab */
{
    void *block = malloc(size_bytes);
    if (!block)
        abort();
    return block;
}

/* Given the size, with something of its own added: its callers decide all the same. */
__attribute__((noinline)) static char *grab_text(unsigned long length) /* @by_code_grab_text */
{
    char *text = grab(length + 1);
    text[0] = 0;
    return text;
}

/* The size is computed: only use can tell whose choice it is. */
__attribute__((noinline)) static char *join_names(const char *one,
                                                  const char *other) /* @undecided_join_names */
{
    size_t length = strlen(one);
    char *text = malloc(length + strlen(other) + 1);
    if (!text)
        abort();
    memcpy(text, one, length);
    strcpy(text + length, other);
    return text;
}

/* Makes things of its own, of one size or of another. */
__attribute__((noinline)) static char *make_node(int kind)
{
    char *node = malloc(kind == 0 ? 24 : kind == 1 ? 48 : 96); /* @node */
    if (!node)
        abort();
    node[0] = (char)kind;
    return node;
}

static void one(int i)
{
    char *block = grab(40);                 /* @one_block */
    char *text = grab_text(20);             /* @one_text */
    char *name = join_names("one", "name"); /* @one_name */
    char *node = make_node(0);
    printf("%d%c%s%d\n", i, text[0] + 'a', name, node[0]);
    free(node);
    free(name);
    free(text);
    free(block);
}

static void two(int i)
{
    char *block = grab(64);                            /* @two_block */
    char *text = grab_text(30);                        /* @two_text */
    char *name = join_names("another", "longer name"); /* @two_name */
    char *node = make_node(1);
    printf("%d%c%s%d\n", i, text[0] + 'a', name, node[0]);
    free(node);
    free(name);
    free(text);
    free(block);
}

static void three(int i)
{
    char *block = grab(100);                                             /* @three_block */
    char *text = grab_text(90);                                          /* @three_text */
    char *name = join_names("the third", "has the longest name of all"); /* @three_name */
    char *node = make_node(2);
    printf("%d%c%s%d\n", i, text[0] + 'a', name, node[0]);
    free(node);
    free(name);
    free(text);
    free(block);
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        one(i);
        two(i);
        three(i);
    }
    return 0;
}
