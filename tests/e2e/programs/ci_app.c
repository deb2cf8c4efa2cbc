/* SPDX-License-Identifier: MIT */

/* The program of the examples for continuous integration: it keeps a table, and reads lines into a buffer on
 * the stack. The test makes that one a block on the heap, which must not pass. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *table[8];

static unsigned long sum_of_line(unsigned number)
{
    unsigned long sum = 0;
    char line[64];
    snprintf(line, 64, "line %u", number);
    for (const char *at = line; *at != '\0'; at++)
        sum += (unsigned char)*at;
    /* line ends */
    return sum;
}

int main(void)
{
    unsigned long sum = 0;
    for (int i = 0; i < 8; i++) {
        table[i] = malloc(100);
        memset(table[i], i, 100);
    }
    for (unsigned number = 0; number < 5000; number++)
        sum += sum_of_line(number);
    for (int i = 0; i < 8; i++)
        sum += (unsigned char)table[i][99];
    return sum != 0 ? 0 : 1;
}
