/* SPDX-License-Identifier: MIT */
/* usage: analyze_speed FILE [ALLOCATIONS [KIND,...]]
 *
 * What the analyses cost: makes a log of so many allocations in FILE (1,000,000 without a number), of the
 * kinds that programs have: buffers that live for one call, pairs, connections, a queue, a list that is taken
 * down in any order, arrays that grow, strings, a line of which one thread keeps many blocks while another
 * one has local ones, and a slow leak, under 300 call stacks of 6 to 14 frames in two threads; then analyses
 * it. Prints nanoseconds an event and the highest memory. FILE is removed. */

#include "tenure/analyze.h"
#include "tenure/finish.h"
#include "tenure/kinds.h"
#include "tenure/log.h"
#include "tenure/log_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINES       60 /* that allocate */
#define PATHS       5  /* call stacks to each */
#define CONNECTIONS 400
#define QUEUE       3000
#define LIST        20000
#define KEPT        2000 /* blocks of the line that both threads use */

#define COMMIT_EVERY 1000000u /* allocations: about what a second of a fast program makes */

struct maker {
    struct tn_log_writer *writer;
    uint8_t *size_classes; /* owned; by allocation id */
    uint64_t made, target, time_ns, random;
    uint64_t births[LINES][PATHS], releases[LINES][PATHS]; /* stacks */
    uint64_t depths[LINES][PATHS];
    uint64_t connections[CONNECTIONS], queue[QUEUE], list[LIST];
    uint64_t queue_at, list_count, kept_count;
    bool is_other; /* the other thread than the line's is at work */
};

static void stop(const char *what)
{
    fprintf(stderr, "analyze_speed: %s\n", what);
    exit(1);
}

static uint64_t next_random(struct maker *maker, uint64_t below)
{
    maker->random = maker->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (maker->random >> 33) % below;
}

static uint64_t address_of(uint64_t id)
{
    return 0x555500000000 + (id - 1) % 100000 * 64;
}

static uint64_t birth(struct maker *maker, unsigned line, unsigned path, uint64_t size_bytes,
                      uint64_t previous_id)
{
    struct tn_birth birth = {.process_id = 1,
                             .thread_id = 1 + (line + maker->is_other) % 2,
                             .stack_id = maker->births[line][path],
                             .time_ns = maker->time_ns += 30,
                             .size_bytes = size_bytes,
                             .usable_size_bytes = (size_bytes + 23) / 16 * 16 + 8,
                             .address = address_of(maker->made + 1),
                             .depth_bytes = maker->depths[line][path],
                             .previous_id = previous_id,
                             .function = previous_id != 0 ? TN_FUNCTION_REALLOC : TN_FUNCTION_MALLOC};
    uint64_t id;
    if (tn_log_add_birth(maker->writer, &birth, &id) < 0)
        stop("cannot write a birth");
    maker->made++;
    maker->size_classes[id] = (uint8_t)tn_log_size_class(birth.usable_size_bytes);
    return id;
}

static void death(struct maker *maker, unsigned line, unsigned path, uint64_t id, enum tn_function function)
{
    struct tn_death death = {.process_id = 1,
                             .allocation_id = id,
                             .thread_id = 1 + (line + maker->is_other) % 2,
                             .stack_id = maker->releases[line][path],
                             .time_ns = maker->time_ns += 20,
                             .depth_bytes = maker->depths[line][path],
                             .function = function,
                             .address = address_of(id),
                             .size_class = maker->size_classes[id]};
    if (tn_log_add_death(maker->writer, &death) < 0)
        stop("cannot write a death");
}

/* What a call makes and releases itself. */
static void work(struct maker *maker)
{
    unsigned line = (unsigned)next_random(maker, 20), path = (unsigned)next_random(maker, PATHS);
    uint64_t first = birth(maker, line, path, 32 + line, 0);
    uint64_t second = birth(maker, 20 + line % 10, path, 16 + next_random(maker, 100), 0);
    death(maker, 20 + line % 10, path, second, TN_FUNCTION_FREE);
    death(maker, line, path, first, TN_FUNCTION_FREE);
}

