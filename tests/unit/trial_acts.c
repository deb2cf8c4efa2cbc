/* SPDX-License-Identifier: MIT */
/* What the children of test_trial.c do. Each block is filled and looked at again before it is let go: memory
 * that was used twice is noticed. */
#include "trial_acts.h"

#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child ends by this when a block does not hold what was written. */
#define IS_DAMAGED 77

/* ---------------------------------------------------------------------------------------- places */

/* While places are looked for, what stands for malloc notes where it is called. */
uintptr_t trial_probed[2][2];
static int probed_place;

static void *probe(size_t size_bytes)
{
    (void)size_bytes;
    trial_probed[probed_place][0] = (uintptr_t)__builtin_return_address(0);
    return NULL;
}

static void *(*volatile allocate)(size_t) = malloc;
static void (*volatile let_go)(void *) = free;

static unsigned char *make_at(size_t size_bytes)
{
    trial_probed[0][1] = (uintptr_t)__builtin_return_address(0);
    unsigned char *block = allocate(size_bytes);
    __asm__ volatile("" ::: "memory");
    return block;
}

static unsigned char *make_other_at(size_t size_bytes)
{
    trial_probed[1][1] = (uintptr_t)__builtin_return_address(0);
    unsigned char *block = allocate(size_bytes);
    __asm__ volatile("" ::: "memory");
    return block;
}

/* Called by these: a compiler that copies a function for some of its calls would make other places. */
static unsigned char *(*volatile make)(size_t) = make_at;
static unsigned char *(*volatile make_other)(size_t) = make_other_at;

/* What happens in the owner: as many blocks, and then `inside`. The block of number own_keep is not released,
 * but left in `kept`. */
static int own_count, own_keep = -1;
static size_t own_bytes;
static void (*volatile inside)(void);
static unsigned char *volatile kept;

static void fill(unsigned char *block, size_t bytes, int value)
{
    if (block == NULL)
        _exit(IS_DAMAGED);
    memset(block, value, bytes);
}

static void look(const unsigned char *block, size_t bytes, int value)
{
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != (unsigned char)value)
            _exit(IS_DAMAGED);
}

__attribute__((noinline)) static void own(void)
{
    unsigned char *blocks[8] = {NULL};
    int count = own_count, keep = own_keep;
    size_t bytes = own_bytes;
    for (int i = 0; i < count; i++) {
        blocks[i] = make(bytes);
        if (blocks[i] != NULL)
            fill(blocks[i], bytes, 'a' + i);
    }
    if (keep >= 0)
        kept = blocks[keep];
    if (inside != NULL)
        inside();
    for (int i = 0; i < count; i++)
        if (blocks[i] != NULL && i != keep) {
            look(blocks[i], bytes, 'a' + i);
            let_go(blocks[i]);
        }
    __asm__ volatile("" ::: "memory");
}

/* The program comes first. */
static int note_bias(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    *(uintptr_t *)user = info->dlpi_addr;
    return 1;
}

void trial_find_places(void)
{
    uintptr_t bias = 0;
    allocate = probe;
    own_count = 1;
    own_bytes = 16;
    own();
    probed_place = 1;
    make_other(16);
    allocate = malloc;
    dl_iterate_phdr(note_bias, &bias);
    for (int i = 0; i < 4; i++)
        trial_probed[i / 2][i % 2] -= bias;
}

/* ---------------------------------------------------------------------------------------- acts */

static void own_times(int times, int count, int keep)
{
    own_bytes = 40;
    own_count = count;
    own_keep = keep;
    for (int i = 0; i < times; i++)
        own();
}

static void own_often(void)
{
    own_times(100, 3, -1);
}

static void own_once(void)
{
    own_times(1, 4, -1);
}

static void pool_is_full(void)
{
    unsigned char *blocks[6];
    for (int i = 0; i < 6; i++)
        fill(blocks[i] = make(32), 32, i);
    for (int i = 0; i < 6; i++) {
        look(blocks[i], 32, i);
        let_go(blocks[i]);
    }
    unsigned char *block = make(32), *large = make(33);
    fill(block, 32, 1);
    fill(large, 33, 2);
    look(block, 32, 1);
    look(large, 33, 2);
    let_go(block);
    let_go(large);
}

static void *move_to(unsigned char *block, size_t size_bytes)
{
    return realloc(block, size_bytes);
}

/* In the pool, out of it, and to nothing. */
static void pool_moves(void)
{
    unsigned char *block = make(16), *other = make(64);
    fill(block, 16, 'x');
    fill(other, 64, 'y');
    block = move_to(block, 64);
    look(block, 16, 'x');
    fill(block, 64, 'x');
    block = move_to(block, 1000);
    look(block, 64, 'x');
    fill(block, 1000, 'x');
    look(other, 64, 'y');
    other = move_to(other, 65);
    look(other, 64, 'y');
    unsigned char *last = make(64);
    if (malloc_usable_size(last) < 64)
        _exit(IS_DAMAGED);
    fill(last, 64, 'z');
    look(block, 1000, 'x');
    if (move_to(last, 0) != NULL)
        _exit(IS_DAMAGED);
    let_go(block);
    let_go(other);
}

/* A block is released after the owner has returned; nobody else gets its memory before. */
static void outlives(void)
{
    own_times(1, 3, 0);
    unsigned char *old = kept;
    own_times(10, 3, -1);
    look(old, 40, 'a');
    let_go(old);
    own_times(1, 3, -1);
}

