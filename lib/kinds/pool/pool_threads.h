/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_POOL_THREADS_H
#define TN_KINDS_POOL_THREADS_H

/* Which threads allocate or release the blocks of a site. Most sites have one, so that a set is only made
 * when a second one comes. */

#include "tenure/analysis.h"

/* Zeroed: none yet. */
struct tn_pool_threads {
    uint32_t first; /* 1 + index in tn_pass.threads of the only one so far; 0: none */
    uint64_t *set;  /* owned; bits by index in tn_pass.threads; NULL: there is one at most */
};

/* Note a thread that is not the first one. Returns 0 or -ENOMEM. */
int tn_pool_threads_add(struct tn_pool_threads *threads, const struct tn_pass *pass, uint32_t thread);

/* Note the thread of an event. Returns 0 or -ENOMEM. */
static inline int tn_pool_threads_note(struct tn_pool_threads *threads, const struct tn_pass *pass,
                                       uint32_t thread)
{
    return threads->first == thread + 1 ? 0 : tn_pool_threads_add(threads, pass, thread);
}

/* Add all threads of another set. Returns 0 or -ENOMEM. */
int tn_pool_threads_join(struct tn_pool_threads *threads, const struct tn_pass *pass,
                         const struct tn_pool_threads *other);

/* How many threads are in the set. Cost: the process's threads. */
uint64_t tn_pool_threads_count(const struct tn_pool_threads *threads, const struct tn_pass *pass);

/* Release what the set holds; it is empty again. */
void tn_pool_threads_finish(struct tn_pool_threads *threads);

#endif