static void connect_one(struct maker *maker)
{
    uint64_t *slot = &maker->connections[next_random(maker, CONNECTIONS)];
    if (*slot != 0)
        death(maker, 30, 0, *slot, TN_FUNCTION_FREE);
    *slot = birth(maker, 30, 0, 200, 0);
}

static void pass_on(struct maker *maker)
{
    uint64_t *slot = &maker->queue[maker->queue_at++ % QUEUE];
    if (*slot != 0)
        death(maker, 33, 1, *slot, TN_FUNCTION_FREE);
    *slot = birth(maker, 32, 1, 64, 0);
}

static void grow_list(struct maker *maker)
{
    if (maker->list_count == LIST)
        while (maker->list_count > LIST / 2) {
            uint64_t *any = &maker->list[next_random(maker, maker->list_count)];
            death(maker, 35, 2, *any, TN_FUNCTION_FREE);
            *any = maker->list[--maker->list_count];
        }
    maker->list[maker->list_count++] = birth(maker, 34, 2, 24, 0);
}

static void grow_array(struct maker *maker)
{
    uint64_t id = birth(maker, 36, 3, 16, 0);
    for (uint64_t size_bytes = 32; size_bytes <= 256; size_bytes *= 2) {
        death(maker, 36, 3, id, TN_FUNCTION_REALLOC);
        id = birth(maker, 36, 3, size_bytes, id);
    }
    death(maker, 36, 3, id, TN_FUNCTION_FREE);
}

static void share_line(struct maker *maker)
{
    if (maker->kept_count < KEPT) {
        birth(maker, 38, 0, 40, 0);
        maker->kept_count++;
    }
    maker->is_other = true;
    death(maker, 38, 1, birth(maker, 38, 1, 40, 0), TN_FUNCTION_FREE);
    maker->is_other = false;
}

static void make_stacks(struct maker *maker)
{
    uint64_t module_id, frame_id, roots[PATHS];
    if (tn_log_add_module(maker->writer, "/usr/bin/synthetic", "", &module_id) < 0)
        stop("cannot write a module");
    for (unsigned path = 0; path < PATHS; path++) {
        uint64_t caller_id = 0;
        for (unsigned i = 0; i < 4 + 2 * path; i++) {
            tn_log_intern_frame(maker->writer, module_id, 0x1000 + (i < 2 ? i : 100 * path + i) * 16,
                                &frame_id);
            tn_log_intern_stack(maker->writer, frame_id, caller_id, 64, false, &caller_id);
        }
        roots[path] = caller_id;
    }
    for (unsigned line = 0; line < LINES; line++)
        for (unsigned path = 0; path < PATHS; path++) {
            uint64_t caller_id;
            tn_log_intern_frame(maker->writer, module_id, 0x100000 + line * 256, &frame_id);
            tn_log_intern_stack(maker->writer, frame_id, roots[path], 96, false, &caller_id);
            tn_log_intern_frame(maker->writer, module_id, 0x200000 + line * 256, &frame_id);
            tn_log_intern_stack(maker->writer, frame_id, caller_id, 48, false, &maker->births[line][path]);
            tn_log_intern_frame(maker->writer, module_id, 0x200080 + line * 256, &frame_id);
            tn_log_intern_stack(maker->writer, frame_id, caller_id, 48, false, &maker->releases[line][path]);
            maker->depths[line][path] = (4 + 2 * path) * 64 + 96 + 48;
        }
}

static void make_events(struct maker *maker)
{
    uint64_t committed = 0;
    while (maker->made < maker->target) {
        uint64_t choice = next_random(maker, 100);
        if (choice < 60)
            work(maker);
        else if (choice < 70)
            connect_one(maker);
        else if (choice < 85)
            pass_on(maker);
        else if (choice < 88)
            share_line(maker);
        else if (choice < 97)
            grow_list(maker);
        else if (choice < 99)
            grow_array(maker);
        else if (next_random(maker, 50) == 0)
            birth(maker, 37, 4, 48, 0);
        if (maker->made / COMMIT_EVERY != committed && tn_log_commit(maker->writer) < 0)
            stop("cannot write the log");
        committed = maker->made / COMMIT_EVERY;
    }
}

