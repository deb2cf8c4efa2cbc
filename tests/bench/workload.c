/* SPDX-License-Identifier: MIT */
/* Allocates, and tells what it did: "ALLOCATIONS FREES NANOSECONDS", the time of its loop alone.
 *
 * usage: workload churn THREADS ALLOCATIONS   sizes and lifetimes mixed, stacks of ten frames
 *        workload recursive ALLOCATIONS       up and down between 40 and 200 frames
 *        workload handoff ALLOCATIONS         one thread allocates, another one releases
 *        workload pairs ALLOCATIONS           malloc and free in a loop, ten frames down */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX  64
#define LIVE_COUNT   10000u /* places of a churning thread */
#define RECENT_COUNT 8u     /* blocks that die after so many more were made */
#define BATCH_COUNT  64u
#define BATCHES_MAX  64u
#define DEPTH_LOW    40
#define DEPTH_HIGH   200
#define FRAME        __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory") /* no tail call: the frame stays */

struct job {
    uint64_t seed;
    long left;              /* allocations to make */
    uint64_t births, frees; /* made */
    void **live, *recent[RECENT_COUNT];
};

static void *(*volatile allocate)(size_t) = malloc;
static void (*volatile release)(void *) = free;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t next_random(struct job *job)
{
    job->seed = job->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(job->seed >> 33);
}

/* Nine in ten are small, one in a hundred goes up to 16 KiB. */
static size_t next_size(struct job *job)
{
    uint32_t random = next_random(job), kind = random % 100, size = random >> 8;
    if (kind < 90)
        return 8 + size % 248;
    return kind < 99 ? 256 + size % 1792 : 2048 + size % 14336;
}

static void finish_block(struct job *job, void **place)
{
    if (*place == NULL)
        return;
    release(*place);
    job->frees++;
    *place = NULL;
}

/* ---------------------------------------------------------------------------------------- churn */

/* Each kind of block has a function of its own, as in a real program. */
#define LEAF(name)                                                                                           \
    static FRAME void *make_##name(struct job *job)                                                          \
    {                                                                                                        \
        char *block = allocate(next_size(job));                                                              \
        if (block != NULL)                                                                                   \
            block[0] = 1;                                                                                    \
        return block;                                                                                        \
    }

LEAF(node)
LEAF(string)
LEAF(buffer)
LEAF(message)
LEAF(key)
LEAF(value)
LEAF(event)
LEAF(request)

static void *(*const leaves[])(struct job *job) = {make_node, make_string, make_buffer, make_message,
                                                   make_key,  make_value,  make_event,  make_request};

static FRAME void replace(struct job *job, void **place, uint32_t kind)
{
    finish_block(job, place);
    *place = leaves[kind % 8](job);
    job->births += *place != NULL;
    KEEP_FRAME();
}

/* Half of the blocks die soon, the others live until chance takes their place. */
static FRAME void handle_short(struct job *job, uint32_t random)
{
    replace(job, &job->recent[(uint32_t)job->left % RECENT_COUNT], random >> 1);
    KEEP_FRAME();
}

static FRAME void handle_long(struct job *job, uint32_t random)
{
    replace(job, &job->live[(random >> 4) % LIVE_COUNT], random >> 1);
    KEEP_FRAME();
}

static FRAME void dispatch(struct job *job)
{
    uint32_t random = next_random(job);
    if ((random & 1) != 0)
        handle_short(job, random);
    else
        handle_long(job, random);
    KEEP_FRAME();
}

static FRAME void *churn(void *argument)
{
    struct job *job = argument;
    for (; job->left > 0; job->left--)
        dispatch(job);
    for (uint32_t i = 0; i < LIVE_COUNT; i++)
        finish_block(job, &job->live[i]);
    for (uint32_t i = 0; i < RECENT_COUNT; i++)
        finish_block(job, &job->recent[i]);
    return NULL;
}

/* A thread has fewer frames below its own than main has: these make up for it. */
static FRAME void *connect_worker(void *argument)
{
    void *result = churn(argument);
    KEEP_FRAME();
    return result;
}

static FRAME void *enter_worker(void *argument)
{
    void *result = connect_worker(argument);
    KEEP_FRAME();
    return result;
}

static FRAME void *start_worker(void *argument)
{
    void *result = enter_worker(argument);
    KEEP_FRAME();
    return result;
}

/* The single one runs in the main thread: the C library is faster in a process that has no other. */
static bool run_churn(struct job *jobs, int threads, long allocations)
{
    static void *live[THREADS_MAX][LIVE_COUNT];
    pthread_t ids[THREADS_MAX];
    for (int i = 0; i < threads; i++) {
        jobs[i].seed = (uint64_t)i;
        jobs[i].left = allocations / threads;
        jobs[i].live = live[i];
    }
    if (threads == 1)
        churn(&jobs[0]);
    for (int i = 0; threads > 1 && i < threads; i++)
        if (pthread_create(&ids[i], NULL, start_worker, &jobs[i]) != 0)
            return false;
    for (int i = 0; threads > 1 && i < threads; i++)
        pthread_join(ids[i], NULL);
    return true;
}

/* ---------------------------------------------------------------------------------------- recursive */

static FRAME void parse_list(struct job *job, int depth);

