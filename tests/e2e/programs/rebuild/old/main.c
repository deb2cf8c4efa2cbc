/* SPDX-License-Identifier: MIT */

/* A program in two builds, for `tenure diff`. A tag at the end of a line names the site: the same tag in the
 * other folder is the same site, wherever it stands there. This is the old one. */

#include "rebuild.h"
#include "tenure/mark.h"

#include <stdlib.h>
#include <string.h>

static char *kept[ROUNDS];

__attribute__((noinline)) static void parse(int round)
{
    char *small = malloc(24);                        /* @small */
    char *large = malloc(100 + (unsigned)round % 7); /* @large */
    use(small);
    use(large);
    free(large);
    free(small);
}

/* Of one size both; one of them stays. */
__attribute__((noinline)) static void keep(int round)
{
    char *passing = malloc(40); /* @passing */
    kept[round] = malloc(40);   /* @staying */
    use(passing);
    use(kept[round]);
    free(passing);
}

__attribute__((noinline)) static void copy(void)
{
    char *first = strdup("a text that is copied"); /* @copied */
    use(first);
    free(first);
}

__attribute__((noinline)) static void old_name(void)
{
    char *block = malloc(300); /* @old_name */
    use(block);
    free(block);
}

__attribute__((noinline)) static void inlined(void)
{
    char *block = malloc(61); /* @inlined */
    use(block);
    free(block);
}

__attribute__((noinline)) static void shrink(void)
{
    char *stays = malloc(70);  /* @stays */
    char *leaves = malloc(80); /* @leaves */
    use(stays);
    use(leaves);
    free(leaves);
    free(stays);
}

int main(void)
{
    char *settings = malloc(1000); /* @settings */
    use(settings);
    if (tenure_mark)
        tenure_mark("initialisation done");
    for (int round = 0; round < ROUNDS; round++) {
        parse(round);
        keep(round);
        copy();
        old_name();
        inlined();
        shrink();
        work_a();
        work_b();
        work_moved();
        work_other();
    }
    return 0;
}
