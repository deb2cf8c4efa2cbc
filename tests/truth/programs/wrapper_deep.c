/* SPDX-License-Identifier: MIT */
/* Three functions stand between the program's lines and malloc, with names that no list has: what they ask
 * for belongs to the lines that call the outermost of them.
 *
 * expect {"kind": "stack-buffer", "sites": ["@first"], "evidence": {"buffer_bytes": "=FIRST_BYTES",
 *         "owner": {"function": "one"}, "instances": "=CALLS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@second"], "evidence": {"buffer_bytes": "=SECOND_BYTES",
 *         "owner": {"function": "two"}, "instances": "=CALLS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@third"], "evidence": {"buffer_bytes": "=THIRD_BYTES",
 *         "owner": {"function": "three"}, "instances": "=CALLS", "exceptions": 0}}
 * never {"kind": "*", "sites": ["@inner", "@middle", "@outer"]}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS        150
#define FIRST_BYTES  24
#define SECOND_BYTES 56
#define THIRD_BYTES  200

static void *grab(size_t size_bytes)
{
    void *block = malloc(size_bytes); /* @inner */
    if (!block)
        abort();
    return block;
}

static void *grab_clear(size_t size_bytes)
{
    void *block = grab(size_bytes); /* @middle */
    memset(block, 0, size_bytes);
    return block;
}

static void *grab_object(size_t size_bytes)
{
    char *block = grab_clear(size_bytes); /* @outer */
    block[0] = 1;
    return block;
}

static void one(void)
{
    char *block = grab_object(FIRST_BYTES); /* @first */
    free(block);
}

static void two(void)
{
    char *block = grab_object(SECOND_BYTES); /* @second */
    free(block);
}

static void three(void)
{
    char *block = grab_object(THIRD_BYTES); /* @third */
    free(block);
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        one();
        two();
        three();
    }
    return 0;
}
