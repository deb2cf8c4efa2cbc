/* SPDX-License-Identifier: MIT */
/* The second allocator of `tenure try`, in a program that knows its own places: this one. For each case it
 * writes a plan, starts itself with the library before it, lets the child do what the case says, and reads
 * what the library tells. The child fills each block and looks at it again before it lets go: memory that was
 * used twice is noticed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "tenure/trial.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACES 2

extern char __executable_start[];

/* A child ends by this when a block does not hold what was written. */
#define IS_DAMAGED 77

/* ---------------------------------------------------------------------------------------- places */

/* While places are looked for, what stands for malloc notes where it is called. */
static uintptr_t probed[PLACES][2];
static int probed_place;

static void *probe(size_t size_bytes)
{
    (void)size_bytes;
    probed[probed_place][0] = (uintptr_t)__builtin_return_address(0);
    return NULL;
}

static void *(*volatile allocate)(size_t) = malloc;
static void (*volatile let_go)(void *) = free;

__attribute__((noinline)) static unsigned char *make(size_t size_bytes)
{
    probed[0][1] = (uintptr_t)__builtin_return_address(0);
    unsigned char *block = allocate(size_bytes);
    __asm__ volatile("" ::: "memory");
    return block;
}

__attribute__((noinline)) static unsigned char *make_other(size_t size_bytes)
{
    probed[1][1] = (uintptr_t)__builtin_return_address(0);
    unsigned char *block = allocate(size_bytes);
    __asm__ volatile("" ::: "memory");
    return block;
}

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

static void find_places(void)
{
    allocate = probe;
    own_count = 1;
    own_bytes = 16;
    own();
    probed_place = 1;
    make_other(16);
    allocate = malloc;
}

/* ---------------------------------------------------------------------------------------- plans */

/* What a case's plan says, what its child does, and what is told then. */
struct trial_case {
    const char *name;
    enum tn_trial_way way;
    uint64_t block_bytes, count;
    void (*act)(void);
    uint64_t asked, served, fallbacks, peak;
    enum tn_trial_contradiction_kind contradiction;
    uint32_t born_at; /* place of the block that it speaks of */
};

static struct tn_trial_head *write_plan(const struct trial_case *test, const char *path)
{
    struct stat self;
    bool is_owned = test->way == TN_TRIAL_BUFFER || test->way == TN_TRIAL_ARENA;
    bool is_combined = test->way == TN_TRIAL_COMBINED;
    struct tn_trial_head head = {
        .magic = TN_TRIAL_MAGIC,
        .head_bytes = sizeof(head),
        .module_count = 1,
        .step_count = 3,
        .place_count = is_combined ? 2 : 1,
        .change_count = 1,
    };
    head.file_bytes = tn_trial_file_bytes(&head);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)head.file_bytes), 0);
    struct tn_trial_head *file = mmap(NULL, head.file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(file, MAP_FAILED);
    close(fd);
    *file = head;
    assert_int_equal(stat("/proc/self/exe", &self), 0);
    tn_trial_modules(file)[0] = (struct tn_inject_module){self.st_dev, self.st_ino};
    uintptr_t bias = (uintptr_t)__executable_start;
    struct tn_inject_step *steps = tn_trial_steps(file);
    steps[0] = (struct tn_inject_step){0, probed[0][0] - bias};
    steps[1] = (struct tn_inject_step){0, probed[0][1] - bias};
    steps[2] = (struct tn_inject_step){0, probed[1][0] - bias};
    struct tn_trial_place *places = tn_trial_places(file);
    bool is_ordered = steps[0].offset_bytes < steps[2].offset_bytes;
    places[is_ordered || !is_combined ? 0 : 1] = (struct tn_trial_place){
        .first_step = 0,
        .step_count = is_owned ? 2 : 1,
        .owner = is_owned ? 1 : TN_TRIAL_NO_OWNER,
        .member_max = 1,
    };
    if (is_combined)
        places[is_ordered ? 1 : 0] = (struct tn_trial_place){
            .first_step = 2, .step_count = 1, .owner = TN_TRIAL_NO_OWNER, .member = 1, .member_max = 1};
    tn_trial_changes(file)[0] =
        (struct tn_trial_change){.way = test->way, .block_bytes = test->block_bytes, .count = test->count};
    return file;
}

/* ---------------------------------------------------------------------------------------- what children do
 */

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

static void doubles(void)
{
    unsigned char *pair[2], *third;
    make_pair(pair, 1);
    fill(third = make_other(48), 48, 'd');
    drop_pair(pair, 1);
    look(third, 48, 'd');
    let_go(third);
}

/* ---------------------------------------------------------------------------------------- cases */

#define ANY UINT64_MAX