/* In a process of its own, whose memory does not count. */
static void make_log(const char *path, uint64_t allocations)
{
    struct tn_log_options options = {path, "", "tsc", false};
    struct tn_log_process process = {1, 0, "/usr/bin/synthetic", "synthetic", 0, "synthetic"};
    struct tn_error error = {0};
    uint64_t id;
    struct maker *maker = calloc(1, sizeof(*maker));
    if (maker == NULL)
        stop("out of memory");
    maker->target = allocations;
    if (tn_log_create(&options, &maker->writer, &error) < 0)
        stop(error.text);
    tn_log_add_process(maker->writer, &process, &id);
    for (uint32_t i = 0; i < 2; i++) {
        struct tn_log_thread thread = {1, i + 1, "worker", 8 << 20, 0};
        tn_log_add_thread(maker->writer, &thread, &id);
    }
    maker->size_classes = malloc(allocations + 1024); /* the last scenes may make some more */
    if (maker->size_classes == NULL)
        stop("out of memory");
    make_stacks(maker);
    make_events(maker);
    tn_log_end_process(maker->writer, 1, maker->time_ns, TN_EXIT_EXIT, 0);
    if (tn_log_writer_close(maker->writer, maker->time_ns, &error) < 0)
        stop(error.text);
    struct tn_finish_options finish = {.rows_max = TN_ROWS_NONE};
    if (tn_finish(path, &finish, &error) < 0)
        stop(error.text);
    exit(0);
}

static double seconds_of(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

#define KINDS_MAX 16

static uint64_t events;

static void note(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    (void)done;
    events = total;
}

static void measure(const char *path, const char *only)
{
    const struct tn_kind *kinds[KINDS_MAX + 1] = {NULL};
    size_t kind_count = 0;
    for (const struct tn_kind *const *kind = tn_kinds; *kind != NULL && kind_count < KINDS_MAX; kind++)
        if (only == NULL || tn_kind_is_listed(only, (*kind)->name))
            kinds[kind_count++] = *kind;
    struct tn_analyze_options options = {.progress = note};
    struct tn_findings findings;
    struct tn_error error = {0};
    struct timespec start, end, start_cpu, end_cpu;
    struct rusage usage;
    struct tn_log *log;
    if (tn_log_open(path, &log, &error) < 0)
        stop(error.text);
    clock_gettime(CLOCK_MONOTONIC, &start);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start_cpu);
    if (tn_analyze(log, kinds, &options, &findings, &error) < 0)
        stop(error.text);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end_cpu);
    clock_gettime(CLOCK_MONOTONIC, &end);
    getrusage(RUSAGE_SELF, &usage);
    double cpu = seconds_of(&start_cpu, &end_cpu);
    printf("%-16s %11" PRIu64 " events  %6.2f s  %6.2f s CPU  %6.1f ns an event  %4zu findings  %6.1f MiB\n",
           only != NULL ? only : "all kinds", events, seconds_of(&start, &end), cpu,
           cpu * 1e9 / (double)events, findings.count, (double)usage.ru_maxrss / 1024);
    tn_findings_finish(&findings);
    tn_log_close(log);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4)
        stop("usage: analyze_speed FILE [ALLOCATIONS [KIND,...]]");
    uint64_t allocations = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    pid_t child = fork();
    if (child == 0)
        make_log(argv[1], allocations);
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
        stop("no log was made");
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 3)
        measure(argv[1], argv[3]);
    else
        for (const struct tn_kind *const *kind = tn_kinds; *kind != NULL; kind++)
            if (allocations <= 5000000)
                measure(argv[1], (*kind)->name);
    if (argc <= 3)
        measure(argv[1], NULL);
    unlink(argv[1]);
    return 0;
}
