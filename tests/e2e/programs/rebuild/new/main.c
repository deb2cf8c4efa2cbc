/* SPDX-License-Identifier: MIT */

/* The new build: lines moved and were swapped, copied, removed and added; a function was renamed, another one
 * is inlined; files moved. */

#include "rebuild.h"
#include "tenure/mark.h"

#include <stdlib.h>
#include <string.h>

static char *kept[ROUNDS];
static int rounds_done;

__attribute__((noinline)) static void count_round(void)
{
    rounds_done++;
}

__attribute__((noinline)) static void keep(int round)
{
    kept[round] = malloc(40);   /* @staying */
    char *passing = malloc(40); /* @passing */
    use(passing);
    use(kept[round]);
    free(passing);
}

static inline __attribute__((always_inline)) void inlined(void)
{
    char *block = malloc(61); /* @inlined */
    use(block);
    free(block);
}

__attribute__((noinline)) static void parse(int round)
{
    char *large = malloc(100 + (unsigned)round % 7); /* @large */
    char *small = malloc(24);                        /* @small */
    use(small);
    use(large);
    free(large);
    free(small);
}

__attribute__((noinline)) static void copy(void)
{
    char *first = strdup("a text that is copied");  /* @copied */
    char *second = strdup("a text that is copied"); /* @copied */
    use(first);
    use(second);
    free(second);
    free(first);
}

__attribute__((noinline)) static void new_name(void)
{
    char *block = malloc(300); /* @new_name */
    use(block);
    free(block);
}

__attribute__((noinline)) static void shrink(void)
{
    char *stays = malloc(70); /* @stays */
    use(stays);
    free(stays);
}

__attribute__((noinline)) static void added(void)
{
    char *block = malloc(555); /* @added */
    use(block);
    free(block);
}

int main(void)
{
    char *settings = malloc(1000); /* @settings */
    use(settings);
    if (tenure_mark)
        tenure_mark("initialisation done");
    for (int round = 0; round < ROUNDS; round++) {
        count_round();
        parse(round);
        keep(round);
        copy();
        new_name();
        inlined();
        shrink();
        added();
        work_a();
        work_b();
        work_moved();
        work_more();
    }
    return rounds_done == ROUNDS ? 0 : 1;
}
