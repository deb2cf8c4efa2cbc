/* SPDX-License-Identifier: MIT */
/* A program with little memory, which must have all its blocks and threads nevertheless.
 *
 * usage: cramped locked BLOCKS     locks all its memory, now and later, under a limit of 64 MiB, without
 * privileges
 *        cramped capped BLOCKS     limits its address space, itself, to 32 MiB more than it has
 *        cramped threads BLOCKS    starts two threads with the usual stack of 8 MiB; the limits come from outside
 *
 * Prints what it has ("resident_kib", "virtual_kib", "locked_kib"), "failed N" for what it did not get, and
 * last "made N": blocks of 41 bytes, which it keeps. */
#include <linux/capability.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_BYTES 41
#define LOCK_BYTES  ((rlim_t)64 << 20)
#define SPACE_BYTES ((rlim_t)96 << 20)

static long block_count;
static long made, failed;

static void *make(void *argument)
{
    (void)argument;
    for (long i = 0; i < block_count; i++)
        if (malloc(BLOCK_BYTES) != NULL)
            __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
        else
            __atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
    return NULL;
}

/* A line of /proc/self/status, in KiB. */
static long status_kib(const char *name)
{
    char line[200];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && value < 0 && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            value = atol(line + strlen(name));
    if (file != NULL)
        fclose(file);
    return value;
}

static int limit(int resource, rlim_t bytes)
{
    struct rlimit both = {bytes, bytes};
    return setrlimit(resource, &both) == 0;
}

/* Root may lock anything: give that up first. */
static void drop_privileges(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof(none));
    if (syscall(SYS_capset, &header, none) != 0)
        exit(3);
}

static void work_in_threads(void)
{
    pthread_t threads[2];
    int count = 0;
    for (int i = 0; i < 2; i++)
        count += pthread_create(&threads[count], NULL, make, NULL) == 0;
    failed += 2 - count;
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    block_count = atol(argv[2]);
    mallopt(M_ARENA_MAX, 1);
    setvbuf(stdout, NULL, _IONBF, 0);
    free(malloc(1000));
    if (strcmp(argv[1], "locked") == 0) {
        if (limit(RLIMIT_MEMLOCK, LOCK_BYTES))
            drop_privileges();
        failed += mlockall(MCL_CURRENT | MCL_FUTURE) != 0;
    }
    if (strcmp(argv[1], "capped") == 0 && !limit(RLIMIT_AS, SPACE_BYTES))
        return 3;
    if (strcmp(argv[1], "threads") == 0)
        work_in_threads();
    else
        make(NULL);
    printf("resident_kib %ld\nvirtual_kib %ld\nlocked_kib %ld\n", status_kib("VmRSS:"), status_kib("VmSize:"),
           status_kib("VmLck:"));
    printf("failed %ld\nmade %ld\n", failed, made);
    return failed != 0;
}
