/* SPDX-License-Identifier: MIT */
/* Sets of threads as bits. Called by pool.c at each event, and by pool_purpose.c at the end. */
#include "pool_threads.h"

#include <errno.h>
#include <stdlib.h>

#define WORD_BITS 64u

static size_t word_count(const struct tn_pass *pass)
{
    return (pass->thread_count + WORD_BITS - 1) / WORD_BITS;
}

static void set_bit(uint64_t *set, uint32_t thread)
{
    set[thread / WORD_BITS] |= UINT64_C(1) << thread % WORD_BITS;
}

int tn_pool_threads_add(struct tn_pool_threads *threads, const struct tn_pass *pass, uint32_t thread)
{
    if (threads->first == 0) {
        threads->first = thread + 1;
        return 0;
    }
    if (threads->set == NULL) {
        threads->set = calloc(word_count(pass), sizeof(threads->set[0]));
        if (threads->set == NULL)
            return -ENOMEM;
        set_bit(threads->set, threads->first - 1);
    }
    set_bit(threads->set, thread);
    return 0;
}

int tn_pool_threads_join(struct tn_pool_threads *threads, const struct tn_pass *pass,
                         const struct tn_pool_threads *other)
{
    int r = other->first != 0 ? tn_pool_threads_note(threads, pass, other->first - 1) : 0;
    for (uint32_t i = 0; i < pass->thread_count && other->set != NULL && r == 0; i++)
        if ((other->set[i / WORD_BITS] >> i % WORD_BITS & 1) != 0)
            r = tn_pool_threads_note(threads, pass, i);
    return r;
}

uint64_t tn_pool_threads_count(const struct tn_pool_threads *threads, const struct tn_pass *pass)
{
    if (threads->set == NULL)
        return threads->first != 0;
    uint64_t count = 0;
    for (size_t i = 0; i < word_count(pass); i++)
        count += (uint64_t)__builtin_popcountll(threads->set[i]);
    return count;
}

void tn_pool_threads_finish(struct tn_pool_threads *threads)
{
    free(threads->set);
    *threads = (struct tn_pool_threads){0};
}
