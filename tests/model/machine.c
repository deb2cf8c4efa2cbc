/* SPDX-License-Identifier: MIT */

/* See machine.h. Threads are coroutines: each stops before its next operation on shared memory, and the
 * explorer decides who goes on. Between operations nothing can be seen from outside, so that orders of these
 * steps are all orders that there are. */

#include "machine.h"
#include "memory.h"

#include <errno.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define STACK_BYTES 65536

enum thread_state {
    THREAD_READY,    /* stands before an operation */
    THREAD_PAUSED,   /* model_pause: until the memory changes */
    THREAD_SLEEPING, /* in a futex wait */
    THREAD_ENDED,
    THREAD_DEAD,
};

static struct thread {
    enum thread_state state;
    bool is_stopped;
    bool can_time_out;
    bool was_woken;
    const volatile void *futex;
    uint64_t paused_version;
    uint64_t history;
    struct memory_buffer buffer;
    ucontext_t start;
    jmp_buf where;
    char *stack;
} threads[MODEL_THREADS_MAX];

static const struct model_scene *scene;
static struct model_fault fault;
static int self;
static jmp_buf explorer;
static ucontext_t explorer_context;
static uint64_t clock_ticks, monotonic_ns;
static bool is_killed, is_stopped, has_failed;
static char story[200];

/* ---------------------------------------------------------------------------------------- coroutines */

static void leave_thread(void)
{
    if (_setjmp(threads[self].where) == 0)
        _longjmp(explorer, 1);
}

static void run_thread(void)
{
    scene->run[self]();
    threads[self].state = THREAD_ENDED;
    leave_thread();
}

/* Let a thread run up to its next operation. */
static void resume(int number, bool is_first)
{
    struct thread *thread = &threads[number];
    self = number;
    memory_enter(&thread->buffer);
    if (_setjmp(explorer) == 0) {
        if (is_first)
            setcontext(&thread->start);
        _longjmp(thread->where, 1);
    }
    memory_leave(&threads[self].buffer, clock_ticks);
    self = -1;
}

static void begin_thread(int number)
{
    struct thread *thread = &threads[number];
    if (thread->stack == NULL)
        thread->stack = malloc(STACK_BYTES);
    if (thread->stack == NULL)
        exit(2);
    thread->state = THREAD_READY;
    thread->is_stopped = false;
    thread->was_woken = false;
    thread->futex = NULL;
    thread->history = 0;
    thread->buffer.count = 0;
    getcontext(&thread->start);
    thread->start.uc_stack.ss_sp = thread->stack;
    thread->start.uc_stack.ss_size = STACK_BYTES;
    thread->start.uc_link = &explorer_context;
    makecontext(&thread->start, run_thread, 0);
    resume(number, true);
}

void machine_load(const struct model_scene *new_scene, const struct model_fault *new_fault)
{
    scene = new_scene;
    memset(&fault, 0, sizeof(fault));
    if (new_fault != NULL)
        fault = *new_fault;
    has_failed = false;
    story[0] = '\0';
    scene->set_up();
    memory_take_initial();
}

void machine_begin(void)
{
    memory_begin();
    clock_ticks = 100;
    monotonic_ns = UINT64_C(1000000000);
    is_killed = is_stopped = false;
    for (int i = 0; i < scene->thread_count; i++)
        begin_thread(i);
}

/* ------------------------------------------------------------------------------------------- actions */

static bool may_step(const struct thread *thread)
{
    if (thread->is_stopped || thread->buffer.count > (int)scene->buffer_max)
        return false;
    return thread->state == THREAD_READY || (thread->state == THREAD_SLEEPING && thread->was_woken) ||
           (thread->state == THREAD_PAUSED && thread->paused_version != memory_version());
}

static void choose(struct machine_action *choices, int room, int *count, struct machine_action action)
{
    if (*count >= room)
        exit(2);
    choices[(*count)++] = action;
}

static bool is_alive(const struct thread *thread)
{
    return thread->state != THREAD_ENDED && thread->state != THREAD_DEAD;
}

