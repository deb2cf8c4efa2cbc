/* SPDX-License-Identifier: MIT */

/* What threads ask the machine for: loads and stores, futexes, the clock. Each operation first lets the
 * explorer choose who goes on, and then takes place at once. Called through the macros of hooks.h. */

#include "machine_state.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

static void note(uint64_t value)
{
    if (machine.self >= 0)
        machine.threads[machine.self].history = memory_mix(machine.threads[machine.self].history, value);
}

/* Every operation begins with this: whoever is chosen goes on behind it. */
static struct machine_thread *give_way(void)
{
    machine.threads[machine.self].state = THREAD_READY;
    machine_leave_thread();
    note(1);
    return &machine.threads[machine.self];
}

void model_step(void)
{
    give_way();
}

void model_checkpoint(uint64_t a, uint64_t b)
{
    machine.threads[machine.self].history = memory_mix(memory_mix(7, a), b);
    machine.threads[machine.self].seen_version = machine_version();
}

void model_pause(void)
{
    machine.threads[machine.self].state = THREAD_PAUSED;
    machine_leave_thread();
    machine.threads[machine.self].state = THREAD_READY;
}

bool model_is_dead(int thread)
{
    bool is_dead = machine.threads[thread].state == THREAD_DEAD;
    note(is_dead);
    return is_dead;
}

bool model_has_ended(int thread)
{
    bool has_ended =
        machine.threads[thread].state == THREAD_ENDED && machine.threads[thread].buffer.count == 0;
    note(has_ended);
    return has_ended;
}

int model_self(void)
{
    return machine.self;
}

static bool is_faulty(enum model_fault_kind kind, const volatile void *at)
{
    return machine.fault.kind == kind && machine.fault.at == at;
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

void machine_release_held(void)
{
    struct memory_buffer *buffer = &machine.threads[machine.self].buffer;
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
    memory_leave(&machine.threads[machine.self].buffer, machine.clock_ticks);
    for (int i = 0; machine.scene->slack_ticks != 0 && i < machine.scene->thread_count; i++)
        if (i != machine.self)
            memory_drain_older(&machine.threads[i].buffer, machine.clock_ticks - machine.scene->slack_ticks);
    memory_enter(&machine.threads[machine.self].buffer);
}

uint64_t model_load(const volatile void *at, size_t size_bytes, int order)
{
    (void)order;
    if (!memory_is_own(at, machine.self))
        give_way();
    uint64_t value = memory_read(at, size_bytes);
    note(value);
    return value;
}

/* What the running thread's buffer holds reaches everybody; the thread's view stays as it is. */
static void empty_buffer(struct machine_thread *thread)
{
    memory_leave(&thread->buffer, machine.clock_ticks);
    memory_drain_all(&thread->buffer);
    memory_enter(&thread->buffer);
}

void model_store(volatile void *at, size_t size_bytes, uint64_t value, int order)
{
    if (memory_is_ignored(at)) {
        memory_store_now(at, size_bytes, value);
        return;
    }
    struct machine_thread *thread = give_way();
    if (is_dropped(at, value))
        return;
    if (is_faulty(MODEL_FAULT_TOO_FAR, at))
        value += 4;
    struct memory_store store = {
        .at = at, .value = value, .ticks = machine.clock_ticks, .size_bytes = (uint8_t)size_bytes};
    store.is_release = is_release(order, at);
    store.is_held = is_faulty(MODEL_FAULT_LATE, at);
    memory_store_later(&thread->buffer, store);
    if (machine.fault.kind == MODEL_FAULT_LATE && machine.fault.other == at)
        machine_release_held();
    if ((order == memory_order_seq_cst && store.is_release) || machine.scene->buffer_max == 0)
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
static void prepare_modify(struct machine_thread *thread, const volatile void *at, int order)
{
    if (is_release(order, at)) {
        empty_buffer(thread);
        return;
    }
    memory_leave(&thread->buffer, machine.clock_ticks);
    memory_drain_location(&thread->buffer, at);
    memory_enter(&thread->buffer);
}

uint64_t model_read_modify_write(volatile void *at, size_t size_bytes, enum model_rmw what, uint64_t value,
                                 int order)
{
    struct machine_thread *thread = give_way();
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
    struct machine_thread *thread = give_way();
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
    struct machine_thread *thread = give_way();
    if (order == memory_order_seq_cst || order == memory_order_release)
        empty_buffer(thread);
}

void model_kernel_store(volatile void *at, size_t size_bytes, uint64_t value)
{
    memory_store_now(at, size_bytes, value);
}

void model_kernel_wake(const volatile void *at)
{
    for (int i = 0; i < machine.scene->thread_count; i++)
        if (machine.threads[i].state == THREAD_SLEEPING && machine.threads[i].futex == at)
            machine.threads[i].was_woken = true;
}

static long futex_wait(struct machine_thread *thread, const volatile void *at, uint32_t expected,
                       bool can_time_out)
{
    if ((uint32_t)memory_read(at, 4) != expected)
        return -EAGAIN;
    thread->state = THREAD_SLEEPING;
    thread->futex = at;
    thread->can_time_out = can_time_out;
    thread->was_woken = false;
    machine_leave_thread();
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
    struct machine_thread *thread = give_way();
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
        return 1000 + machine.self;
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
    machine.clock_ticks++;
    drain_old();
    note(machine.clock_ticks);
    return machine.clock_ticks;
}

uint64_t model_monotonic_ns(void)
{
    note(machine.monotonic_ns);
    return machine.monotonic_ns;
}