/* On the average one child: the depth walks at random between its bounds. */
static FRAME void parse_item(struct job *job, int depth)
{
    void *block = job->left-- > 0 ? allocate(next_size(job)) : NULL;
    job->births += block != NULL;
    while (job->left > 0 && depth < DEPTH_HIGH && (next_random(job) & 1) != 0)
        parse_list(job, depth + 1);
    finish_block(job, &block);
    KEEP_FRAME();
}

/* Now and then a block outlives the list that made it. */
static FRAME void parse_list(struct job *job, int depth)
{
    parse_item(job, depth + 1);
    if (depth % 5 == 0 && job->left-- > 0) {
        finish_block(job, &job->recent[0]);
        job->recent[0] = allocate(next_size(job));
        job->births += job->recent[0] != NULL;
    }
    KEEP_FRAME();
}

static FRAME void descend(struct job *job, int depth)
{
    if (depth < DEPTH_LOW)
        descend(job, depth + 1);
    while (depth == DEPTH_LOW && job->left > 0)
        parse_list(job, depth + 1);
    KEEP_FRAME();
}

static bool run_recursive(struct job *job, long allocations)
{
    job->left = allocations;
    descend(job, 5); /* main, its callers and this one */
    finish_block(job, &job->recent[0]);
    return true;
}

/* ---------------------------------------------------------------------------------------- handoff */

/* Batches of blocks on their way from one thread to the other. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t has_changed;
    void *blocks[BATCHES_MAX][BATCH_COUNT];
    unsigned made, taken; /* batches */
    bool is_over;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .has_changed = PTHREAD_COND_INITIALIZER};

/* The next full batch, NULL at the end. */
static void **next_batch(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.made == queue.taken && !queue.is_over)
        pthread_cond_wait(&queue.has_changed, &queue.lock);
    void **batch = queue.made != queue.taken ? queue.blocks[queue.taken % BATCHES_MAX] : NULL;
    pthread_mutex_unlock(&queue.lock);
    return batch;
}

static void move_on(unsigned *counter, bool is_over)
{
    pthread_mutex_lock(&queue.lock);
    ++*counter;
    queue.is_over |= is_over;
    pthread_cond_signal(&queue.has_changed);
    pthread_mutex_unlock(&queue.lock);
}

static FRAME void *consume(void *argument)
{
    struct job *job = argument;
    for (void **batch; (batch = next_batch()) != NULL; move_on(&queue.taken, false))
        for (unsigned i = 0; i < BATCH_COUNT; i++)
            finish_block(job, &batch[i]);
    return NULL;
}

static FRAME void fill(struct job *job, void **batch)
{
    for (unsigned i = 0; i < BATCH_COUNT; i++) {
        batch[i] = job->left-- > 0 ? leaves[next_random(job) % 8](job) : NULL;
        job->births += batch[i] != NULL;
    }
}

static bool run_handoff(struct job *jobs, long allocations)
{
    pthread_t consumer;
    if (pthread_create(&consumer, NULL, consume, &jobs[1]) != 0)
        return false;
    jobs[0].left = allocations;
    while (jobs[0].left > 0) {
        pthread_mutex_lock(&queue.lock);
        while (queue.made - queue.taken == BATCHES_MAX)
            pthread_cond_wait(&queue.has_changed, &queue.lock);
        pthread_mutex_unlock(&queue.lock);
        fill(&jobs[0], queue.blocks[queue.made % BATCHES_MAX]);
        move_on(&queue.made, jobs[0].left <= 0);
    }
    pthread_join(consumer, NULL);
    return true;
}

/* ---------------------------------------------------------------------------------------- pairs */

static FRAME void loop(struct job *job)
{
    for (; job->left > 0; job->left--)
        release(allocate(32));
}

/* Six frames of ours, main and three before it. */
static FRAME void go_down(struct job *job, int depth)
{
    if (depth < 9)
        go_down(job, depth + 1);
    else
        loop(job);
    KEEP_FRAME();
}

static bool run_pairs(struct job *job, long allocations)
{
    job->left = allocations;
    go_down(job, 5);
    job->births = job->frees = (uint64_t)allocations;
    return true;
}

/* ---------------------------------------------------------------------------------------- all */

static bool run(struct job *jobs, int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";
    long number = argc > 2 ? atol(argv[2]) : 0;
    if (strcmp(mode, "churn") == 0 && argc > 3 && number > 0 && number <= THREADS_MAX)
        return run_churn(jobs, (int)number, atol(argv[3]));
    if (strcmp(mode, "recursive") == 0)
        return run_recursive(jobs, number);
    if (strcmp(mode, "handoff") == 0)
        return run_handoff(jobs, number);
    return strcmp(mode, "pairs") == 0 && run_pairs(jobs, number);
}

int main(int argc, char **argv)
{
    static struct job jobs[THREADS_MAX];
    uint64_t births = 0, frees = 0, start_ns = now_ns();
    if (!run(jobs, argc, argv))
        return 2;
    uint64_t loop_ns = now_ns() - start_ns;
    for (int i = 0; i < THREADS_MAX; i++) {
        births += jobs[i].births;
        frees += jobs[i].frees;
    }
    printf("%llu %llu %llu\n", (unsigned long long)births, (unsigned long long)frees,
           (unsigned long long)loop_ns);
    return 0;
}