static void choose_events(struct machine_action *choices, int room, int *count)
{
    for (int i = 0; i < scene->thread_count; i++) {
        if ((scene->killable & 1u << i) == 0 || !is_alive(&threads[i]))
            continue;
        if ((scene->events & MODEL_KILL) != 0 && !is_killed)
            choose(choices, room, count, (struct machine_action){MACHINE_KILL, i, 0});
        if ((scene->events & MODEL_STOP) != 0 && !is_stopped && !is_killed)
            choose(choices, room, count, (struct machine_action){MACHINE_STOP, i, 0});
    }
}

int machine_choices(struct machine_action *choices, int room)
{
    int count = 0;
    for (int i = 0; i < scene->thread_count; i++) {
        struct thread *thread = &threads[i];
        if (may_step(thread))
            choose(choices, room, &count, (struct machine_action){MACHINE_STEP, i, 0});
        if (thread->state == THREAD_SLEEPING && thread->can_time_out && !thread->was_woken &&
            !thread->is_stopped)
            choose(choices, room, &count, (struct machine_action){MACHINE_TIME_OUT, i, 0});
        bool has_plain = !may_step(thread);
        for (int s = 0; s < thread->buffer.count; s++)
            if (memory_may_drain(&thread->buffer, s, has_plain))
                choose(choices, room, &count, (struct machine_action){MACHINE_DRAIN, i, s});
    }
    bool is_over = count == 0;
    for (int i = 0; is_over && i < scene->thread_count; i++)
        if (is_alive(&threads[i]) && !threads[i].is_stopped && (scene->daemons & 1u << i) == 0) {
            model_fail("thread %d waits for ever", i);
            return 0;
        }
    if (!is_over)
        choose_events(choices, room, &count);
    return count;
}

static void kill_thread(int number)
{
    is_killed = true;
    threads[number].state = THREAD_DEAD;
    /* A process that dies leaves nothing in a buffer for long; the kernel writes after it. */
    memory_drain_all(&threads[number].buffer);
    if (scene->died != NULL)
        scene->died(number);
    for (int i = 0; i < scene->thread_count; i++)
        threads[i].paused_version = UINT64_MAX;
}

void machine_act(struct machine_action action)
{
    struct thread *thread = &threads[action.thread];
    switch (action.kind) {
    case MACHINE_STEP:
        resume(action.thread, false);
        break;
    case MACHINE_DRAIN:
        memory_drain(&thread->buffer, action.index);
        break;
    case MACHINE_TIME_OUT:
        monotonic_ns += scene->sleep_ns;
        thread->state = THREAD_READY;
        break;
    case MACHINE_KILL:
        kill_thread(action.thread);
        break;
    case MACHINE_STOP:
        is_stopped = thread->is_stopped = true;
        break;
    }
}

uint64_t machine_hash(void)
{
    uint64_t hash = memory_hash(1);
    hash = memory_mix(hash, clock_ticks);
    hash = memory_mix(hash, monotonic_ns << 2 | (uint64_t)is_killed << 1 | is_stopped);
    for (int i = 0; i < scene->thread_count; i++) {
        const struct thread *thread = &threads[i];
        bool waits = thread->state == THREAD_PAUSED && thread->paused_version == memory_version();
        hash = memory_mix(hash, (uint64_t)thread->state << 3 | (uint64_t)thread->is_stopped << 2 |
                                    (uint64_t)thread->was_woken << 1 | waits);
        hash = memory_mix(hash, thread->history);
        hash = memory_mix(hash, (uintptr_t)thread->futex);
        hash = memory_buffer_hash(&thread->buffer, hash, scene->slack_ticks != 0 ? clock_ticks : 0);
    }
    return hash;
}

void machine_check(void)
{
    if (!has_failed)
        scene->check();
}

bool machine_has_failed(void)
{
    return has_failed;
}

const char *machine_story(void)
{
    return story;
}

