/* SPDX-License-Identifier: MIT */

/* See machine.h. Threads are coroutines: each stops before its next operation on shared memory, and the
 * explorer decides who goes on. Between operations nothing can be seen from outside, so that orders of these
 * steps are all orders that there are. */

#include "machine_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

struct machine machine = {.self = -1};

static jmp_buf explorer;

uint64_t machine_version(void)
{
    return memory_version() + machine.other_changes;
}

/* ---------------------------------------------------------------------------------------- coroutines */

/* How far below its frame a function may use the stack without moving the stack pointer, and more. */
#define BELOW_FRAME_BYTES 512

void machine_leave_thread(void)
{
    struct machine_thread *thread = &machine.threads[machine.self];
    thread->stack_low = (char *)__builtin_frame_address(0) - BELOW_FRAME_BYTES;
    if (_setjmp(thread->where) == 0)
        _longjmp(explorer, 1);
}

/* Never returns: to begin anew is to jump to its first line. */
static void run_thread(void)
{
    _setjmp(machine.threads[machine.self].beginning);
    machine.scene->run[machine.self]();
    machine.threads[machine.self].state = THREAD_ENDED;
    machine_release_held();
    machine.other_changes++;
    machine_leave_thread();
}

/* Let a thread run up to its next operation. */
static void resume(int number, ucontext_t *start)
{
    struct machine_thread *thread = &machine.threads[number];
    machine.self = number;
    memory_enter(&thread->buffer);
    if (_setjmp(explorer) == 0) {
        if (start != NULL)
            setcontext(start);
        _longjmp(thread->where, 1);
    }
    memory_leave(&machine.threads[machine.self].buffer, machine.clock_ticks);
    machine.self = -1;
}

static void make_stack(struct machine_thread *thread, ucontext_t *start)
{
    thread->stack = malloc(MACHINE_STACK_BYTES);
    if (thread->stack == NULL)
        exit(2);
    getcontext(start);
    start->uc_stack.ss_sp = thread->stack;
    start->uc_stack.ss_size = MACHINE_STACK_BYTES;
    start->uc_link = NULL;
    makecontext(start, run_thread, 0);
}

static void begin_thread(int number)
{
    static ucontext_t start;
    struct machine_thread *thread = &machine.threads[number];
    bool is_new = thread->stack == NULL;
    if (is_new)
        make_stack(thread, &start);
    thread->state = THREAD_READY;
    thread->is_stopped = false;
    thread->was_woken = false;
    thread->futex = NULL;
    thread->history = 0;
    thread->seen_version = 0;
    thread->buffer.count = 0;
    memcpy(thread->where, thread->beginning, sizeof(jmp_buf));
    resume(number, is_new ? &start : NULL);
}

/* ----------------------------------------------------------------------------------------- snapshots */

#define SNAPSHOT_STACK_BYTES 4096

struct machine_snapshot {
    struct machine machine;
    char stacks[MODEL_THREADS_MAX][SNAPSHOT_STACK_BYTES];
    char memory[MEMORY_SNAPSHOT_BYTES];
};

static size_t used_bytes(const struct machine_thread *thread)
{
    size_t size_bytes = (size_t)(thread->stack + MACHINE_STACK_BYTES - thread->stack_low);
    if (size_bytes <= SNAPSHOT_STACK_BYTES)
        return size_bytes;
    fputs("a scene's thread uses too much stack\n", stderr);
    exit(2);
}

struct machine_snapshot *machine_save(struct machine_snapshot *snapshot)
{
    if (snapshot == NULL)
        snapshot = malloc(sizeof(*snapshot));
    if (snapshot == NULL)
        exit(2);
    snapshot->machine = machine;
    for (int i = 0; i < machine.scene->thread_count; i++)
        memcpy(snapshot->stacks[i], machine.threads[i].stack_low, used_bytes(&machine.threads[i]));
    memory_save(snapshot->memory);
    return snapshot;
}

void machine_restore(const struct machine_snapshot *snapshot)
{
    machine = snapshot->machine;
    for (int i = 0; i < machine.scene->thread_count; i++)
        memcpy(machine.threads[i].stack_low, snapshot->stacks[i], used_bytes(&machine.threads[i]));
    memory_restore(snapshot->memory);
}

void machine_load(const struct model_scene *new_scene, const struct model_fault *new_fault)
{
    machine.scene = new_scene;
    memset(&machine.fault, 0, sizeof(machine.fault));
    if (new_fault != NULL)
        machine.fault = *new_fault;
    machine.has_failed = false;
    machine.story[0] = '\0';
    machine.scene->set_up();
    memory_take_initial();
}

void machine_begin(void)
{
    memory_begin();
    machine.clock_ticks = 100;
    machine.monotonic_ns = UINT64_C(1000000000);
    machine.is_killed = machine.is_stopped = false;
    machine.other_changes = 1;
    for (int i = 0; i < machine.scene->thread_count; i++)
        begin_thread(i);
}

/* ------------------------------------------------------------------------------------------- actions */

static bool may_step(const struct machine_thread *thread)
{
    if (thread->is_stopped || memory_waiting_count(&thread->buffer) > (int)machine.scene->buffer_max)
        return false;
    return thread->state == THREAD_READY || (thread->state == THREAD_SLEEPING && thread->was_woken) ||
           (thread->state == THREAD_PAUSED && thread->seen_version != machine_version());
}

