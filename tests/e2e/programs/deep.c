/* SPDX-License-Identifier: MIT */
/* A deep recursion: usage: deep LEVELS */
#include "truth.h"

__attribute__((noinline)) static int down(int levels)
{
    if (levels > 1)
        return down(levels - 1) + 1;
    struct block block = MALLOC(5432);
    FREE(block);
    return 1;
}

int main(int argc, char **argv)
{
    return down(argc > 1 ? atoi(argv[1]) : 100) == 0;
}
