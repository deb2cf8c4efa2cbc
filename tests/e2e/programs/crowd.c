/* SPDX-License-Identifier: MIT */
/* Many threads, each of which makes the same number of blocks of 41 bytes and keeps them; prints what each
 * made.
 *
 * usage: crowd alive THREADS BLOCKS    all are alive before the first ends; one line a thread: its id and its
 * blocks
 *        crowd halves THREADS BLOCKS   the same; then "part", a byte is read, and each makes as many again
 *        crowd thirds THREADS BLOCKS   the same, twice
 *        crowd late THREADS BLOCKS     as thirds, but nothing is made before the first "part"
 *        crowd short THREADS BLOCKS    eight at a time, which end before the next eight begin
 *
 * The last line is the sum. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_BYTES 41
#define AT_ONCE     8
#define STACK_BYTES 65536

static long block_count;
static int more_parts; /* after the first one */
static int is_late;    /* nothing is made in the first one */
static pthread_barrier_t all_made, may_go_on;
static volatile char *sink;

/* A thread's own account. */
struct account {
    pthread_t thread;
    long tid;
    long made;
};

static void make(struct account *account)
{
    for (long i = 0; i < block_count; i++) {
        sink = malloc(BLOCK_BYTES);
        account->made += sink != NULL;
    }
}

static void *live(void *argument)
{
    struct account *account = argument;
    account->tid = syscall(SYS_gettid);
    if (!is_late)
        make(account);
    for (int part = 0; part < more_parts; part++) {
        pthread_barrier_wait(&all_made);
        pthread_barrier_wait(&may_go_on);
        make(account);
    }
    pthread_barrier_wait(&all_made);
    pthread_barrier_wait(&may_go_on);
    return NULL;
}

static void *live_shortly(void *argument)
{
    make(argument);
    return NULL;
}

static int start(struct account *account, void *(*function)(void *))
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(&account->thread, &attributes, function, account);
    pthread_attr_destroy(&attributes);
    return error;
}

static void all_at_once(struct account *accounts, long count)
{
    char byte;
    pthread_barrier_init(&all_made, NULL, (unsigned)count + 1);
    pthread_barrier_init(&may_go_on, NULL, (unsigned)count + 1);
    for (long i = 0; i < count; i++)
        if (start(&accounts[i], live) != 0)
            exit(3);
    for (int part = 0; part < more_parts; part++) {
        pthread_barrier_wait(&all_made);
        if (write(1, "part\n", 5) != 5 || read(0, &byte, 1) != 1)
            exit(2);
        pthread_barrier_wait(&may_go_on);
    }
    pthread_barrier_wait(&all_made);
    pthread_barrier_wait(&may_go_on);
    for (long i = 0; i < count; i++)
        pthread_join(accounts[i].thread, NULL);
}

static void one_after_another(struct account *accounts, long count)
{
    for (long i = 0; i < count; i += AT_ONCE) {
        for (long n = i; n < i + AT_ONCE && n < count; n++)
            if (start(&accounts[n], live_shortly) != 0)
                exit(3);
        for (long n = i; n < i + AT_ONCE && n < count; n++)
            pthread_join(accounts[n].thread, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    long count = atol(argv[2]), sum = 0;
    struct account *accounts = calloc((size_t)count, sizeof(*accounts));
    int is_short = strcmp(argv[1], "short") == 0;
    block_count = atol(argv[3]);
    more_parts = strcmp(argv[1], "halves") == 0 ? 1 : strcmp(argv[1], "thirds") == 0 ? 2 : 0;
    is_late = strcmp(argv[1], "late") == 0;
    if (is_late)
        more_parts = 2;
    if (is_short)
        one_after_another(accounts, count);
    else
        all_at_once(accounts, count);
    for (long i = 0; i < count; i++) {
        sum += accounts[i].made;
        if (!is_short)
            printf("%ld %ld\n", accounts[i].tid, accounts[i].made);
    }
    printf("made %ld\n", sum);
    return 0;
}
