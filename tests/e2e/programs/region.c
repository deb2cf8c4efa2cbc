/* SPDX-License-Identifier: MIT */
/* Says whether all its blocks lie in one region of as many bytes as its argument says, what it wrote is still
 * there, and blocks have the alignment that was asked for: "inside", "outside" or what is wrong. Status 1:
 * there was no room. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 40
#define ROUNDS 2000

static uintptr_t lowest = UINTPTR_MAX, highest;

static unsigned char *see(void *block, size_t size_bytes)
{
    if (block == NULL)
        _exit(1);
    uintptr_t begin = (uintptr_t)block, end = begin + size_bytes;
    lowest = begin < lowest ? begin : lowest;
    highest = end > highest ? end : highest;
    return block;
}

static void wrong(const char *what)
{
    dprintf(1, "%s\n", what);
    _exit(2);
}

static void check(const unsigned char *block, size_t size_bytes, unsigned char value, const char *what)
{
    for (size_t i = 0; i < size_bytes; i++)
        if (block[i] != value)
            wrong(what);
}

/* Blocks of all kinds come and go; each has a pattern of its own. */
static void churn(unsigned seed)
{
    unsigned char *blocks[BLOCKS] = {0};
    size_t sizes[BLOCKS] = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        seed = seed * 1103515245u + 12345u;
        unsigned at = (seed >> 16) % BLOCKS;
        size_t size_bytes = 1 + (seed >> 8) % 600;
        if (blocks[at] == NULL) {
            blocks[at] = see(calloc(1, size_bytes), size_bytes);
            check(blocks[at], size_bytes, 0, "calloc is not zero");
        } else if ((seed & 64) != 0) {
            check(blocks[at], sizes[at], (unsigned char)at, "a block was written to");
            blocks[at] = see(realloc(blocks[at], size_bytes), size_bytes);
            check(blocks[at], size_bytes < sizes[at] ? size_bytes : sizes[at], (unsigned char)at,
                  "realloc lost it");
        } else {
            check(blocks[at], sizes[at], (unsigned char)at, "a block was written to");
            free(blocks[at]);
            blocks[at] = NULL;
            continue;
        }
        sizes[at] = size_bytes;
        memset(blocks[at], (int)at, size_bytes);
    }
    for (unsigned at = 0; at < BLOCKS; at++)
        free(blocks[at]);
}

int main(int argc, char **argv)
{
    uintptr_t region_bytes = argc > 1 ? strtoul(argv[1], NULL, 0) : 65536;
    int status;
    churn(1);
    unsigned char *aligned = see(aligned_alloc(64, 128), 128);
    if ((uintptr_t)aligned % 64 != 0)
        wrong("aligned_alloc is not");
    pid_t child = fork();
    if (child == 0) {
        churn(2);
        _exit(0);
    }
    churn(3);
    free(aligned);
    if (waitpid(child, &status, 0) != child || status != 0)
        wrong("the child failed");
    dprintf(1, "%s\n", highest - lowest <= region_bytes ? "inside" : "outside");
    return 0;
}
