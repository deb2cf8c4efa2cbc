/* SPDX-License-Identifier: MIT */
/* A program that spoils the memory which it shares with the recorder, in mid-run, and works on. It finds that
 * memory in /proc/self/maps (the first mapping of a memfd called tenure) and its file by
 * /proc/self/map_files.
 *
 * usage: vandal truncate BLOCKS    makes the file empty
 *        vandal punch BLOCKS       takes all its pages away
 *        vandal header BLOCKS      overwrites the header with ones
 *        vandal control BLOCKS     overwrites everything behind the first 64 KiB with ones, up to 256 KiB
 *        vandal none BLOCKS
 *
 * Says "refused" where the kernel does not let it. Prints "made N", blocks of 41 bytes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long low, high;
static volatile char *sink;

static int find_shared(void)
{
    char line[600];
    FILE *file = fopen("/proc/self/maps", "r");
    int is_found = 0;
    while (file != NULL && !is_found && fgets(line, sizeof(line), file) != NULL)
        is_found = strstr(line, "memfd:tenure") != NULL && sscanf(line, "%lx-%lx", &low, &high) == 2;
    if (file != NULL)
        fclose(file);
    return is_found;
}

static int open_shared(void)
{
    char path[100];
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", low, high);
    return open(path, O_RDWR);
}

static void overwrite(unsigned long from, unsigned long to)
{
    for (unsigned long at = from; at < to && at < high; at += sizeof(long))
        *(volatile long *)at = -1;
}

static int spoil(const char *mode)
{
    if (strcmp(mode, "header") == 0)
        overwrite(low, low + 4096);
    if (strcmp(mode, "control") == 0)
        overwrite(low + 65536, low + 65536 + 262144);
    int is_truncation = strcmp(mode, "truncate") == 0;
    if (!is_truncation && strcmp(mode, "punch") != 0)
        return 1;
    int fd = open_shared();
    if (fd < 0)
        return 0;
    long size_bytes = lseek(fd, 0, SEEK_END);
    int result = is_truncation ? ftruncate(fd, 0)
                               : fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size_bytes);
    close(fd);
    return result == 0;
}

static void make(long count)
{
    for (long i = 0; i < count; i++) {
        sink = malloc(41);
        free((void *)sink);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    long count = atol(argv[2]);
    int is_there = find_shared();
    make(count);
    if (is_there && !spoil(argv[1]) && write(1, "refused\n", 8) != 8)
        return 2;
    make(count);
    printf("made %ld\n", 2 * count);
    return 0;
}
