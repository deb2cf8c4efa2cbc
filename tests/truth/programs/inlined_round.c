/* SPDX-License-Identifier: MIT */
/* A reader's step is inlined into its caller's loop: a bracket is opened in one round and closed in another, so that
 * no call of the step has it as a local, though all its calls look like one on the stack. What a round releases
 * that it has made stays a local of it; so does what the rounds of its own loop carry, and what a function that is
 * inlined without any loop around it hands from one call to the next.
 *
 * never {"kind": "stack-buffer", "sites": ["@bracket"]}
 * expect {"kind": "stack-buffer", "sites": ["@scratch"], "evidence": {"owner": {"function": "step"}, "instances": "=4 *
 *         TEXTS"}}
 * expect {"kind": "stack-buffer", "sites": ["@word"],
 *         "evidence": {"owner": {"function": "words"}, "instances": "=TEXTS"}}
 * expect {"kind": "stack-buffer", "sites": ["@title"],
 *         "evidence": {"owner": {"function": "head"}, "instances": "=TEXTS"}}
 * expect {"kind": "preallocate", "sites": ["@bracket"], "confidence": "conditional",
 *         "condition": {"kind": "number", "sites": ["@bracket"]}}
 */
#include <stdlib.h>

#define TEXTS 100

static const char *volatile text_read = "a[b]"; /* not known to the compiler, which would unroll the loop */
static volatile int total;
static char *opened;

__attribute__((noinline)) static char *open_bracket(void)
{
    char *bracket = malloc(48); /* @bracket */
    bracket[0] = '[';
    total++;
    return bracket;
}

__attribute__((noinline)) static char *scratch(void)
{
    char *text = malloc(32); /* @scratch */
    text[0] = ' ';
    total++;
    return text;
}

__attribute__((noinline)) static char *word(void)
{
    char *text = malloc(40); /* @word */
    text[0] = 'w';
    total++;
    return text;
}

__attribute__((noinline)) static char *title(void)
{
    char *text = malloc(56); /* @title */
    text[0] = 't';
    total++;
    return text;
}

__attribute__((noinline)) static void drop(char *text)
{
    total += text[0];
    free(text);
    total++;
}

/* The same once more, so that no line releases the blocks of two. */
__attribute__((noinline)) static void close_bracket(char *bracket)
{
    total += bracket[0];
    free(bracket);
    total++;
}

__attribute__((noinline)) static void drop_word(char *text)
{
    total += text[0];
    free(text);
    total++;
}

__attribute__((noinline)) static void drop_title(char *text)
{
    total += text[0];
    free(text);
    total++;
}

static inline __attribute__((always_inline)) int step(const char *text)
{
    char *copy;
    if (*text == '\0')
        return 0;
    copy = scratch();
    total += copy[0];
    drop(copy);
    if (*text == '[')
        opened = open_bracket();
    else if (*text == ']')
        close_bracket(opened);
    return 1;
}

static inline __attribute__((always_inline)) void words(const char *text)
{
    char *current = NULL;
    for (; *text != '\0'; text++) {
        if (*text == '[')
            current = word();
        if (*text == ']')
            drop_word(current);
    }
}

static inline __attribute__((always_inline)) void head(void)
{
    char *text = title();
    total += text[0];
    drop_title(text);
}

__attribute__((noinline)) static void read_text(const char *text)
{
    head();
    words(text);
    while (step(text))
        text++;
    total++;
}

int main(void)
{
    for (int i = 0; i < TEXTS; i++)
        read_text(text_read);
    return 0;
}
