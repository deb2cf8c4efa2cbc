/* SPDX-License-Identifier: MIT */
/* Every way to make a process. usage: forks MODE, or as what is executed: forks leaf */
#include "truth.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLOSE_RANGE  436 /* its number everywhere; not in headers of glibc 2.31 */
#define LEAF_STATUS  5
#define CHURN_A_FORK 1000

extern char **environ;

/* Of glibc 2.34, and not declared by older ones. */
extern pid_t _Fork(void) __attribute__((weak));

static const char *self_path;
static struct block inherited[100];
static volatile int is_stopping;
static volatile long forks_begun;

static void expect(int is_true)
{
    if (!is_true)
        _exit(9);
}

static int leaf(void)
{
    struct block blocks[77];
    for (size_t i = 0; i < 77; i++)
        blocks[i] = MALLOC(1000 + i);
    for (size_t i = 0; i < 70; i++)
        FREE(blocks[i]);
    for (size_t i = 70; i < 77; i++)
        truth_keep(&blocks[i]);
    return LEAF_STATUS;
}

static void execute_leaf(void)
{
    execl(self_path, self_path, "leaf", (char *)NULL);
    _exit(8);
}

static void reap(pid_t pid, int wanted)
{
    int status = 0;
    expect(waitpid(pid, &status, 0) == pid);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == wanted);
}

/* A child releases what it inherited, grows one of the inherited blocks, and has blocks of its own. */
static void child_work(void)
{
    truth_fork_child();
    for (size_t i = 0; i < 100; i++)
        INHERITED(inherited[i]);
    for (size_t i = 0; i < 40; i++)
        FREE(inherited[i]);
    REALLOC(inherited[40], 5000);
    REALLOC(inherited[40], 6000);
    FREE(inherited[40]);
    for (size_t i = 0; i < 50; i++) {
        struct block block = MALLOC(300 + i);
        if (i < 20)
            FREE(block);
        else
            truth_keep(&block);
    }
}

static void parent_blocks(void)
{
    for (size_t i = 0; i < 100; i++)
        inherited[i] = MALLOC(200 + i);
}

static void parent_release(void)
{
    for (size_t i = 0; i < 100; i++)
        FREE(inherited[i]);
}

static void fork_with(pid_t (*make)(void))
{
    pid_t pid = make();
    if (pid == 0) {
        child_work();
        truth_print();
        _exit(12);
    }
    reap(pid, 12);
}

static pid_t raw_clone(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void fork_and_execute(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        child_work();
        truth_print();
        execute_leaf();
    }
    reap(pid, LEAF_STATUS);
}

static void spawn(void)
{
    char name[] = "leaf";
    char *const arguments[] = {(char *)(uintptr_t)self_path, name, NULL};
    pid_t pid;
    expect(posix_spawn(&pid, self_path, NULL, NULL, arguments, environ) == 0);
    reap(pid, LEAF_STATUS);
}

/* The child of vfork works in its parent's memory: its blocks are the parent's. */
static void vfork_and_execute(void)
{
    static struct block block;
    pid_t pid = vfork();
    if (pid == 0) {
        block = MALLOC(350);
        execute_leaf();
    }
    FREE(block);
    reap(pid, LEAF_STATUS);
}

static void become_daemon(void)
{
    pid_t program = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        truth_fork_child();
        setsid();
        pid_t middle = getpid();
        if (fork() != 0) {
            truth_print();
            _exit(0);
        }
        truth_fork_child();
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        while (getppid() == middle || kill(program, 0) == 0)
            usleep(1000);
        leaf();
        truth_print();
        _exit(0);
    }
    reap(pid, 0);
}

/* How much there is to compare must not depend on how long a fork takes here. */
static void *churn(void *unused)
{
    (void)unused;
    for (long done = 0; !is_stopping;) {
        if (done >= (forks_begun + 1) * CHURN_A_FORK) {
            sched_yield();
            continue;
        }
        struct block block = MALLOC(360);
        FREE(block);
        done++;
    }
    return NULL;
}

/* The child has one thread, whatever the others were doing at the fork. */
static void fork_among_threads(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, churn, NULL);
    for (int i = 0; i < 20; i++) {
        forks_begun = i + 1;
        pid_t pid = fork();
        if (pid == 0) {
            truth_fork_child();
            leaf();
            truth_print();
            _exit(12);
        }
        reap(pid, 12);
    }
    is_stopping = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static void tree(int levels)
{
    for (int i = 0; i < 2 && levels > 0; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            truth_fork_child();
            tree(levels - 1);
            leaf();
            truth_print();
            _exit(12);
        }
        reap(pid, 12);
    }
}

static int run(const char *mode)
{
    if (strcmp(mode, "fork") == 0)
        fork_with(fork);
    else if (strcmp(mode, "clone") == 0)
        fork_with(raw_clone);
    else if (strcmp(mode, "_Fork") == 0)
        fork_with(_Fork);
    else if (strcmp(mode, "forkexec") == 0)
        fork_and_execute();
    else if (strcmp(mode, "spawn") == 0)
        spawn();
    else if (strcmp(mode, "vfork") == 0)
        vfork_and_execute();
    else if (strcmp(mode, "daemon") == 0)
        become_daemon();
    else if (strcmp(mode, "threads") == 0)
        fork_among_threads();
    else if (strcmp(mode, "tree") == 0)
        tree(3);
    else
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    self_path = argv[0];
    if (strcmp(mode, "leaf") == 0)
        return leaf();
    parent_blocks();
    if (strcmp(mode, "exec") == 0) {
        for (size_t i = 0; i < 100; i++)
            truth_keep(&inherited[i]);
        truth_print();
        execute_leaf();
    }
    if (strcmp(mode, "closed") == 0) {
        syscall(CLOSE_RANGE, 0, ~0u, 0);
        fork_and_execute();
    } else if (strcmp(mode, "clean") == 0) {
        clearenv();
        fork_and_execute();
    } else if (run(mode) != 0) {
        return 2;
    }
    parent_release();
    return 0;
}
