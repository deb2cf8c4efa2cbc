/* SPDX-License-Identifier: MIT */
/* A table that is made at the start and kept, and two buffers of which never more than one lives: one step of
 * a plan makes all of them static, by findings of two kinds. */
#include <stdlib.h>

#define ROUNDS 300

struct table {
    int numbers[3000];
};

static struct table *table;
static char *line, *page;
static volatile int total;

__attribute__((noinline)) static void begin(void)
{
    table = calloc(1, sizeof(*table));
}

__attribute__((noinline)) static void begin_line(int i)
{
    line = malloc(2001);
    line[0] = (char)i;
}

__attribute__((noinline)) static void end_line(void)
{
    total += line[0];
    free(line);
    line = NULL;
}

__attribute__((noinline)) static void begin_page(int i)
{
    page = malloc(1001);
    page[0] = (char)i;
}

__attribute__((noinline)) static void end_page(void)
{
    total += page[0];
    free(page);
    page = NULL;
}

int main(void)
{
    begin();
    for (int i = 0; i < ROUNDS; i++) {
        table->numbers[i]++;
        begin_line(i);
        end_line();
        begin_page(i);
        end_page();
    }
    return total == 1;
}