static void leaks(void)
{
    own_times(1, 1, 0);
}

static void leave_inside(void)
{
    exit(0);
}

static void exits(void)
{
    inside = leave_inside;
    own_times(1, 3, -1);
}

static jmp_buf back;

static void jump_inside(void)
{
    longjmp(back, 1);
}

static void jumps(void)
{
    inside = jump_inside;
    if (setjmp(back) == 0)
        own_times(1, 3, 2);
    inside = NULL;
    look(kept, 40, 'c');
    let_go(kept);
}

static void fork_inside(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        look(kept, 40, 'b');
        let_go(kept);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        _exit(IS_DAMAGED);
    look(kept, 40, 'b');
    let_go(kept);
}

static void forks(void)
{
    inside = fork_inside;
    own_times(1, 3, 1);
}

static void *run_thread(void *act)
{
    void (*function)(void);
    memcpy(&function, &act, sizeof(function));
    function();
    return NULL;
}

static void run_in_threads(void (*act)(void), size_t count)
{
    pthread_t threads[8];
    void *argument;
    memcpy(&argument, &act, sizeof(argument));
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run_thread, argument) != 0)
            _exit(IS_DAMAGED);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void release_kept(void)
{
    look(kept, 40, 'a');
    let_go(kept);
}

static void hand_over(void)
{
    run_in_threads(release_kept, 1);
}

static void hands_over(void)
{
    inside = hand_over;
    own_times(100, 3, 0);
}

static void own_very_often(void)
{
    for (int i = 0; i < 2000; i++)
        own();
}

static void threads_own(void)
{
    own_bytes = 40;
    own_count = 3;
    run_in_threads(own_very_often, 4);
}

static void thread_ends(void)
{
    run_in_threads(leaks, 1);
    release_kept();
}

static void make_three(void)
{
    for (int i = 0; i < 3; i++)
        fill(make(40), 40, i);
}

static void releases(void)
{
    make_three();
    unsigned char *block = make(40), *next;
    fill(block, 40, 'k');
    let_go(block);
    fill(next = make(40), 40, 'n');
    look(next, 40, 'n');
}

static void release_at_exit(void)
{
    let_go(kept);
}

static void releases_at_exit(void)
{
    make_three();
    kept = make(40);
    atexit(release_at_exit);
}

static void make_pair(unsigned char *ret_pair[2], int value)
{
    fill(ret_pair[0] = make(32), 32, value);
    fill(ret_pair[1] = make_other(48), 48, value + 1);
}

static void drop_pair(unsigned char *pair[2], int value)
{
    look(pair[0], 32, value);
    look(pair[1], 48, value + 1);
    let_go(pair[0]);
    look(pair[1], 48, value + 1);
    let_go(pair[1]);
}

static void pairs(void)
{
    unsigned char *all[50][2];
    for (int i = 0; i < 50; i++)
        make_pair(all[i], i);
    for (int i = 0; i < 50; i++)
        drop_pair(all[(i * 7) % 50], (i * 7) % 50);
}

static void parts(void)
{
    unsigned char *pair[2], *next[2];
    make_pair(pair, 1);
    let_go(pair[0]);
    make_pair(next, 5);
    look(pair[1], 48, 2);
    drop_pair(next, 5);
    look(pair[1], 48, 2);
    let_go(pair[1]);
}

/* Of an older structure, and by another thread, which may be about to release the rest. */
static void parts_of_older(void)
{
    unsigned char *old[2], *other[2], *next[2];
    make_pair(old, 1);
    make_pair(other, 3);
    let_go(old[0]);
    make_pair(next, 5);
    drop_pair(other, 3);
    drop_pair(next, 5);
    look(old[1], 48, 2);
    let_go(old[1]);
}

static unsigned char *shared[2];

static void release_half(void)
{
    let_go(shared[0]);
}

static void parts_elsewhere(void)
{
    unsigned char *next[2];
    make_pair(shared, 1);
    run_in_threads(release_half, 1);
    make_pair(next, 5);
    drop_pair(next, 5);
    look(shared[1], 48, 2);
    let_go(shared[1]);
}

static void doubles(void)
{
    unsigned char *pair[2], *third;
    make_pair(pair, 1);
    fill(third = make_other(48), 48, 'd');
    drop_pair(pair, 1);
    look(third, 48, 'd');
    let_go(third);
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    {"pool_is_full", pool_is_full},
    {"pool_moves", pool_moves},
    {"own_often", own_often},
    {"own_once", own_once},
    {"outlives", outlives},
    {"leaks", leaks},
    {"exits", exits},
    {"jumps", jumps},
    {"forks", forks},
    {"hands_over", hands_over},
    {"threads_own", threads_own},
    {"thread_ends", thread_ends},
    {"make_three", make_three},
    {"releases", releases},
    {"releases_at_exit", releases_at_exit},
    {"pairs", pairs},
    {"parts", parts},
    {"parts_of_older", parts_of_older},
    {"parts_elsewhere", parts_elsewhere},
    {"doubles", doubles},
};

int trial_act(const char *name)
{
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (strcmp(acts[i].name, name) == 0) {
            acts[i].act();
            return 0;
        }
    return 1;
}
