/* SPDX-License-Identifier: MIT */
/* A program that forbids itself all system calls but a few, and allocates then: from call paths that it took
 * before and from new ones. Whoever makes another call is killed by SIGSYS. Its blocks have 41 bytes; prints
 * how many.
 *
 * usage: sandbox none BLOCKS      no filter
 *        sandbox filter BLOCKS    futex, and what malloc, write and the end of a process need
 *        sandbox threads BLOCKS   the same, and two threads: one has allocated before the filter, one has not
 *        sandbox raw BLOCKS       as threads, and the filter is set by syscall() only
 *        sandbox strict BLOCKS    read, write, _exit and sigreturn; BLOCKS must fit the heap's top (1 MiB)
 *        sandbox exec BLOCKS      what a dynamic program needs to start and to run, then executes itself with wait
 *        sandbox wait BLOCKS      no filter of its own; reads a byte at last */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_BYTES 41
#define DEPTH       30

/* What malloc, write, threads that wait and an orderly end make. */
static const int run_calls[] = {
    SYS_futex,    SYS_mmap,  SYS_munmap, SYS_mremap,     SYS_brk,          SYS_madvise,
    SYS_mprotect, SYS_write, SYS_exit,   SYS_exit_group, SYS_rt_sigreturn, SYS_rt_sigprocmask,
};

/* What the loader and the start of the C library make beside these. */
static const int start_calls[] = {
#ifdef __x86_64__
    SYS_access,          SYS_readlink,  SYS_arch_prctl,
#endif
    SYS_execve,          SYS_openat,    SYS_read,       SYS_pread64,         SYS_close, SYS_newfstatat,
    SYS_fstat,           SYS_faccessat, SYS_readlinkat, SYS_set_tid_address, SYS_rseq,  SYS_prlimit64,
    SYS_set_robust_list, SYS_getrandom, SYS_lseek,
};

#define RUN_COUNT   (sizeof(run_calls) / sizeof(run_calls[0]))
#define START_COUNT (sizeof(start_calls) / sizeof(start_calls[0]))

static long block_count, made;
static pthread_barrier_t ready, go, done;
static volatile char *sink;
static int is_raw; /* restrict by syscall(), not by prctl() */

static void allow(struct sock_filter *program, unsigned *length, int call)
{
    program[(*length)++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1);
    program[(*length)++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

/* rt_sigprocmask is not among the calls that malloc needs: only the exit of a thread makes it. */
static void forbid(int may_start, int may_end_threads)
{
    struct sock_filter program[2 * (RUN_COUNT + START_COUNT) + 2];
    unsigned length = 0;
    program[length++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < RUN_COUNT; i++)
        if (run_calls[i] != SYS_rt_sigprocmask || may_end_threads)
            allow(program, &length, run_calls[i]);
    for (size_t i = 0; may_start && i < START_COUNT; i++)
        allow(program, &length, start_calls[i]);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog filter = {(unsigned short)length, program};
    long granted =
        is_raw ? syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (granted != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0) {
        fputs("no filter\n", stderr);
        _exit(3);
    }
}

static void make(long count)
{
    for (long i = 0; i < count; i++) {
        sink = malloc(BLOCK_BYTES);
        if (sink == NULL)
            _exit(4);
        __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
        if (i % 2 == 0)
            free((void *)sink);
    }
}

/* Call paths that only the filtered part of the program takes. */
static __attribute__((noinline)) void make_anew(int depth)
{
    volatile char frame[64];
    frame[0] = (char)depth;
    if (depth == 0)
        make(block_count);
    else
        make_anew(depth - 1);
    frame[1] = frame[0];
}

/* The same through a function whose frame has no plain unwind rule: the stack is realigned. */
static __attribute__((noinline)) void make_realigned(void)
{
    volatile char frame[256] __attribute__((aligned(256)));
    frame[0] = 1;
    make(block_count);
    frame[1] = frame[0];
}

static void *work(void *has_begun)
{
    if (has_begun != NULL)
        make(10);
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&go);
    make_anew(DEPTH);
    pthread_barrier_wait(&done);
    return NULL;
}

static void work_in_threads(void)
{
    static int begun;
    pthread_t threads[2];
    pthread_barrier_init(&ready, NULL, 3);
    pthread_barrier_init(&go, NULL, 3);
    pthread_barrier_init(&done, NULL, 3);
    pthread_create(&threads[0], NULL, work, &begun);
    pthread_create(&threads[1], NULL, work, NULL);
    pthread_barrier_wait(&ready);
    forbid(0, 1);
    pthread_barrier_wait(&go);
    pthread_barrier_wait(&done);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static void tell(void)
{
    char text[40];
    int length = snprintf(text, sizeof(text), "made %ld\n", made);
    if (write(1, text, (size_t)length) != length)
        _exit(5);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const char *mode = argv[1];
    block_count = atol(argv[2]);
    /* One arena: a second one asks how many processors there are, by calls that are forbidden here. The
     * heap's top is made before, as large as strict mode needs it, which allows no brk. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    free(malloc(100000));
    mallopt(M_TOP_PAD, 1 << 20);
    make(10);
    if (strcmp(mode, "exec") == 0) {
        forbid(1, 1);
        execl(argv[0], argv[0], "wait", argv[2], (char *)NULL);
        return 6;
    }
    is_raw = strcmp(mode, "raw") == 0;
    if (strcmp(mode, "threads") == 0 || is_raw)
        work_in_threads();
    else if (strcmp(mode, "filter") == 0)
        forbid(0, 0);
    else if (strcmp(mode, "strict") == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        return 3;
    make(block_count);
    make_anew(DEPTH);
    make_realigned();
    tell();
    char byte;
    if (strcmp(mode, "wait") == 0 && read(0, &byte, 1) != 1)
        return 7;
    if (strcmp(mode, "strict") == 0)
        syscall(SYS_exit, 0);
    return 0;
}
