/* SPDX-License-Identifier: MIT */
/* Calls that end in a jump leave their blocks to whoever catches it: these blocks outlive the call, and an arena of the
 * call would be reset under them.
 *
 * never {"kind": "arena", "sites": ["@word"]}
 * never {"kind": "arena", "sites": ["@mark"]}
 * allow {"kind": "stack-buffer", "sites": ["@mark"]}
 * allow {"kind": "stack-buffer", "sites": ["@word"]}
 * allow {"kind": "pool", "sites": ["@word"]}
 * allow {"kind": "pool", "sites": ["@mark"]}
 * allow {"kind": "pool", "sites": ["@word", "@mark"]}
 * allow {"kind": "preallocate", "sites": ["@word"]}
 * allow {"kind": "preallocate", "sites": ["@mark"]}
 */
#include <setjmp.h>
#include <stdlib.h>

#define CALLS      60
#define BLOCKS     30
#define WORD_BYTES 24
#define MARK_BYTES 56

static jmp_buf caught;
static char *words[BLOCKS], *marks[BLOCKS];

__attribute__((noinline)) static void parse(void)
{
    for (int i = 0; i < BLOCKS; i++)
        words[i] = malloc(WORD_BYTES); /* @word */
    for (int i = 0; i < BLOCKS; i++)
        marks[i] = malloc(MARK_BYTES); /* @mark */
    longjmp(caught, 1);
}

__attribute__((noinline)) static void release(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        free(words[i]);
        free(marks[i]);
    }
}

int main(void)
{
    for (volatile int i = 0; i < CALLS; i = i + 1) {
        if (setjmp(caught) == 0)
            parse();
        release();
    }
    return 0;
}