static const struct trial_case cases[] = {
    {.name = "pool_is_full",
     .way = TN_TRIAL_POOL,
     .block_bytes = 32,
     .count = 4,
     .act = pool_is_full,
     .asked = 8,
     .served = 5,
     .fallbacks = 3,
     .peak = 4},
    {.name = "pool_moves",
     .way = TN_TRIAL_POOL,
     .block_bytes = 64,
     .count = 2,
     .act = pool_moves,
     .asked = 4,
     .served = 4,
     .peak = 2},
    {.name = "buffer",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = own_often,
     .asked = 300,
     .served = 300,
     .peak = 3},
    {.name = "buffer_more",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = own_once,
     .asked = 4,
     .served = 3,
     .fallbacks = 1,
     .peak = 3,
     .contradiction = TN_TRIAL_MORE},
    {.name = "buffer_larger",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 39,
     .count = 4,
     .act = own_once,
     .asked = 4,
     .fallbacks = 4,
     .contradiction = TN_TRIAL_LARGER},
    {.name = "buffer_outlives",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 4,
     .act = outlives,
     .asked = 36,
     .served = 36,
     .peak = 4,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "buffer_leaks",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 1,
     .act = leaks,
     .asked = 1,
     .served = 1,
     .peak = 1,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "buffer_exits",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = exits,
     .asked = 3,
     .served = 3,
     .peak = 3},
    {.name = "buffer_jumps",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = jumps,
     .asked = 3,
     .served = 3,
     .peak = 3,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "buffer_forks",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = forks,
     .asked = 3,
     .served = 3,
     .peak = 3},
    {.name = "buffer_hands_over",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = hands_over,
     .asked = 300,
     .served = 300,
     .peak = 3},
    {.name = "buffer_threads",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = threads_own,
     .asked = 24000,
     .served = 24000,
     .peak = ANY},
    {.name = "buffer_thread_ends",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 1,
     .act = thread_ends,
     .asked = 1,
     .served = 1,
     .peak = 1,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "arena",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 120,
     .count = 1,
     .act = own_often,
     .asked = 300,
     .served = 300,
     .peak = 3},
    {.name = "arena_is_full",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 159,
     .count = 1,
     .act = own_once,
     .asked = 4,
     .served = 3,
     .fallbacks = 1,
     .peak = 3},
    {.name = "arena_outlives",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 120,
     .count = 1,
     .act = outlives,
     .asked = 36,
     .served = 6,
     .fallbacks = 30,
     .peak = 3,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "arena_threads",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 120,
     .count = 4,
     .act = threads_own,
     .asked = 24000,
     .served = 24000,
     .peak = ANY},
    {.name = "arena_hands_over",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 120,
     .count = 1,
     .act = hands_over,
     .asked = 300,
     .served = 300,
     .peak = 3},
    {.name = "static",
     .way = TN_TRIAL_STATIC,
     .block_bytes = 120,
     .count = 3,
     .act = make_three,
     .asked = 3,
     .served = 3,
     .peak = 3},
    {.name = "static_releases",
     .way = TN_TRIAL_STATIC,
     .block_bytes = 200,
     .count = 5,
     .act = releases,
     .asked = 5,
     .served = 5,
     .peak = 4,
     .contradiction = TN_TRIAL_RELEASED},
    {.name = "static_at_exit",
     .way = TN_TRIAL_STATIC,
     .block_bytes = 160,
     .count = 4,
     .act = releases_at_exit,
     .asked = 4,
     .served = 4,
     .peak = 4},
    {.name = "combined",
     .way = TN_TRIAL_COMBINED,
     .block_bytes = 80,
     .act = pairs,
     .asked = 100,
     .served = 50,
     .peak = 0},
    {.name = "combined_parts",
     .way = TN_TRIAL_COMBINED,
     .block_bytes = 80,
     .act = parts,
     .asked = 4,
     .served = 2,
     .peak = 0,
     .born_at = 1,
     .contradiction = TN_TRIAL_PARTED},
    {.name = "combined_doubles",
     .way = TN_TRIAL_COMBINED,
     .block_bytes = 160,
     .act = doubles,
     .asked = 3,
     .served = 1,
     .fallbacks = 1,
     .peak = 0,
     .contradiction = TN_TRIAL_PARTED},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void start_child(const struct trial_case *test, const char *path)
{
    setenv("LD_PRELOAD", getenv("TN_TRIAL_LIBRARY"), 1);
    setenv(TN_TRIAL_VARIABLE, path, 1);
    execl("/proc/self/exe", "test_trial", test->name, (char *)NULL);
    _exit(126);
}

/* A contradiction is told with the stacks of the block and of the moment. */
static void check_contradiction(const struct trial_case *test, const struct tn_trial_contradiction *found)
{
    assert_int_equal(found->kind, test->contradiction);
    if (test->contradiction == 0)
        return;
    assert_int_equal(found->birth.frames[0], probed[test->born_at][0] - (uintptr_t)__executable_start);
    assert_int_not_equal(found->event, 0);
    assert_in_range(found->size_bytes, 32, 48);
}

static void run_case(void **state)
{
    const struct trial_case *test = *state;
    char path[] = "/tmp/tenure-test-trial-XXXXXX";
    int status, fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct tn_trial_head *file = write_plan(test, path);
    pid_t child = fork();
    if (child == 0)
        start_child(test, path);
    assert_int_equal(waitpid(child, &status, 0), child);
    unlink(path);
    assert_int_equal(status, 0);
    const struct tn_trial_change *change = tn_trial_changes(file);
    assert_int_equal(file->processes, 1);
    assert_int_equal(change->asked, test->asked);
    assert_int_equal(change->served, test->served);
    assert_int_equal(change->fallbacks, test->fallbacks);
    if (test->peak != ANY)
        assert_int_equal(change->peak_count, test->peak);
    assert_int_equal(file->heap_calls, file->calls - change->served);
    check_contradiction(test, &change->contradiction);
    munmap(file, file->file_bytes);
}

/* What the child does. */
static int act(const char *name)
{
    for (size_t i = 0; i < CASES; i++)
        if (strcmp(cases[i].name, name) == 0) {
            cases[i].act();
            return 0;
        }
    return 1;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[CASES];
    if (argc > 1)
        return act(argv[1]);
    find_places();
    for (size_t i = 0; i < CASES; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, run_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
