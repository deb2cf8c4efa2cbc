/* SPDX-License-Identifier: MIT */

/* A program with pools of its own, which it describes. Argument: "forks" makes it fork, too. */

#include "tenure/mark.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS  1000

/* Blocks of one size, with a list of free ones, as many programs have it. */
struct fixed_pool {
    pthread_mutex_t lock;
    size_t block_bytes;
    char *memory;
    void *free_list;
};

static struct fixed_pool nodes = {.lock = PTHREAD_MUTEX_INITIALIZER, .block_bytes = 64};
static char early_memory[256];
static char arena_memory[4096];
static size_t arena_used;

static void pool_open(struct fixed_pool *pool, size_t count)
{
    pool->memory = malloc(pool->block_bytes * count);
    for (size_t i = 0; i < count; i++) {
        void *block = pool->memory + i * pool->block_bytes;
        memcpy(block, &pool->free_list, sizeof(pool->free_list));
        pool->free_list = block;
    }
    if (tenure_pool_name)
        tenure_pool_name(pool, "nodes");
}

static __attribute__((noinline)) void *pool_get(struct fixed_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    void *block = pool->free_list;
    memcpy(&pool->free_list, block, sizeof(pool->free_list));
    if (tenure_pool_alloc)
        tenure_pool_alloc(pool, block, pool->block_bytes);
    pthread_mutex_unlock(&pool->lock);
    return block;
}

static __attribute__((noinline)) void pool_put(struct fixed_pool *pool, void *block)
{
    pthread_mutex_lock(&pool->lock);
    if (tenure_pool_free)
        tenure_pool_free(pool, block);
    memcpy(block, &pool->free_list, sizeof(pool->free_list));
    pool->free_list = block;
    pthread_mutex_unlock(&pool->lock);
}

static void *arena_get(size_t size)
{
    void *block = arena_memory + arena_used;
    arena_used += (size + 15) & ~(size_t)15;
    if (tenure_pool_alloc)
        tenure_pool_alloc(arena_memory, block, size);
    return block;
}

/* Before any constructor, that of a preloaded library as well. */
static void begin_early(void)
{
    if (tenure_pool_alloc) {
        tenure_pool_alloc(early_memory, early_memory, 8);
        tenure_pool_alloc(early_memory, early_memory + 64, 40);
        tenure_pool_free(early_memory, early_memory + 64);
    }
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = begin_early;

static void *work(void *context)
{
    for (int i = 0; i < ROUNDS; i++) {
        void *one = pool_get(&nodes);
        void *two = pool_get(&nodes);
        pool_put(&nodes, one);
        pool_put(&nodes, two);
    }
    return context;
}

static void serve(void)
{
    for (int request = 0; request < 3; request++) {
        for (size_t size = 10; size <= 50; size += 10)
            arena_get(size);
        if (tenure_pool_reset)
            tenure_pool_reset(arena_memory);
        arena_used = 0;
    }
    arena_get(100);
}

/* The child takes back a block of its parent's, and has one of its own. */
static int run_child(void *inherited)
{
    pid_t child = fork();
    if (child == 0) {
        pool_put(&nodes, inherited);
        pool_get(&nodes);
        _exit(0);
    }
    int status;
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    pool_open(&nodes, 2 * THREADS + 4);
    void *kept = pool_get(&nodes);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    serve();
    if (argc > 1 && strcmp(argv[1], "forks") == 0 && run_child(kept) != 0)
        return 1;
    if (tenure_pool_alloc) {
        tenure_pool_alloc(NULL, kept, 1);
        tenure_pool_alloc(&nodes, NULL, 1);
        tenure_pool_free(&nodes, NULL);
        tenure_pool_free(NULL, kept);
        tenure_pool_reset(NULL);
        tenure_pool_name(&nodes, NULL);
    }
    puts("done");
    return 0;
}
