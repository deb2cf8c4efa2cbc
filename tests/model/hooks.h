/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MODEL_HOOKS_H
#define TENURE_MODEL_HOOKS_H

/* Included before everything else in the files that are checked (-include): their atomic operations, system
 * calls and readings of the clock go to the model checker. */

#include "model.h"

#include "arch.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_load
#undef atomic_store
#undef atomic_exchange
#undef atomic_fetch_add
#undef atomic_fetch_or
#undef atomic_compare_exchange_strong
#undef atomic_thread_fence

#define MODEL_VALUE_OF(p)                  __typeof__((void)0, *(p))
#define atomic_load_explicit(p, order)     ((MODEL_VALUE_OF(p))model_load((p), sizeof(*(p)), (order)))
#define atomic_store_explicit(p, v, order) model_store((p), sizeof(*(p)), (uint64_t)(v), (order))
#define MODEL_RMW(p, what, v, order)                                                                         \
    __extension__({                                                                                          \
        uint64_t model_old = model_read_modify_write((p), sizeof(*(p)), (what), (uint64_t)(v), (order));     \
        (MODEL_VALUE_OF(p)) model_old;                                                                       \
    })
#define atomic_exchange_explicit(p, v, order)  MODEL_RMW(p, MODEL_SET, v, order)
#define atomic_fetch_add_explicit(p, v, order) MODEL_RMW(p, MODEL_ADD, v, order)
#define atomic_fetch_sub_explicit(p, v, order) MODEL_RMW(p, MODEL_ADD, -(uint64_t)(v), order)
#define atomic_fetch_or_explicit(p, v, order)  MODEL_RMW(p, MODEL_OR, v, order)
#define atomic_fetch_and_explicit(p, v, order) MODEL_RMW(p, MODEL_AND, v, order)
#define atomic_compare_exchange_strong_explicit(p, expected, v, order, failed)                               \
    __extension__({                                                                                          \
        uint64_t model_expected = (uint64_t) * (expected);                                                   \
        bool model_is_done =                                                                                 \
            model_compare_exchange((p), sizeof(*(p)), &model_expected, (uint64_t)(v), (order));              \
        *(expected) = (MODEL_VALUE_OF(p))model_expected;                                                     \
        model_is_done;                                                                                       \
    })
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit
#define atomic_load(p)                        atomic_load_explicit(p, memory_order_seq_cst)
#define atomic_store(p, v)                    atomic_store_explicit(p, v, memory_order_seq_cst)
#define atomic_exchange(p, v)                 atomic_exchange_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_add(p, v)                atomic_fetch_add_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_or(p, v)                 atomic_fetch_or_explicit(p, v, memory_order_seq_cst)
#define atomic_compare_exchange_strong(p, e, v)                                                              \
    atomic_compare_exchange_strong_explicit(p, e, v, memory_order_seq_cst, 0)
#define atomic_thread_fence(order) model_fence(order)

#define tn_arch_syscall  model_syscall
#define tn_arch_ticks    model_ticks
#define tn_arch_settle() ((void)0)
#define syscall(number, a, b, c, d, e, f)                                                                    \
    model_syscall((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* So that a stall is found after two waits, and not after 500. */
#include "tenure/ring.h"
#undef TN_STALL_NS
#define TN_STALL_NS UINT64_C(40000000)

#endif
