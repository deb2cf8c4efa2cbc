/* SPDX-License-Identifier: MIT */
/* usage: shim_speed [ROUNDS]
 *
 * What an event costs inside the program: the shim's own files, linked into this program together with a
 * session that leads nowhere. No recorder runs, so no line of memory is taken away by another processor; the
 * ring is given back by this thread, some thousand events at a time. Prints nanoseconds by stack depth, the
 * least of several rounds:
 *
 *   pair, bare     malloc and free of the next library
 *   pair, added    what both cost more through the shim, from one place each, the stack below unchanged
 *   call, added    the same where every pair is made by calling all the functions of the stack anew
 *   again          a stack that is the thread's last
 *   walk           a stack of which nothing is remembered: rules, hash, id
 *   intern         the look-up of a stack's hash alone
 *   birth, death   the writing of an event whose stack is known
 *   stamp          the time stamp alone */

#include "capture.h"
#include "emit.h"
#include "enter.h"
#include "real.h"
#include "shim_session.h"
#include "stack_ids.h"
#include "sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define BATCH        1000
#define BATCHES      200
#define SLOT_COUNT   4u
#define ROUNDS_USUAL 7

/* The figures of one depth, nanoseconds; each is the least of its rounds. */
struct figures {
    double bare, pair, call_bare, call, again, walk, intern, birth, death, stamp;
};

struct task {
    struct figures *figures;
    void (*run)(struct task *task, const struct tn_caller *caller);
};

static void *(*volatile allocate)(size_t) = malloc;
static void (*volatile release)(void *) = free;

