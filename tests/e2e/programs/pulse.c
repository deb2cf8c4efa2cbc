/* SPDX-License-Identifier: MIT */
/* Allocates without pause until it has made BLOCKS blocks, and says how long it stood still at most: the
 * greatest time from one block to the next, in milliseconds. After a tenth of the blocks it says "half", but
 * does not wait.
 *
 * usage: pulse BLOCKS */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile char *sink;

static long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 1000000, greatest_us = 0;
    long last_us = now_us();
    for (long i = 0; i < count; i++) {
        sink = malloc(41);
        free((void *)sink);
        if (i == count / 10 && write(1, "half\n", 5) != 5)
            return 2;
        long us = now_us();
        if (us - last_us > greatest_us)
            greatest_us = us - last_us;
        last_us = us;
    }
    printf("stood_still_ms %ld\nmade %ld\n", greatest_us / 1000, count);
    return 0;
}
