/* SPDX-License-Identifier: MIT */
/* What the recorder reads of other processes: threads by the ids of their own PID namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process in a PID namespace of its own; it does what the commands on its pipe say, and answers each. */
struct stranger {
    pid_t parent; /* of the namespace's first process; ours */
    pid_t pid;    /* of the namespace's first process, as we see it */
    int command_fd, answer_fd;
};

static void *wait_for_end(void *context)
{
    (void)context;
    for (;;)
        pause();
    return NULL;
}

static void end_thread(int signal)
{
    (void)signal;
    syscall(SYS_exit, 0);
}

/* '+' starts a thread, '-' ends the newest one and waits until it is gone. */
static void obey(int command_fd, int answer_fd)
{
    pthread_t threads[8];
    unsigned count = 0;
    char command;
    signal(SIGUSR1, end_thread);
    while (read(command_fd, &command, 1) == 1) {
        if (command == '+')
            pthread_create(&threads[count++], NULL, wait_for_end, NULL);
        if (command == '-') {
            pthread_kill(threads[--count], SIGUSR1);
            pthread_join(threads[count], NULL);
        }
        if (write(answer_fd, &command, 1) != 1)
            break;
    }
    _exit(0);
}

/* False: the kernel allows no namespaces here. */
static bool begin(struct stranger *stranger)
{
    int commands[2], answers[2];
    pid_t pid = -1;
    assert_int_equal(pipe(commands), 0);
    assert_int_equal(pipe(answers), 0);
    stranger->parent = fork();
    if (stranger->parent == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bool is_allowed = unshare(CLONE_NEWPID) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
        pid = is_allowed ? fork() : -1;
        close(commands[1]);
        if (pid == 0)
            obey(commands[0], answers[1]);
        if (write(answers[1], &pid, sizeof(pid)) != sizeof(pid))
            _exit(1);
        waitpid(pid, NULL, 0);
        _exit(0);
    }
    close(commands[0]);
    close(answers[1]);
    stranger->command_fd = commands[1];
    stranger->answer_fd = answers[0];
    assert_int_equal(read(stranger->answer_fd, &pid, sizeof(pid)), sizeof(pid));
    stranger->pid = pid;
    return pid > 0;
}

static void tell(struct stranger *stranger, char command)
{
    assert_int_equal(write(stranger->command_fd, &command, 1), 1);
    assert_int_equal(read(stranger->answer_fd, &command, 1), 1);
}

static void finish(struct stranger *stranger)
{
    close(stranger->command_fd);
    close(stranger->answer_fd);
    waitpid(stranger->parent, NULL, 0);
}

#ifdef __SANITIZE_THREAD__
#define HAS_THREADS_OF_ITS_OWN true /* ThreadSanitizer starts some in every process, and delays signals */
#else
#define HAS_THREADS_OF_ITS_OWN false
#endif

static void threads_are_known_by_the_ids_of_their_namespace(void **state)
{
    (void)state;
    if (HAS_THREADS_OF_ITS_OWN)
        skip();
    struct stranger stranger;
    struct tn_proc_tid *tids;
    uint32_t count;
    if (!begin(&stranger)) {
        finish(&stranger);
        print_message("SKIP: this kernel allows no PID namespaces here\n");
        skip();
    }
    assert_int_not_equal(tn_proc_pid_namespace(stranger.pid), tn_proc_pid_namespace(getpid()));
    assert_int_not_equal(tn_proc_pid_namespace(stranger.pid), 0);
    tell(&stranger, '+');
    tell(&stranger, '+');
    assert_int_equal(tn_proc_list_tids(stranger.pid, &tids, &count), 0);
    assert_int_equal(count, 3);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(tids[i].own_tid, i + 1);
    assert_int_equal(tn_proc_find_tid(tids, count, 1)->tid, stranger.pid);
    pid_t third = tn_proc_find_tid(tids, count, 3)->tid;
    assert_null(tn_proc_find_tid(tids, count, 4));
    assert_null(tn_proc_find_tid(tids, count, (uint32_t)third));
    free(tids);
    assert_false(tn_proc_thread_is_gone(stranger.pid, third));
    tell(&stranger, '-');
    while (!tn_proc_thread_is_gone(stranger.pid, third))
        sched_yield(); /* joined when its stack is free; the kernel forgets it a moment later */
    assert_int_equal(tn_proc_list_tids(stranger.pid, &tids, &count), 0);
    assert_int_equal(count, 2);
    assert_null(tn_proc_find_tid(tids, count, 3));
    free(tids);
    finish(&stranger);
}

static void own_threads_have_one_id(void **state)
{
    (void)state;
    struct tn_proc_tid *tids;
    uint32_t count;
    assert_int_equal(tn_proc_list_tids(getpid(), &tids, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(tids[0].tid, getpid());
    free(tids);
}

static void a_process_that_is_gone_has_no_threads(void **state)
{
    (void)state;
    struct tn_proc_tid *tids;
    uint32_t count;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    assert_int_equal(tn_proc_list_tids(pid, &tids, &count), -ENOENT);
    assert_int_equal(tn_proc_pid_namespace(pid), 0);
    assert_null(tn_proc_find_tid(NULL, 0, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_known_by_the_ids_of_their_namespace),
        cmocka_unit_test(own_threads_have_one_id),
        cmocka_unit_test(a_process_that_is_gone_has_no_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