void machine_print_action(struct machine_action action)
{
    static const char *const names[] = {"step", "drain", "time out", "kill", "stop"};
    printf("  thread %d: %s %d\n", action.thread, names[action.kind], action.index);
}

void model_fail(const char *format, ...)
{
    va_list arguments;
    if (!has_failed) {
        va_start(arguments, format);
        vsnprintf(story, sizeof(story), format, arguments);
        va_end(arguments);
    }
    has_failed = true;
    if (self < 0)
        return;
    threads[self].state = THREAD_ENDED;
    leave_thread();
}

/* ---------------------------------------------------------------------------------------- operations */

static void note(uint64_t value)
{
    threads[self].history = memory_mix(threads[self].history, value);
}

/* Every operation begins with this: whoever is chosen goes on behind it. */
static struct thread *give_way(void)
{
    threads[self].state = THREAD_READY;
    leave_thread();
    note(1);
    return &threads[self];
}

void model_checkpoint(uint64_t a, uint64_t b)
{
    threads[self].history = memory_mix(memory_mix(7, a), b);
}

void model_pause(void)
{
    threads[self].state = THREAD_PAUSED;
    threads[self].paused_version = memory_version();
    leave_thread();
    threads[self].state = THREAD_READY;
}

bool model_is_dead(int thread)
{
    return threads[thread].state == THREAD_DEAD;
}

bool model_has_ended(int thread)
{
    return threads[thread].state == THREAD_ENDED && threads[thread].buffer.count == 0;
}

int model_self(void)
{
    return self;
}

static bool is_faulty(enum model_fault_kind kind, const volatile void *at)
{
    return fault.kind == kind && fault.at == at;
}

static bool is_dropped(const volatile void *at, uint64_t value)
{
    return is_faulty(MODEL_FAULT_DROP, at) || (is_faulty(MODEL_FAULT_DROP_ZERO, at) && value == 0) ||
           (is_faulty(MODEL_FAULT_DROP_VALUE, at) && value != 0);
}

static bool is_release(int order, const volatile void *at)
{
    return order >= memory_order_release && !is_faulty(MODEL_FAULT_RELAX, at);
}

/* What a fault has held back goes behind the latest store. */
static void release_held(struct memory_buffer *buffer)
{
    for (int i = 0; i < buffer->count; i++) {
        struct memory_store store = buffer->stores[i];
        if (!store.is_held)
            continue;
        memmove(&buffer->stores[i], &buffer->stores[i + 1], (size_t)(buffer->count - i - 1) * sizeof(store));
        store.is_held = false;
        store.is_release = true;
        buffer->stores[buffer->count - 1] = store;
    }
}

/* A real machine empties its buffer before long: what is older than the slack is visible. */
static void drain_old(void)
{
    for (int i = 0; scene->slack_ticks != 0 && i < scene->thread_count; i++) {
        struct memory_buffer *buffer = &threads[i].buffer;
        while (i != self && buffer->count > 0 && clock_ticks - buffer->stores[0].ticks > scene->slack_ticks)
            memory_drain(buffer, 0);
    }
}

uint64_t model_load(const volatile void *at, size_t size_bytes, int order)
{
    (void)order;
    give_way();
    uint64_t value = memory_read(at, size_bytes);
    note(value);
    return value;
}

/* What the running thread's buffer holds reaches everybody; the thread's view stays as it is. */
static void empty_buffer(struct thread *thread)
{
    memory_leave(&thread->buffer, clock_ticks);
    memory_drain_all(&thread->buffer);
    memory_enter(&thread->buffer);
}

void model_store(volatile void *at, size_t size_bytes, uint64_t value, int order)
{
    struct thread *thread = give_way();
    if (is_dropped(at, value))
        return;
    struct memory_store store = {
        .at = at, .value = value, .ticks = clock_ticks, .size_bytes = (uint8_t)size_bytes};
    store.is_release = is_release(order, at);
    store.is_held = is_faulty(MODEL_FAULT_LATE, at);
    memory_store_later(&thread->buffer, store);
    if (fault.kind == MODEL_FAULT_LATE && fault.other == at)
        release_held(&thread->buffer);
    if ((order == memory_order_seq_cst && store.is_release) || scene->buffer_max == 0)
        empty_buffer(thread);
}

