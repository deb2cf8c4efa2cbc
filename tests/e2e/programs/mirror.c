/* SPDX-License-Identifier: MIT */
/* Prints how the program's own process looks to it: descriptors, signals, children, environment, errno,
 * limits. The output must be the same with and without a recorder. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void show_descriptors(const char *when)
{
    printf("%s:", when);
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            printf(" %d", fd);
    printf("\n");
    int next = open("/dev/null", O_RDONLY);
    printf("next descriptor %d\n", next);
    close(next);
}

static void show_signals(void)
{
    sigset_t mask, pending;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0)
            continue;
        if (action.sa_handler != SIG_DFL || sigismember(&mask, number) || sigismember(&pending, number))
            printf("signal %d: ignored %d blocked %d pending %d\n", number, action.sa_handler == SIG_IGN,
                   sigismember(&mask, number), sigismember(&pending, number));
    }
    stack_t stack;
    sigaltstack(NULL, &stack);
    printf("alternative stack: %d\n", stack.ss_flags == SS_DISABLE ? 0 : 1);
}

static void show_children(void)
{
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
    printf("foreign child: %d, errno %d\n", pid > 0, errno);
    pid = fork();
    if (pid == 0)
        _exit(3);
    pid_t reaped = wait(&status);
    printf("own child reaped: %d, status %d\n", reaped == pid, WEXITSTATUS(status));
    reaped = waitpid(-1, &status, __WALL);
    printf("then %d, errno %d\n", (int)reaped, errno);
}

static void show_environment(void)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *text = *entry;
        if (strncmp(text, "LD_PRELOAD=", 11) != 0 && strncmp(text, "TENURE_", 7) != 0)
            printf("%s\n", text);
    }
}

static void show_errno(void)
{
    errno = 77;
    char *block = malloc(100);
    printf("errno after malloc %d\n", errno);
    block = realloc(block, 100000);
    printf("errno after realloc %d\n", errno);
    free(block);
    printf("errno after free %d\n", errno);
    volatile size_t huge = (size_t)1 << 62;
    block = malloc(huge);
    printf("failed %d, errno %d\n", block == NULL, errno == ENOMEM);
    free(block);
}

static void show_limits(void)
{
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)resource, &limit) == 0)
            printf("limit %d: %lx %lx\n", resource, limit.rlim_cur, limit.rlim_max);
    }
    mode_t mask = umask(022);
    umask(mask);
    printf("umask %o, priority %d\n", mask, getpriority(PRIO_PROCESS, 0));
}

static void show_threads(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, "Threads:", 8) == 0 || strncmp(line, "TracerPid:", 10) == 0 ||
            (strncmp(line, "Sig", 3) == 0 && line[3] != 'Q') || strncmp(line, "Shd", 3) == 0)
            fputs(line, stdout);
    if (status != NULL)
        fclose(status);
}

int main(void)
{
    show_descriptors("descriptors at start");
    show_signals();
    show_children();
    show_environment();
    show_errno();
    show_limits();
    show_threads();
    show_descriptors("descriptors at end");
    return 0;
}
