/* SPDX-License-Identifier: MIT */
/* Keeps most of its blocks, of mixed sizes, and releases one of three; which one found no room is told on
 * stderr. */
#include <stdio.h>
#include <stdlib.h>

#define BLOCKS 200

static void *blocks[BLOCKS];

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(40 + (size_t)(i * 37) % 90); /* @grows */
        if (blocks[i] == NULL) {
            fprintf(stderr, "no room at %d\n", i);
            return 5;
        }
        if (i % 3 == 2) {
            free(blocks[i - 1]);
            blocks[i - 1] = NULL;
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    puts("done");
    return 0;
}
