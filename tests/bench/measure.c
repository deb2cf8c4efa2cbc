/* SPDX-License-Identifier: MIT */
/* Runs a program and writes one line about it: status, wall time, user and system time in ns, highest
 * resident size in bytes, and when it ended (CLOCK_MONOTONIC, ns). A process as small as this one does not
 * spoil the resident size: what the child has before its exec counts, too.
 *
 * usage: measure RESULT [NAME=VALUE...] PROGRAM [ARGUMENT...] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t time_ns(struct timeval value)
{
    return (uint64_t)value.tv_sec * 1000000000u + (uint64_t)value.tv_usec * 1000u;
}

/* Settings stand before the program, as with env. */
static void execute(char **arguments)
{
    for (; *arguments != NULL && strchr(*arguments, '=') != NULL; arguments++)
        putenv(*arguments);
    if (*arguments != NULL)
        execvp(*arguments, arguments);
    _exit(127);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    FILE *result = fopen(argv[1], "we");
    if (result == NULL)
        return 3;
    uint64_t start_ns = now_ns();
    pid_t pid = fork();
    if (pid == 0)
        execute(argv + 2);
    int status;
    struct rusage usage;
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        return 3;
    uint64_t end_ns = now_ns();
    fprintf(result, "%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), end_ns - start_ns,
            time_ns(usage.ru_utime), time_ns(usage.ru_stime), (uint64_t)usage.ru_maxrss * 1024u, end_ns);
    return fclose(result) == 0 ? 0 : 3;
}