static void choose(struct machine_action *choices, int room, int *count, struct machine_action action)
{
    if (*count >= room)
        exit(2);
    choices[(*count)++] = action;
}

static bool is_alive(const struct machine_thread *thread)
{
    return thread->state != THREAD_ENDED && thread->state != THREAD_DEAD;
}

static void choose_events(struct machine_action *choices, int room, int *count)
{
    for (int i = 0; i < machine.scene->thread_count; i++) {
        if ((machine.scene->killable & 1u << i) == 0 || !is_alive(&machine.threads[i]))
            continue;
        if ((machine.scene->events & MODEL_KILL) != 0 && !machine.is_killed)
            choose(choices, room, count, (struct machine_action){MACHINE_KILL, i, 0});
        if ((machine.scene->events & MODEL_STOP) != 0 && !machine.is_stopped && !machine.is_killed)
            choose(choices, room, count, (struct machine_action){MACHINE_STOP, i, 0});
    }
}

int machine_choices(struct machine_action *choices, int room)
{
    int count = 0;
    for (int i = 0; i < machine.scene->thread_count; i++) {
        struct machine_thread *thread = &machine.threads[i];
        if (may_step(thread))
            choose(choices, room, &count, (struct machine_action){MACHINE_STEP, i, 0});
        if (thread->state == THREAD_SLEEPING && thread->can_time_out && !machine.scene->has_no_time_outs &&
            !thread->was_woken && !thread->is_stopped)
            choose(choices, room, &count, (struct machine_action){MACHINE_TIME_OUT, i, 0});
        bool has_plain = !may_step(thread);
        for (int s = 0; s < thread->buffer.count; s++)
            if (memory_may_drain(&thread->buffer, s, has_plain))
                choose(choices, room, &count, (struct machine_action){MACHINE_DRAIN, i, s});
    }
    bool is_over = count == 0;
    for (int i = 0; is_over && i < machine.scene->thread_count; i++)
        if (is_alive(&machine.threads[i]) && !machine.threads[i].is_stopped &&
            (machine.scene->daemons & 1u << i) == 0) {
            model_fail("thread %d waits for ever", i);
            return 0;
        }
    if (!is_over)
        choose_events(choices, room, &count);
    return count;
}

static void kill_thread(int number)
{
    machine.is_killed = true;
    machine.threads[number].state = THREAD_DEAD;
    /* A process that dies leaves nothing in a buffer for long; the kernel writes after it. */
    memory_drain_all(&machine.threads[number].buffer);
    if (machine.scene->died != NULL)
        machine.scene->died(number);
    machine.other_changes++;
}

void machine_act(struct machine_action action)
{
    struct machine_thread *thread = &machine.threads[action.thread];
    switch (action.kind) {
    case MACHINE_STEP:
        resume(action.thread, NULL);
        break;
    case MACHINE_DRAIN:
        memory_drain(&thread->buffer, action.index);
        break;
    case MACHINE_TIME_OUT:
        machine.monotonic_ns += machine.scene->sleep_ns;
        thread->state = THREAD_READY;
        break;
    case MACHINE_KILL:
        kill_thread(action.thread);
        break;
    case MACHINE_STOP:
        machine.is_stopped = thread->is_stopped = true;
        break;
    }
}

uint64_t machine_hash(void)
{
    uint64_t hash = memory_hash(1);
    hash = memory_mix(hash, machine.clock_ticks);
    hash =
        memory_mix(hash, machine.monotonic_ns << 2 | (uint64_t)machine.is_killed << 1 | machine.is_stopped);
    for (int i = 0; i < machine.scene->thread_count; i++) {
        const struct machine_thread *thread = &machine.threads[i];
        bool waits = thread->seen_version == machine_version();
        hash = memory_mix(hash, (uint64_t)thread->state << 3 | (uint64_t)thread->is_stopped << 2 |
                                    (uint64_t)thread->was_woken << 1 | waits);
        hash = memory_mix(hash, thread->history);
        hash = memory_mix(hash, (uintptr_t)thread->futex);
        hash = memory_buffer_hash(&thread->buffer, hash,
                                  machine.scene->slack_ticks != 0 ? machine.clock_ticks : 0);
    }
    return hash;
}

void machine_check(void)
{
    if (!machine.has_failed)
        machine.scene->check();
}

bool machine_has_failed(void)
{
    return machine.has_failed;
}

const char *machine_story(void)
{
    return machine.story;
}

void machine_print_action(struct machine_action action)
{
    static const char *const names[] = {"step", "drain", "time out", "kill", "stop"};
    printf("  thread %d: %s %d\n", action.thread, names[action.kind], action.index);
}

void model_fail(const char *format, ...)
{
    va_list arguments;
    if (!machine.has_failed) {
        va_start(arguments, format);
        vsnprintf(machine.story, sizeof(machine.story), format, arguments);
        va_end(arguments);
    }
    machine.has_failed = true;
    if (machine.self < 0)
        return;
    machine.threads[machine.self].state = THREAD_ENDED;
    machine_leave_thread();
}
