/* SPDX-License-Identifier: MIT */
/* New threads that call vfork before anything else. The child allocates in its parent's memory, with the
 * parent thread's own thread-local storage; afterwards the thread makes BLOCKS blocks of 41 bytes, and what
 * its child did must cost it none of them. The children's blocks have 56 bytes, and nobody counts these.
 *
 * usage: vfork_beside THREADS BLOCKS
 * Prints "made N", the blocks of the threads. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static long block_count;
static volatile char *sink;

static void *make(void *argument)
{
    pid_t pid = vfork();
    if (pid == 0) {
        for (int i = 0; i < 5; i++)
            free(malloc(56));
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        exit(3);
    for (long i = 0; i < block_count; i++) {
        sink = malloc(41);
        free((void *)sink);
    }
    return argument;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    long threads = atol(argv[1]);
    block_count = atol(argv[2]);
    for (long i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, make, NULL) != 0)
            return 3;
        pthread_join(thread, NULL);
    }
    printf("made %ld\n", threads * block_count);
    return 0;
}
