/* SPDX-License-Identifier: MIT */
/* Works, says "half", waits for a byte on its standard input, works again and says what it computed: so that
 * a test can act in the middle, whatever the machine's speed. usage: gated BLOCKS */
#include "truth.h"

#include <string.h>
#include <unistd.h>

#define LIVE_COUNT 1000

static unsigned long sum;

static void work(int blocks)
{
    static struct block live[LIVE_COUNT];
    for (int i = 0; i < blocks; i++) {
        struct block *block = &live[i % LIVE_COUNT];
        if (block->address != NULL)
            FREE(*block);
        *block = MALLOC(16 + (size_t)(i % 100));
        memset(block->address, i, block->size_bytes);
        sum = sum * 31 + *(unsigned char *)block->address;
    }
    for (int i = 0; i < LIVE_COUNT; i++) {
        FREE(live[i]);
        live[i].address = NULL;
    }
}

int main(int argc, char **argv)
{
    int blocks = argc > 1 ? atoi(argv[1]) : 100000;
    char byte, text[32] = "0000000000000000\n";
    work(blocks);
    if (write(1, "half\n", 5) != 5 || read(0, &byte, 1) != 1)
        return 2;
    work(blocks);
    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[sum >> (60 - 4 * i) & 15];
    return write(1, text, 17) == 17 ? 7 : 2;
}
