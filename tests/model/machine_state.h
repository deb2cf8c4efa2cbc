/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MODEL_MACHINE_STATE_H
#define TENURE_MODEL_MACHINE_STATE_H

/* What machine.c, which lets threads run, and operations.c, which does what they ask for, share. */

#include "machine.h"
#include "memory.h"

#include <setjmp.h>

enum machine_thread_state {
    THREAD_READY,    /* stands before an operation */
    THREAD_PAUSED,   /* model_pause: until the memory changes */
    THREAD_SLEEPING, /* in a futex wait */
    THREAD_ENDED,
    THREAD_DEAD,
};

struct machine_thread {
    enum machine_thread_state state;
    bool is_stopped;
    bool can_time_out;          /* its futex wait */
    bool was_woken;             /* since that began */
    const volatile void *futex; /* that it sleeps on */
    uint64_t seen_version;      /* of the world, when it last called model_checkpoint */
    uint64_t history;           /* hash of all that it was given since then */
    struct memory_buffer buffer;
    jmp_buf where;     /* it has left off */
    jmp_buf beginning; /* from where it begins anew */
    char *stack;       /* MACHINE_STACK_BYTES */
    char *stack_low;   /* of what it uses there */
};

#define MACHINE_STACK_BYTES 65536

struct machine {
    struct machine_thread threads[MODEL_THREADS_MAX];
    const struct model_scene *scene;
    struct model_fault fault;
    int self; /* the thread that runs; -1: none */
    uint64_t clock_ticks, monotonic_ns;
    uint64_t other_changes; /* what happened beside the memory: ends and deaths */
    bool is_killed, is_stopped, has_failed;
    char story[200];
};

extern struct machine machine;

/* Rises with all that a waiting thread may look for. */
uint64_t machine_version(void);

/* What a planted fault has held back of the running thread's stores goes behind the latest one. */
void machine_release_held(void);

/* In a thread: let the explorer choose who goes on. Returns when it is this thread. */
void machine_leave_thread(void);

#endif
