/* SPDX-License-Identifier: MIT */
/* The second allocator of `tenure try`, in a program that knows its own places: this one. For each case it
 * writes a plan, starts itself with the library before it, lets the child do what the case says
 * (trial_acts.c), and reads what the library tells. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "trial_acts.h"

#include "tenure/trial.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------------- plans */

/* What a case's plan says, what its child does, and what is told then. */
struct trial_case {
    const char *name;
    enum tn_trial_way way;
    uint64_t block_bytes, count;
    const char *act; /* in trial_acts.c */
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
    struct tn_inject_step *steps = tn_trial_steps(file);
    steps[0] = (struct tn_inject_step){0, trial_probed[0][0]};
    steps[1] = (struct tn_inject_step){0, trial_probed[0][1]};
    steps[2] = (struct tn_inject_step){0, trial_probed[1][0]};
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

/* ---------------------------------------------------------------------------------------- cases */

#define ANY UINT64_MAX

static const struct trial_case cases[] = {
    {.name = "pool_is_full",
     .way = TN_TRIAL_POOL,
     .block_bytes = 32,
     .count = 4,
     .act = "pool_is_full",
     .asked = 8,
     .served = 5,
     .fallbacks = 3,
     .peak = 4},
    {.name = "pool_moves",
     .way = TN_TRIAL_POOL,
     .block_bytes = 64,
     .count = 2,
     .act = "pool_moves",
     .asked = 4,
     .served = 4,
     .peak = 2},
    {.name = "buffer",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = "own_often",
     .asked = 300,
     .served = 300,
     .peak = 3},
    {.name = "buffer_more",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = "own_once",
     .asked = 4,
     .served = 3,
     .fallbacks = 1,
     .peak = 3,
     .contradiction = TN_TRIAL_MORE},
    {.name = "buffer_larger",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 39,
     .count = 4,
     .act = "own_once",
     .asked = 4,
     .fallbacks = 4,
     .contradiction = TN_TRIAL_LARGER},
    {.name = "buffer_outlives",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 4,
     .act = "outlives",
     .asked = 36,
     .served = 36,
     .peak = 4,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "buffer_leaks",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 1,
     .act = "leaks",
     .asked = 1,
     .served = 1,
     .peak = 1,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "buffer_exits",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = "exits",
     .asked = 3,
     .served = 3,
     .peak = 3},
    {.name = "buffer_jumps",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = "jumps",
     .asked = 3,
     .served = 3,
     .peak = 3,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "buffer_forks",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = "forks",
     .asked = 3,
     .served = 3,
     .peak = 3},
    {.name = "buffer_hands_over",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = "hands_over",
     .asked = 300,
     .served = 300,
     .peak = 3},
    {.name = "buffer_threads",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 3,
     .act = "threads_own",
     .asked = 24000,
     .served = 24000,
     .peak = ANY},
    {.name = "buffer_thread_ends",
     .way = TN_TRIAL_BUFFER,
     .block_bytes = 40,
     .count = 1,
     .act = "thread_ends",
     .asked = 1,
     .served = 1,
     .peak = 1,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "arena",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 120,
     .count = 1,
     .act = "own_often",
     .asked = 300,
     .served = 300,
     .peak = 3},
    {.name = "arena_is_full",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 159,
     .count = 1,
     .act = "own_once",
     .asked = 4,
     .served = 3,
     .fallbacks = 1,
     .peak = 3},
    {.name = "arena_outlives",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 120,
     .count = 1,
     .act = "outlives",
     .asked = 36,
     .served = 6,
     .fallbacks = 30,
     .peak = 3,
     .contradiction = TN_TRIAL_OUTLIVED},
    {.name = "arena_threads",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 120,
     .count = 4,
     .act = "threads_own",
     .asked = 24000,
     .served = 24000,
     .peak = ANY},
    {.name = "arena_hands_over",
     .way = TN_TRIAL_ARENA,
     .block_bytes = 120,
     .count = 1,
     .act = "hands_over",
     .asked = 300,
     .served = 300,
     .peak = 3},
    {.name = "static",
     .way = TN_TRIAL_STATIC,
     .block_bytes = 120,
     .count = 3,
     .act = "make_three",
     .asked = 3,
     .served = 3,
     .peak = 3},
    {.name = "static_releases",
     .way = TN_TRIAL_STATIC,
     .block_bytes = 200,
     .count = 5,
     .act = "releases",
     .asked = 5,
     .served = 5,
     .peak = 4,
     .contradiction = TN_TRIAL_RELEASED},
    {.name = "static_at_exit",
     .way = TN_TRIAL_STATIC,
     .block_bytes = 160,
     .count = 4,
     .act = "releases_at_exit",
     .asked = 4,
     .served = 4,
     .peak = 4},
    {.name = "combined",
     .way = TN_TRIAL_COMBINED,
     .block_bytes = 80,
     .act = "pairs",
     .asked = 100,
     .served = 50,
     .peak = 0},
    {.name = "combined_parts",
     .way = TN_TRIAL_COMBINED,
     .block_bytes = 80,
     .act = "parts",
     .asked = 4,
     .served = 2,
     .peak = 0,
     .born_at = 1,
     .contradiction = TN_TRIAL_PARTED},
    {.name = "combined_older",
     .way = TN_TRIAL_COMBINED,
     .block_bytes = 80,
     .act = "parts_of_older",
     .asked = 6,
     .served = 3,
     .contradiction = TN_TRIAL_PARTED,
     .born_at = 1},
    {.name = "combined_elsewhere",
     .way = TN_TRIAL_COMBINED,
     .block_bytes = 80,
     .act = "parts_elsewhere",
     .asked = 4,
     .served = 2},
    {.name = "combined_doubles",
     .way = TN_TRIAL_COMBINED,
     .block_bytes = 160,
     .act = "doubles",
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
    execl("/proc/self/exe", "test_trial", test->act, (char *)NULL);
    _exit(126);
}

/* A contradiction is told with the stacks of the block and of the moment. */
static void check_contradiction(const struct trial_case *test, const struct tn_trial_contradiction *found)
{
    assert_int_equal(found->kind, test->contradiction);
    if (test->contradiction == 0)
        return;
    assert_int_equal(found->birth.frames[0], trial_probed[test->born_at][0]);
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

int main(int argc, char **argv)
{
    struct CMUnitTest tests[CASES];
    if (argc > 1)
        return trial_act(argv[1]);
    trial_find_places();
    for (size_t i = 0; i < CASES; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, run_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
