/* SPDX-License-Identifier: MIT */
/* Wrappers that leave by calls which never come back when there is no memory: by longjmp, by exit, or by a
 * function that ends in abort. What stands behind such a call in the code is another way, so that the size is still
 * the caller's, whoever calls and however seldom. Near miss: a function that says so and goes on with more memory
 * than was asked for: it has a say in the size, so that it is a site of its own.
 *
 * expect {"kind": "stack-buffer", "sites": ["@jumps"], "evidence": {"buffer_bytes": "=JUMP_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@exits"], "evidence": {"buffer_bytes": "=EXIT_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@dies"], "evidence": {"buffer_bytes": "=DIE_BYTES"}}
 * never {"kind": "*", "sites": ["@jump", "@exit", "@die"]}
 * never {"kind": "*", "sites": ["@retries"]}
 * expect {"kind": "stack-buffer", "sites": ["@retry"], "confidence": "conditional", "evidence":
 *         {"buffer_bytes": "=RETRY_BYTES"}}
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define CALLS       100
#define JUMP_BYTES  24
#define EXIT_BYTES  56
#define DIE_BYTES   200
#define RETRY_BYTES 72
#define NONE        ((void *)0)

static jmp_buf give_up;
static volatile int recovers = 1, failed, sum;

__attribute__((noinline)) static void die(const char *text)
{
    fputs(text, stderr);
    if (failed)
        exit(2);
    abort();
}

/* Two allocators, each left in its own way: the size of the second call is wanted behind the jump of the first.
 */
__attribute__((noinline)) static void *jumping(size_t size_bytes)
{
    void *block;
    if (recovers) {
        block = malloc(size_bytes); /* @jump */
        if (block == NONE)
            longjmp(give_up, 1);
    } else if ((block = malloc(size_bytes)) == NONE) {
        die("no memory\n");
    }
    return block;
}

__attribute__((noinline)) static void *exiting(size_t size_bytes)
{
    if (failed) {
        fputs("failed\n", stderr);
        size_bytes = 0;
        exit(1);
    }
    return malloc(size_bytes); /* @exit */
}

__attribute__((noinline)) static void *dying(size_t size_bytes)
{
    if (failed) {
        size_bytes = 1;
        die("failed\n");
    }
    void *block = malloc(size_bytes); /* @die */
    if (block == NONE)
        die("no memory\n");
    return block;
}

__attribute__((noinline)) static void *retrying(size_t size_bytes)
{
    if (failed)
        fputs("failed\n", stderr);
    char *block = malloc(size_bytes + (size_t)failed * size_bytes); /* @retry */
    block[0] = 0;
    return block;
}

__attribute__((noinline)) static void one(void)
{
    char *block = jumping(JUMP_BYTES); /* @jumps */
    sum += block[0] = 1;
    free(block);
}

__attribute__((noinline)) static void two(void)
{
    char *block = exiting(EXIT_BYTES); /* @exits */
    sum += block[0] = 1;
    free(block);
}

__attribute__((noinline)) static void three(void)
{
    char *block = dying(DIE_BYTES); /* @dies */
    sum += block[0] = 1;
    free(block);
}

__attribute__((noinline)) static void four(void)
{
    char *block = retrying(RETRY_BYTES); /* @retries */
    sum += block[0] = 1;
    free(block);
}

/* Other sizes, which keep a compiler from building one into the functions. */
__attribute__((noinline)) static void never_run(size_t size_bytes)
{
    free(jumping(size_bytes));
    free(exiting(size_bytes));
    free(dying(size_bytes));
    free(retrying(size_bytes));
}

int main(int argc, char **argv)
{
    (void)argv;
    if (setjmp(give_up) != 0)
        return 1;
    if (argc > 50)
        never_run((size_t)argc);
    for (int i = 0; i < CALLS; i++) {
        one();
        two();
        three();
        four();
    }
    return sum == 0;
}