/* In the place of session.c: rings that nobody else reads. */
int tn_session_open(enum tn_hello_reason reason, struct tn_join_failure *ret_failure)
{
    (void)reason;
    (void)ret_failure;
    uint32_t ring_words = tn_shim_process.options.ring_bytes / 8;
    struct tn_shared_sizes sizes = {SLOT_COUNT, ring_words, ring_words};
    struct tn_shared_header *header =
        mmap(NULL, tn_shared_total_bytes(&sizes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (header == MAP_FAILED)
        return -1;
    tn_hot.header = header;
    header->slot_bound = SLOT_COUNT;
    header->freed_count = SLOT_COUNT - 1;
    tn_hot.sizes = sizes;
    tn_hot.parts.spans[0] = tn_shared_ring(header, TN_CONTROL_SLOT);
    tn_hot.parts.control_words = tn_shared_words(header, &sizes, TN_CONTROL_SLOT);
    for (uint32_t slot = 1; slot < SLOT_COUNT; slot++)
        tn_parts_slot(&tn_hot.parts, slot)->words_address = (uintptr_t)tn_shared_words(header, &sizes, slot);
    tn_hot.clock = tn_arch_ticks_are_constant() ? TN_ARCH_CLOCK : TN_CLOCK_MONOTONIC;
    tn_hot.pid = (uint32_t)tn_sys0(SYS_getpid);
    return 0;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Take everything out of the rings, as a recorder would. */
static void drain(void)
{
    struct tn_ring *control = tn_shared_ring(tn_hot.header, TN_CONTROL_SLOT);
    struct tn_ring *ring = tn_thread.ring;
    atomic_store(&control->tail_words, atomic_load(&control->head_words));
    atomic_store(&ring->tail_words, atomic_load(&ring->head_words));
}

/* Note the time of one round's batches as a figure. */
static void note(double *least, double begin_ns)
{
    double each_ns = (now_ns() - begin_ns) / BATCH / BATCHES;
    if (*least == 0 || each_ns < *least)
        *least = each_ns;
}

/* Time a statement. */
#define MEASURE(least, statement)                                                                            \
    do {                                                                                                     \
        double begin_ns = now_ns();                                                                          \
        for (unsigned batch = 0; batch < BATCHES; batch++) {                                                 \
            for (unsigned i = 0; i < BATCH; i++) {                                                           \
                statement;                                                                                   \
            }                                                                                                \
            drain();                                                                                         \
        }                                                                                                    \
        note(&(least), begin_ns);                                                                            \
    } while (0)

static void run_pairs(struct task *task, const struct tn_caller *caller)
{
    struct figures *figures = task->figures;
    (void)caller;
    MEASURE(figures->pair, void *block = allocate(24); release(block));
    allocate = tn_real.malloc;
    release = tn_real.free;
    MEASURE(figures->bare, void *block = allocate(24); release(block));
    allocate = malloc;
    release = free;
}

/* The shim's parts, one by one, as if caller had called an allocation function. */
static void run_parts(struct task *task, const struct tn_caller *caller)
{
    struct figures *figures = task->figures;
    struct tn_thread *thread = &tn_thread;
    struct tn_origin origin = {0, 0};
    uint32_t id = 0;
    uint64_t ticks = 0;
    if (tn_enter(thread, caller) != TN_WAY_RECORD)
        exit(1);
    MEASURE(figures->again, origin = tn_capture(thread, caller));
    MEASURE(figures->walk, tn_trail_forget(thread->trail); origin = tn_capture(thread, caller));
    uint64_t hash = thread->trail->kept[thread->trail->count - 1].hash;
    if (tn_stack_find(hash) != origin.stack_id)
        exit(1);
    MEASURE(figures->intern, id = tn_stack_find(hash); __asm__ volatile("" : "+r"(hash) : "r"(id)));
    void *block = tn_real.malloc(24);
    MEASURE(figures->birth, tn_emit_birth_at(thread, TN_FUNCTION_MALLOC, block, 24, 0, origin));
    tn_shim_process.options.has_free_stacks = false;
    MEASURE(figures->death, tn_emit_death(thread, caller, TN_FUNCTION_FREE, block));
    tn_shim_process.options.has_free_stacks = true;
    MEASURE(figures->stamp, ticks = tn_ticks(); __asm__ volatile("" ::"r"(ticks)));
    tn_real.free(block);
    tn_leave(thread);
}

static __attribute__((noinline)) void run_leaf(struct task *task)
{
    const struct tn_caller caller = TN_CALLER();
    task->run(task, &caller);
    __asm__ volatile("" ::: "memory");
}

/* Run a task at the end of depth frames more. */
static __attribute__((noinline)) void descend(struct task *task, unsigned depth)
{
    if (depth > 0)
        descend(task, depth - 1);
    else
        run_leaf(task);
    __asm__ volatile("" ::: "memory");
}

/* A pair of calls at the end of depth frames more. */
static __attribute__((noinline)) void call_pair(unsigned depth)
{
    if (depth > 0) {
        call_pair(depth - 1);
        __asm__ volatile("" ::: "memory");
        return;
    }
    void *block = allocate(24);
    __asm__ volatile("" : "+r"(block));
    release(block);
    __asm__ volatile("" ::: "memory");
}

static void run_calls(struct figures *figures, unsigned depth)
{
    MEASURE(figures->call, call_pair(depth));
    allocate = tn_real.malloc;
    release = tn_real.free;
    MEASURE(figures->call_bare, call_pair(depth));
    allocate = malloc;
    release = free;
}

static void print(unsigned frames, const struct figures *figures)
{
    printf("%6u %10.1f %11.1f %10.1f %11.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f\n", frames, figures->bare,
           figures->pair - figures->bare, figures->call_bare, figures->call - figures->call_bare,
           figures->again, figures->walk, figures->intern, figures->birth, figures->death, figures->stamp);
}

int main(int argc, char **argv)
{
    static const unsigned depths[] = {1, 10, 40, 200};
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS_USUAL;
    printf(
        "nanoseconds\nframes  pair bare  pair added  call bare  call added    again     walk   intern    "
        "birth    death    stamp\n");
    for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
        struct figures figures = {0};
        for (int round = 0; round < rounds; round++) {
            descend(&(struct task){.figures = &figures, .run = run_pairs}, depths[i]);
            descend(&(struct task){.figures = &figures, .run = run_parts}, depths[i]);
            run_calls(&figures, depths[i]);
        }
        print(depths[i], &figures);
    }
    return 0;
}
