/* SPDX-License-Identifier: MIT */
/* Large blocks that begin with the address of a small one, and that cannot always be read when they are
 * released.
 *
 * usage: guarded plain ROUNDS      nothing in the way
 *        guarded protected ROUNDS  every second block is protected first, by libc's function
 *        guarded raw ROUNDS        the same, by the system call alone
 *        guarded filtered ROUNDS   the second half of the rounds behind a filter that kills whoever reads a process
 *        guarded unmapped ROUNDS   two threads map and unmap large blocks, while two ask for small ones on many paths
 *        guarded forked ROUNDS     a child releases what its parent has made, and makes its own */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE_BYTES ((size_t)1 << 20) /* a mapping of its own */
#define PAGE_BYTES  4096

static void **make_large(void)
{
    void **large = aligned_alloc(PAGE_BYTES, LARGE_BYTES);
    if (large == NULL)
        exit(4);
    large[0] = malloc(40);
    return large;
}

static void release_large(void **large, void *small)
{
    free(large);
    free(small);
}

static void protect(void **large, int is_raw)
{
    long result = is_raw ? syscall(SYS_mprotect, large, LARGE_BYTES, PROT_NONE)
                         : mprotect(large, LARGE_BYTES, PROT_NONE);
    if (result != 0)
        exit(4);
}

/* Everything is permitted but to read memory as another process would. */
static void forbid_reading(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
        fputs("no filter\n", stderr);
        _exit(3);
    }
}

static void run(const char *mode, long rounds)
{
    for (long i = 0; i < rounds; i++) {
        if (strcmp(mode, "filtered") == 0 && i == rounds / 2)
            forbid_reading();
        void **large = make_large();
        void *small = large[0];
        int is_raw = strcmp(mode, "raw") == 0;
        if ((is_raw || strcmp(mode, "protected") == 0) && i % 2 != 0)
            protect(large, is_raw);
        release_large(large, small);
    }
}

static int run_forked(long rounds)
{
    int status = 1;
    void **large = make_large();
    pid_t child = fork();
    if (child == 0) {
        release_large(large, large[0]);
        run("plain", rounds);
        exit(0);
    }
    release_large(large, large[0]);
    run("plain", rounds);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

static atomic_int is_over;

static void *map_and_unmap(void *unused)
{
    void **held[8] = {NULL};
    for (unsigned i = 0; !atomic_load(&is_over); i++) {
        void ***place = &held[i % 8];
        if (*place != NULL)
            release_large(*place, **place);
        *place = make_large();
    }
    for (int i = 0; i < 8; i++)
        if (held[i] != NULL)
            release_large(held[i], *held[i]);
    return unused;
}

/* Another call path for each depth. */
static void *__attribute__((noinline)) ask(long depth)
{
    void *volatile block = depth > 0 ? ask(depth - 1) : malloc(72);
    return block;
}

static void *ask_on_many_paths(void *rounds)
{
    void *last = NULL;
    for (long i = 0; i < (long)rounds; i++) {
        void *block = ask(i % 20);
        *(void **)block = last;
        free(last);
        last = block;
        if (i % 4096 == 0 && write(1, ".", 1) != 1)
            exit(4);
    }
    free(last);
    return NULL;
}

static int run_threads(long rounds)
{
    pthread_t mappers[2], askers[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&mappers[i], NULL, map_and_unmap, NULL) != 0 ||
            pthread_create(&askers[i], NULL, ask_on_many_paths, (void *)rounds) != 0)
            return 4;
    for (int i = 0; i < 2; i++)
        pthread_join(askers[i], NULL);
    atomic_store(&is_over, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(mappers[i], NULL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    long rounds = atol(argv[2]);
    if (strcmp(argv[1], "forked") == 0)
        return run_forked(rounds);
    if (strcmp(argv[1], "unmapped") == 0)
        return run_threads(rounds);
    run(argv[1], rounds);
    return 0;
}
