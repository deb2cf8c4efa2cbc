/* SPDX-License-Identifier: MIT */
/* Runs until it is killed from outside, and keeps in a shared file how many blocks it has had so far.
 * usage: killed FILE */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_BYTES 1234

int main(int argc, char **argv)
{
    int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return 2;
    volatile uint64_t *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counts == MAP_FAILED)
        return 2;
    for (;;) {
        void *block = malloc(BLOCK_BYTES);
        counts[0]++;
        free(block);
        counts[1]++;
    }
}
