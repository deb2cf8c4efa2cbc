/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MODEL_H
#define TENURE_MODEL_H

/* An explicit-state model checker for the code that two processes run on shared memory. The code itself is
 * checked: hooks.h compiles the project's own files so that each atomic operation, system call and reading of
 * the clock comes here. A scene has a few threads; the explorer runs every order of their steps, each from
 * the beginning, and cuts an order off where it comes to a state that was seen before.
 *
 * Memory. Stores wait in a buffer of their thread, which sees them itself, and reach the others one by one. A
 * release store waits for all earlier ones of its thread, stores to one location keep their order, and any
 * others may overtake each other: that is weaker than x86 (which keeps all in order) and as weak, for stores,
 * as Arm. Sequentially consistent stores, read-modify-writes that release, fences and system calls empty the
 * buffer. Plain stores to the regions are found by comparing them before and after each step, and are treated
 * alike. Loads take place in the order of the program: what needs an acquire is not found here.
 *
 * A state is the memory, the buffers, the model's kernel, and for each thread a hash of all values that it
 * has been given since it began or last called model_checkpoint. Two states are taken for one when their
 * 64-bit hashes are equal: a million states collide with a probability of 3e-8. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_THREADS_MAX 4

/* One planted fault: the stores to a location are treated wrongly. */
enum model_fault_kind {
    MODEL_FAULT_NONE = 0,
    MODEL_FAULT_DROP,       /* a store does not take place; of a read-modify-write, its store */
    MODEL_FAULT_DROP_ZERO,  /* a store of 0 does not take place */
    MODEL_FAULT_DROP_VALUE, /* a store of another value than 0 does not take place */
    MODEL_FAULT_RELAX,      /* a store orders nothing */
    MODEL_FAULT_LATE,       /* a store takes place only when its thread stores to `other` the next time */
    MODEL_FAULT_TOO_FAR,    /* a store of a number puts down one that is 4 larger */
    MODEL_FAULT_NO_WAKE,    /* a futex wake of the location wakes nobody */
};

struct model_fault {
    const char *name; /* as a test says it */
    enum model_fault_kind kind;
    const volatile void *at;    /* the location */
    const volatile void *other; /* of LATE */
};

/* What may happen to the threads of `killable`, once in an order; flags. */
enum model_event {
    MODEL_KILL = 1, /* one may die at any step; its buffer still drains */
    MODEL_STOP = 2, /* it may be stopped for good; for a while, every thread may be anyway */
};

struct model_scene {
    const char *name;
    int thread_count;
    /* A thread's program: it begins at each exploration anew. Runs on a stack of 64 KiB. */
    void (*run[MODEL_THREADS_MAX])(void);
    unsigned events;   /* flags of enum model_event */
    unsigned killable; /* bits of threads */
    unsigned daemons;  /* bits of threads that need not come to an end */
    uint64_t
        slack_ticks; /* a store leaves its buffer before the clock is more than this past it; 0: no bound */
    unsigned buffer_max;   /* stores that wait in a thread's buffer at most; 0: every store is seen at once */
    bool has_no_time_outs; /* a futex wait ends only when it is woken */
    uint64_t sleep_ns;     /* by how much a futex wait that times out moves the clock */
    void (*set_up)(void);  /* gives the regions their first values */
    void (*check)(void);   /* at the end of each order: calls model_fail if something is wrong */
    void (*died)(int thread); /* what the kernel does when a thread is killed; NULL: nothing */
};

/* What an exploration has found. */
struct model_result {
    uint64_t states, orders, steps;
    unsigned depth_max;
    bool has_failed;
    char story[200]; /* of the first failure */
};

/* Make memory known that the threads share. Before the first exploration; all regions 8-byte aligned. */
void model_region(void *start, size_t size_bytes);

/* Take a part of a region out of the comparison: only one thread uses it, by plain loads and stores. */
void model_private(void *start, size_t size_bytes);

/* What a scene notes for itself, to judge by in the end: at most 8 bytes. Part of the state, but seen by all
 * at once. */
void model_note(void *start, size_t size_bytes);

/* Only this thread stores there: its own loads of it are no steps, since nobody can come between. */
void model_owned(const volatile void *start, size_t size_bytes, int thread);

/* Loads and stores there are no steps, and seen by all at once: what a scene does not look at. */
void model_ignore(const volatile void *start, size_t size_bytes);

/* Explore a scene whole.
 *
 * fault        NULL or what is planted
 * prints_road  the way to the first failure goes to stdout */
struct model_result model_explore(const struct model_scene *scene, const struct model_fault *fault,
                                  bool prints_road);

/* ---- for threads of a scene ---- */

/* Say that something is wrong; the exploration ends. Does not return in a thread. */
void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The thread's state is told by these numbers alone from here on, and what model_pause waits for is a change
 * since now. */
void model_checkpoint(uint64_t a, uint64_t b);

/* For a loop of the scene's own that waits: go on once the memory has changed since the last
 * model_checkpoint, or any thread has ended or died. */
void model_pause(void);

/* Others may come between here: before plain loads, which are no steps by themselves. */
void model_step(void);

bool model_is_dead(int thread);
bool model_has_ended(int thread);
int model_self(void);

/* ---- what the hooks call ---- */

uint64_t model_load(const volatile void *at, size_t size_bytes, int order);
void model_store(volatile void *at, size_t size_bytes, uint64_t value, int order);
enum model_rmw { MODEL_ADD, MODEL_OR, MODEL_AND, MODEL_SET };
uint64_t model_read_modify_write(volatile void *at, size_t size_bytes, enum model_rmw what, uint64_t value,
                                 int order);
bool model_compare_exchange(volatile void *at, size_t size_bytes, uint64_t *expected, uint64_t value,
                            int order);
void model_fence(int order);
long model_syscall(long number, long a, long b, long c, long d, long e, long f);

/* The processor's clock: each reading moves it by one tick. */
uint64_t model_ticks(void);

/* CLOCK_MONOTONIC: only sleeping moves it. */
uint64_t model_monotonic_ns(void);

/* ---- for `died` and `set_up`: what the kernel writes is seen by all at once ---- */

void model_kernel_store(volatile void *at, size_t size_bytes, uint64_t value);
void model_kernel_wake(const volatile void *at);

#endif