static uint64_t modified(enum model_rmw what, uint64_t old, uint64_t value)
{
    switch (what) {
    case MODEL_ADD:
        return old + value;
    case MODEL_OR:
        return old | value;
    case MODEL_AND:
        return old & value;
    default:
        return value;
    }
}

/* Read-modify-writes work on what everybody sees. */
static void prepare_modify(struct thread *thread, const volatile void *at, int order)
{
    if (is_release(order, at)) {
        empty_buffer(thread);
        return;
    }
    memory_leave(&thread->buffer, clock_ticks);
    memory_drain_location(&thread->buffer, at);
    memory_enter(&thread->buffer);
}

uint64_t model_read_modify_write(volatile void *at, size_t size_bytes, enum model_rmw what, uint64_t value,
                                 int order)
{
    struct thread *thread = give_way();
    prepare_modify(thread, at, order);
    uint64_t old = memory_read(at, size_bytes);
    uint64_t mask = size_bytes == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * size_bytes) - 1;
    uint64_t result = modified(what, old, value) & mask;
    if (!is_dropped(at, result))
        memory_store_now(at, size_bytes, result);
    note(old);
    return old;
}

bool model_compare_exchange(volatile void *at, size_t size_bytes, uint64_t *expected, uint64_t value,
                            int order)
{
    struct thread *thread = give_way();
    prepare_modify(thread, at, order);
    uint64_t old = memory_read(at, size_bytes);
    bool is_equal = old == *expected;
    if (is_equal && !is_dropped(at, value))
        memory_store_now(at, size_bytes, value);
    *expected = old;
    note(old);
    return is_equal;
}

void model_fence(int order)
{
    struct thread *thread = give_way();
    if (order == memory_order_seq_cst || order == memory_order_release)
        empty_buffer(thread);
}

void model_kernel_store(volatile void *at, size_t size_bytes, uint64_t value)
{
    memory_store_now(at, size_bytes, value);
}

void model_kernel_wake(const volatile void *at)
{
    for (int i = 0; i < scene->thread_count; i++)
        if (threads[i].state == THREAD_SLEEPING && threads[i].futex == at)
            threads[i].was_woken = true;
}

static long futex_wait(struct thread *thread, const volatile void *at, uint32_t expected, bool can_time_out)
{
    if ((uint32_t)memory_read(at, 4) != expected)
        return -EAGAIN;
    thread->state = THREAD_SLEEPING;
    thread->futex = at;
    thread->can_time_out = can_time_out;
    thread->was_woken = false;
    leave_thread();
    thread->state = THREAD_READY;
    long result = thread->was_woken ? 0 : -ETIMEDOUT;
    thread->futex = NULL;
    thread->was_woken = false;
    note((uint64_t)result);
    return result;
}

long model_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    (void)e;
    (void)f;
    struct thread *thread = give_way();
    empty_buffer(thread);
    const volatile void *at = (const volatile void *)a;
    switch (number) {
    case SYS_futex:
        if ((b & FUTEX_CMD_MASK) == FUTEX_WAIT)
            return futex_wait(thread, at, (uint32_t)c, d != 0);
        if (!is_faulty(MODEL_FAULT_NO_WAKE, at))
            model_kernel_wake(at);
        return 0;
    case SYS_gettid:
        return 1000 + self;
    case SYS_sched_yield:
        model_pause();
        return 0;
    default:
        return -ENOSYS;
    }
}

uint64_t model_ticks(void)
{
    give_way();
    clock_ticks++;
    drain_old();
    note(clock_ticks);
    return clock_ticks;
}

uint64_t model_monotonic_ns(void)
{
    note(monotonic_ns);
    return monotonic_ns;
}
