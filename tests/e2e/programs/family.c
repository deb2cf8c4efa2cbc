/* SPDX-License-Identifier: MIT */
/* A process and its children; each makes the same number of blocks of 41 bytes, and keeps them.
 *
 * usage: family alive CHILDREN BLOCKS    all children are alive before the first ends
 *        family serial CHILDREN BLOCKS   one after another: each is forked, and executes this program as a leaf
 *        family setuid CHILDREN BLOCKS   one after another, forked by a process that has given up being root
 *        family chroot CHILDREN BLOCKS   the same by one that sees an empty folder only, which it reads as a line
 *        family nofile CHILDREN BLOCKS   the same by one that may open no file any more
 *        family gated CHILDREN BLOCKS    says "half", reads a byte, then as serial
 *        family leaf 0 BLOCKS            what is executed
 *
 * Prints "children N" (those that ended well) and "made N", the sum of all blocks. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK_BYTES 41
#define NOBODY      65534

static long block_count;
static volatile char *sink;

static long make(void)
{
    long made = 0;
    for (long i = 0; i < block_count; i++) {
        sink = malloc(BLOCK_BYTES);
        made += sink != NULL;
    }
    return made;
}

static int reap(void)
{
    int status = 0;
    return wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Children that all wait, on one pipe's end, until the last one is there. */
static long all_at_once(long count)
{
    int ready[2], go[2];
    char byte;
    long ended = 0;
    if (pipe(ready) != 0 || pipe(go) != 0)
        exit(3);
    for (long i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid < 0)
            exit(3);
        if (pid == 0) {
            close(go[1]);
            int is_done = make() == block_count && write(ready[1], "", 1) == 1 && read(go[0], &byte, 1) == 0;
            _exit(!is_done);
        }
    }
    for (long i = 0; i < count; i++)
        if (read(ready[0], &byte, 1) != 1)
            exit(3);
    close(go[1]);
    for (long i = 0; i < count; i++)
        ended += reap();
    return ended;
}

static long one_after_another(const char *self, long count, char *blocks)
{
    long ended = 0;
    for (long i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int is_done = make() == block_count;
            if (self != NULL && is_done)
                execl(self, self, "leaf", "0", blocks, (char *)NULL);
            _exit(!is_done || self != NULL);
        }
        ended += pid > 0 && reap();
    }
    return ended;
}

static void give_up(const char *mode)
{
    static const struct rlimit none = {3, 3};
    char folder[512];
    if (strcmp(mode, "setuid") == 0 &&
        (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        exit(3);
    if (strcmp(mode, "nofile") == 0 && setrlimit(RLIMIT_NOFILE, &none) != 0)
        exit(3);
    if (strcmp(mode, "chroot") == 0) {
        if (fgets(folder, sizeof(folder), stdin) == NULL)
            exit(3);
        folder[strcspn(folder, "\n")] = '\0';
        if (chroot(folder) != 0 || chdir("/") != 0)
            exit(3);
    }
}

int main(int argc, char **argv)
{
    char byte;
    if (argc != 4)
        return 2;
    const char *mode = argv[1];
    long count = atol(argv[2]);
    block_count = atol(argv[3]);
    long made = make(), ended = 0;
    int is_leaf = strcmp(mode, "leaf") == 0, is_gated = strcmp(mode, "gated") == 0;
    int has_images = is_gated || strcmp(mode, "serial") == 0;
    if (is_leaf)
        return made != block_count;
    if (is_gated && (write(1, "half\n", 5) != 5 || read(0, &byte, 1) != 1))
        return 2;
    give_up(mode);
    ended = strcmp(mode, "alive") == 0 ? all_at_once(count)
                                       : one_after_another(has_images ? argv[0] : NULL, count, argv[3]);
    made += ended * block_count * (has_images ? 2 : 1);
    printf("children %ld\nmade %ld\n", ended, made);
    return ended != count;
}
