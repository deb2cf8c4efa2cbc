/* SPDX-License-Identifier: MIT */
/* One line asks twelve times, eight times for one caller and four times for another; which ones failed is
 * told on stderr. */
#include <stdio.h>
#include <stdlib.h>

#define FIRST_COUNT  8
#define SECOND_COUNT 4

static char missing[200];
static size_t used;

static void ask(int number)
{
    void *block = malloc(40);
    if (block == NULL)
        used += (size_t)snprintf(missing + used, sizeof(missing) - used, " %d", number);
    free(block);
}

static void ask_first(int number)
{
    ask(number);
}

static void ask_second(int number)
{
    ask(number);
}

int main(void)
{
    for (int i = 0; i < FIRST_COUNT; i++)
        ask_first(i);
    for (int i = 0; i < SECOND_COUNT; i++)
        ask_second(FIRST_COUNT + i);
    if (used > 0)
        fprintf(stderr, "missing%s\n", missing);
    return used > 0 ? 7 : 0;
}
