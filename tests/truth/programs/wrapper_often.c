/* SPDX-License-Identifier: MIT */
/* Functions that hand back what they were asked for, called often: those that were given the size are wrappers by
 * their code, the one that computes it is one by its use. The same functions in wrapper_seldom.c are called seldom.
 * One that makes nodes of its own is none, although each of its callers always gets one size.
 *
 * expect {"kind": "stack-buffer", "sites": ["@one_block"], "evidence": {"buffer_bytes": 40, "owner":
 *         {"function": "one"}, "instances": "=CALLS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@one_text"], "evidence": {"buffer_bytes": 21, "owner":
 *         {"function": "one"}, "instances": "=CALLS", "exceptions": 0}}
 * allow {"kind": "stack-buffer", "sites": ["@one_name"]}
 * expect {"kind": "stack-buffer", "sites": ["@two_block"], "evidence": {"buffer_bytes": 64, "owner":
 *         {"function": "two"}, "instances": "=CALLS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@two_text"], "evidence": {"buffer_bytes": 31, "owner":
 *         {"function": "two"}, "instances": "=CALLS", "exceptions": 0}}
 * allow {"kind": "stack-buffer", "sites": ["@two_name"]}
 * expect {"kind": "stack-buffer", "sites": ["@three_block"], "evidence": {"buffer_bytes": 100, "owner":
 *         {"function": "three"}, "instances": "=CALLS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@three_text"], "evidence": {"buffer_bytes": 91, "owner":
 *         {"function": "three"}, "instances": "=CALLS", "exceptions": 0}}
 * allow {"kind": "stack-buffer", "sites": ["@three_name"]}
 * allow {"kind": "stack-buffer", "sites": ["@node"]}
 * allow {"kind": "arena", "sites": ["@node", "@one_block", "@one_text", "@one_name"]}
 * allow {"kind": "arena", "sites": ["@node", "@two_block", "@two_text", "@two_name"]}
 * allow {"kind": "arena", "sites": ["@node", "@three_block", "@three_text", "@three_name"]}
 * allow {"kind": "preallocate", "sites": ["@node"]}
 * check wrappers
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS 40

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
__attribute__((noinline)) static char *join_names(const char *one, const char *other) /* @by_use_join_names */
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
