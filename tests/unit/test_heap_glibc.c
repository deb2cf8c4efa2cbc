/* SPDX-License-Identifier: MIT */
/* The glibc model against the C library of this machine: the same trace, offset for offset, in three
 * settings. Only with the version that is modelled. */
#include "tenure/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define EVENTS 40000
#define SLOTS  1500

struct step {
    uint32_t kind, slot;
    uint64_t size;
};

struct trace {
    struct step steps[EVENTS];
    size_t count;
    uint64_t expected[EVENTS], real[EVENTS];
    size_t placements, real_count;
};

static const char *program;

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static uint64_t random_size(uint64_t *seed)
{
    uint64_t kind = next_random(seed) % 100, value = next_random(seed);
    return kind < 70 ? value % 300 : kind < 95 ? value % 3000 : kind < 99 ? value % 30000 : value % 100000;
}

/* Blocks come and go, with a tide: the heap fills and empties, so that its end is trimmed, too. */
static void make_trace(struct trace *trace, uint64_t seed, bool has_resizes)
{
    bool is_live[SLOTS] = {false};
    for (size_t i = 0; i < EVENTS; i++) {
        uint32_t slot = (uint32_t)(next_random(&seed) % SLOTS);
        uint64_t tide = i / 5000 % 2 == 0 ? 70 : 30;
        struct step step = {.slot = slot, .size = random_size(&seed)};
        if (is_live[slot])
            step.kind = has_resizes && next_random(&seed) % 4 == 0 ? 1 : 2;
        else if (next_random(&seed) % 100 >= tide)
            continue;
        if (step.kind == 1 && step.size == 0)
            step.size = 1;
        is_live[slot] = step.kind != 2;
        trace->placements += step.kind != 2;
        trace->steps[trace->count++] = step;
    }
}

static void run_model(struct trace *trace, uint64_t cache, uint64_t fast)
{
    struct tn_heap_options options;
    struct tn_heap *heap = NULL;
    struct tn_error error;
    uint32_t blocks[SLOTS] = {0};
    size_t count = 0;
    tn_heap_options_init(&options);
    options.tcache_count = cache;
    options.fast_bytes = fast;
    assert_int_equal(tn_heap_open(tn_policy_find("glibc"), &options, &heap, &error), 0);
    for (size_t i = 0; i < trace->count; i++) {
        const struct step *step = &trace->steps[i];
        uint32_t *block = &blocks[step->slot];
        if (step->kind == 2) {
            tn_heap_release(heap, *block);
            continue;
        }
        if (step->kind == 0)
            assert_int_equal(tn_heap_place(heap, step->size, 0, 0, block), 0);
        else
            assert_int_equal(tn_heap_resize(heap, *block, step->size, block), 0);
        trace->expected[count++] = tn_heap_offset(heap, *block);
    }
    assert_int_equal(count, trace->placements);
    tn_heap_close(heap);
}

/* The trace goes through a file: a pipe in both directions could block both sides. */
static void run_real(struct trace *trace, const char *tunables)
{
    FILE *in = tmpfile(), *out = tmpfile();
    assert_true(in != NULL && out != NULL);
    assert_int_equal(fwrite(trace->steps, sizeof(trace->steps[0]), trace->count, in), trace->count);
    fflush(in);
    rewind(in);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *environment[] = {(char *)(uintptr_t)tunables, NULL};
        dup2(fileno(in), 0);
        dup2(fileno(out), 1);
        execle(program, program, (char *)NULL, environment);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    rewind(out);
    trace->real_count = fread(trace->real, sizeof(trace->real[0]), EVENTS, out);
    fclose(in);
    fclose(out);
}

static void compare(const char *tunables, uint64_t cache, uint64_t fast, bool has_resizes)
{
    if (strcmp(gnu_get_libc_version(), "2.36") != 0 || sizeof(void *) != 8) {
        print_message("the C library is %s, modelled is 2.36\n", gnu_get_libc_version());
        skip();
    }
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct trace *trace = calloc(1, sizeof(*trace));
        assert_non_null(trace);
        make_trace(trace, seed * UINT64_C(0x9e3779b97f4a7c15), has_resizes);
        run_model(trace, cache, fast);
        run_real(trace, tunables);
        assert_true(trace->placements > 5000);
        assert_int_equal(trace->real_count, trace->placements);
        for (size_t i = 0; i < trace->placements; i++)
            if (trace->real[i] != trace->expected[i])
                fail_msg("seed %d, placement %zu of %zu: the C library has %llu, the model %llu", (int)seed,
                         i, trace->placements, (unsigned long long)trace->real[i],
                         (unsigned long long)trace->expected[i]);
        free(trace);
    }
}

#define BIG_MMAP "glibc.malloc.mmap_threshold=1073741824"

static void without_caches(void **state)
{
    (void)state;
    compare("GLIBC_TUNABLES=" BIG_MMAP ":glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0", 0, 0, false);
}

static void with_fast_bins(void **state)
{
    (void)state;
    compare("GLIBC_TUNABLES=" BIG_MMAP ":glibc.malloc.tcache_count=0", 0, TN_HEAP_DEFAULT, false);
}

static void as_it_comes(void **state)
{
    (void)state;
    compare("GLIBC_TUNABLES=" BIG_MMAP, TN_HEAP_DEFAULT, TN_HEAP_DEFAULT, false);
}

static void with_resizes(void **state)
{
    (void)state;
    compare("GLIBC_TUNABLES=" BIG_MMAP, TN_HEAP_DEFAULT, TN_HEAP_DEFAULT, true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_caches),
        cmocka_unit_test(with_fast_bins),
        cmocka_unit_test(as_it_comes),
        cmocka_unit_test(with_resizes),
    };
    if (argc < 2)
        return 2;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
