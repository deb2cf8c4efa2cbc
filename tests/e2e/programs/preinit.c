/* SPDX-License-Identifier: MIT */
/* Allocates before the C library is initialised: what stands in .preinit_array runs when libc knows no
 * environment yet. Prints "made N": blocks of 41 bytes, which it keeps.
 *
 * usage: preinit BLOCKS */
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES  41
#define EARLY_BLOCKS 10

static volatile char *sink;
static long made;

static void make(long count)
{
    for (long i = 0; i < count; i++) {
        sink = malloc(BLOCK_BYTES);
        made += sink != NULL;
    }
}

static void before_all(int argc, char **argv, char **environment)
{
    (void)argc;
    (void)argv;
    (void)environment;
    make(EARLY_BLOCKS);
}

__attribute__((section(".preinit_array"), used)) static void (*const early)(int, char **,
                                                                            char **) = before_all;

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    make(atol(argv[1]));
    printf("made %ld\n", made);
    return 0;
}
