/* SPDX-License-Identifier: MIT */
/* The rings of one process, from both sides: this test is the program, which writes into the memfd, and the
 * recorder, which reads it. What is mapped when, what is lost and by whom, what comes back to the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control.h"
#include "fake_writer.h"
#include "process.h"
#include "ring_memory.h"
#include "ring_source.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
    struct fake_writer fake;
    struct tn_process_shared shared;
    struct tn_order order;
    struct tn_process *process;
    struct tn_shared_header *memory; /* the program's */
    int fd;
    pid_t pid; /* of the program: a child that does nothing */
    uint64_t now;
};

static void begin(struct scene *scene)
{
    struct tn_clock_pair pair = {0, 0};
    *scene = (struct scene){.now = 1000, .order = {.window_ticks = TN_ORDER_WINDOW_NS}};
    scene->shared.writer = fake_writer_of(&scene->fake);
    tn_clock_begin(&scene->shared.clock, TN_CLOCK_MONOTONIC, pair, pair, 0);
    scene->fd = make_memory(MFD_ALLOW_SEALING);
    scene->memory = mmap(NULL, tn_shared_total_bytes(&sizes), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_NORESERVE, scene->fd, 0);
    assert_ptr_not_equal(scene->memory, MAP_FAILED);
    scene->pid = getpid();
    struct tn_handshake handshake = {.memory_fd = scene->fd, .pidfd = -1};
    handshake.id = (struct tn_process_id){.pid = scene->pid, .own_pid = (uint32_t)scene->pid};
    handshake.hello.shared_bytes = tn_shared_total_bytes(&sizes);
    assert_int_equal(tn_process_create(&scene->shared, &handshake, 0, NULL, &scene->process), 0);
}

static void finish(struct scene *scene)
{
    assert_false(scene->fake.is_broken);
    tn_process_destroy(scene->process);
    tn_keepers_finish(&scene->shared.keepers);
    tn_order_finish(&scene->order);
    tn_buffer_finish(&scene->shared.scratch);
    fake_writer_finish(&scene->fake);
    munmap(scene->memory, tn_shared_total_bytes(&sizes));
    close(scene->fd);
}

static struct tn_ring *ring_of(struct scene *scene, uint32_t slot)
{
    return tn_shared_ring(scene->memory, slot);
}

/* Claim a slot as the shim does. tid: of a thread that exists if it is this process's own. */
static void claim(struct scene *scene, uint32_t slot, uint32_t tid)
{
    struct tn_ring *ring = ring_of(scene, slot);
    uint32_t bound = atomic_load(&scene->memory->slot_bound);
    atomic_store(&ring->state, TN_SLOT_CLAIMED);
    atomic_store(&ring->tid, tid);
    if (slot >= bound)
        atomic_store(&scene->memory->slot_bound, slot + 1);
    else
        atomic_fetch_add(&scene->memory->reused_count, 1);
}

static void put(struct scene *scene, uint32_t slot, const uint64_t *event, uint32_t words)
{
    struct tn_ring *ring = ring_of(scene, slot);
    uint64_t *data = tn_shared_words(scene->memory, &sizes, slot);
    uint32_t pad;
    assert_true(tn_ring_has_room(ring, RING_WORDS, words, &pad));
    memcpy(tn_ring_reserve(ring, data, RING_WORDS, pad), event, words * 8);
    tn_ring_commit(ring, pad + words);
}

static void say_begin(struct scene *scene, uint32_t slot, uint32_t tid)
{
    uint64_t event[TN_EVENT_THREAD_WORDS] = {
        tn_event_head(TN_EVENT_THREAD_BEGIN, TN_EVENT_THREAD_WORDS, TN_FUNCTION_NONE, 0, 0), scene->now, tid};
    put(scene, slot, event, TN_EVENT_THREAD_WORDS);
}

static void say_birth(struct scene *scene, uint32_t slot, uint64_t address)
{
    uint64_t event[4] = {tn_event_head(TN_EVENT_BIRTH, 4, TN_FUNCTION_MALLOC, 0, 0), scene->now, address, 16};
    put(scene, slot, event, 4);
}

static void say_loss(struct scene *scene, uint32_t slot, uint32_t why, uint64_t count)
{
    uint64_t event[3] = {tn_event_head(TN_EVENT_LOSS, 3, TN_FUNCTION_NONE, why, 0), scene->now, count};
    put(scene, slot, event, 3);
}

static void play(struct scene *scene, bool is_thorough)
{
    uint64_t low = scene->now += 1000, events;
    tn_process_read_marks(scene->process, low, &low);
    tn_process_read_heads(scene->process);
    assert_int_equal(tn_control_read(scene->process), 0);
    assert_int_equal(tn_process_offer_streams(scene->process, &scene->order, low + 1000000000), 0);
    assert_int_equal(tn_order_emit(&scene->order, low, &events), 0);
    scene->shared.queued_words = 0;
    assert_int_equal(tn_process_reclaim(scene->process, 1 << 20, is_thorough), 0);
}

/* The id of a thread that has ended. */
static uint32_t gone_tid(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    return (uint32_t)pid;
}

static uint64_t file_bytes(const struct scene *scene)
{
    struct stat status;
    fstat(scene->fd, &status);
    return (uint64_t)status.st_blocks * 512;
}

static uint64_t lost(const struct scene *scene, uint32_t why)
{
    return scene->shared.totals.lost[TN_LOSS_BIT(why)];
}

/* ---------------------------------------------------------------------------------------- slots */

static void rings_are_mapped_when_threads_come(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct tn_rings *rings = tn_rings_of(scene.process->source);
    play(&scene, false);
    assert_int_equal(rings->source.stream_count, 0);
    assert_int_equal(rings->memory.group_capacity, 0);
    claim(&scene, 1, (uint32_t)scene.pid);
    play(&scene, false);
    assert_int_equal(rings->source.stream_count, 1);
    assert_non_null(rings->memory.groups[0]);
    for (uint32_t i = 1; i < TN_SHARED_SPANS_MAX; i++)
        assert_null(rings->memory.spans[i]);
    finish(&scene);
}

/* Slots on both sides of a span's end, and the last one of all. */
static void any_slot_can_be_read(void **state)
{
    (void)state;
    static const uint32_t slots[] = {1, TN_SPAN_SLOTS - 1, TN_SPAN_SLOTS, 3 * TN_SPAN_SLOTS,
                                     TN_SLOT_COUNT_MAX - 1};
    struct scene scene;
    begin(&scene);
    for (uint32_t i = 0; i < 5; i++) {
        claim(&scene, slots[i], (uint32_t)scene.pid);
        say_begin(&scene, slots[i], 100 + i);
        say_birth(&scene, slots[i], 0x1000 + i * 64);
        play(&scene, false);
        assert_int_equal(scene.fake.births, i + 1);
    }
    assert_int_equal(scene.fake.threads, 5);
    assert_int_equal(scene.shared.threads_peak, 5);
    finish(&scene);
}

static void a_slot_goes_from_thread_to_thread(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    struct tn_rings *rings = tn_rings_of(scene.process->source);
    uint32_t tid = gone_tid();
    for (uint64_t i = 0; i < 3000; i++) {
        claim(&scene, 1, tid);
        say_begin(&scene, 1, tid);
        for (uint64_t n = 0; n < 4; n++)
            say_birth(&scene, 1, 0x1000 + (i * 4 + n) * 64);
        atomic_store(&ring_of(&scene, 1)->state, TN_SLOT_ENDED);
        play(&scene, false);
        assert_int_equal(atomic_load(&ring_of(&scene, 1)->state), TN_SLOT_FREE);
        assert_int_equal(atomic_load(&ring_of(&scene, 1)->tid), 0);
        assert_int_equal(atomic_load(&scene.memory->freed_slot), 1);
        assert_int_equal(atomic_load(&scene.memory->freed_count), i + 1);
        assert_null(rings->slots[1].stream);
    }
    assert_int_equal(scene.fake.births, 12000);
    assert_int_equal(scene.fake.threads, 3000);
    assert_int_equal(scene.fake.ended_threads, 3000);
    assert_int_equal(scene.shared.totals.damaged_rings, 0);
    finish(&scene);
}

/* A thread that is there, one that said that it ends and is still there, and one without an id yet keep
 * theirs. */
static void slots_of_threads_that_live_are_kept(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    claim(&scene, 1, (uint32_t)scene.pid);
    claim(&scene, 2, (uint32_t)scene.pid);
    atomic_store(&ring_of(&scene, 2)->state, TN_SLOT_ENDED);
    claim(&scene, 3, 0);
    for (int i = 0; i < 3; i++)
        play(&scene, true);
    assert_int_equal(atomic_load(&scene.memory->freed_count), 0);
    finish(&scene);
}

/* Many slots are free: those that are taken again are found when the program says that it took one. */
static void one_of_many_free_slots_is_found(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    uint32_t tid = gone_tid();
    for (uint32_t slot = 1; slot <= 500; slot++) {
        claim(&scene, slot, tid);
        say_begin(&scene, slot, tid);
        atomic_store(&ring_of(&scene, slot)->state, TN_SLOT_ENDED);
    }
    play(&scene, false);
    assert_int_equal(atomic_load(&scene.memory->freed_count), 500);
    claim(&scene, 321, (uint32_t)scene.pid);
    say_birth(&scene, 321, 0x1000);
    play(&scene, false);
    assert_int_equal(scene.fake.births, 1);
    finish(&scene);
}

static void memory_of_free_rings_is_given_back(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    uint32_t tid = gone_tid();
    uint64_t before = file_bytes(&scene);
    for (uint32_t slot = 1; slot <= 256; slot++) {
        claim(&scene, slot, tid);
        for (uint64_t n = 0; n < RING_WORDS / 4 - 8; n++)
            say_birth(&scene, slot, 0x1000 + (slot * RING_WORDS + n) * 16);
        atomic_store(&ring_of(&scene, slot)->state, TN_SLOT_ENDED);
    }
    uint64_t full = file_bytes(&scene);
    assert_true(full - before > 250 * (uint64_t)TN_RING_BYTES_MIN);
    play(&scene, false);
    assert_int_equal(scene.fake.births, 256 * (RING_WORDS / 4 - 8));
    assert_true(file_bytes(&scene) - before < 80 * (uint64_t)TN_RING_BYTES_MIN);
    /* The next thread finds an empty ring that works, wrap and all. */
    for (uint32_t i = 0; i < 5; i++) {
        claim(&scene, 200, tid);
        for (uint64_t n = 0; n < RING_WORDS / 4 - 8; n++)
            say_birth(&scene, 200, 0x80000000 + (i * RING_WORDS + n) * 16);
        atomic_store(&ring_of(&scene, 200)->state, TN_SLOT_ENDED);
        play(&scene, false);
    }
    assert_int_equal(scene.fake.births, (256 + 5) * (RING_WORDS / 4 - 8));
    assert_int_equal(scene.shared.totals.damaged_rings, 0);
    finish(&scene);
}

/* ---------------------------------------------------------------------------------------- losses */

static void losses_are_counted_by_thread_and_reason(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    uint32_t tid = gone_tid();
    claim(&scene, 1, tid);
    say_begin(&scene, 1, tid);
    /* 100 lost while the recorder stood still, told; 7 that the thread could not tell before it ended. */
    atomic_store(&ring_of(&scene, 1)->lost_count, 107);
    say_loss(&scene, 1, TN_LOSS_STALLED, 100);
    atomic_store(&ring_of(&scene, 1)->state, TN_SLOT_ENDED);
    play(&scene, false);
    assert_int_equal(lost(&scene, TN_LOSS_STALLED), 100);
    assert_int_equal(lost(&scene, TN_LOSS_RING_FULL), 7);
    assert_int_equal(scene.fake.lost_events, 107);
    /* The next owner has lost nothing; the count goes on. */
    claim(&scene, 1, (uint32_t)scene.pid);
    say_begin(&scene, 1, 5);
    play(&scene, true);
    assert_int_equal(tn_process_lost_count(scene.process), 0);
    atomic_store(&ring_of(&scene, 1)->lost_count, 110);
    assert_int_equal(tn_process_lost_count(scene.process), 3);
    tn_process_end(scene.process, TN_EXIT_SIGNAL, 9, scene.now);
    play(&scene, true);
    assert_int_equal(tn_process_end_rows(scene.process), 0);
    assert_int_equal(lost(&scene, TN_LOSS_RING_FULL), 10);
    assert_int_equal(scene.fake.lost_events, 110);
    finish(&scene);
}

/* A ring that looks full for ever, since the program wrote there, has room again after a second. */
static void tails_are_restored(void **state)
{
    (void)state;
    struct scene scene;
    uint32_t pad;
    begin(&scene);
    claim(&scene, 1, (uint32_t)getpid());
    say_begin(&scene, 1, (uint32_t)getpid());
    play(&scene, false);
    struct tn_ring *rings[] = {ring_of(&scene, 1), ring_of(&scene, TN_CONTROL_SLOT)};
    for (unsigned i = 0; i < 2; i++) {
        uint32_t words = i == 0 ? sizes.ring_words : sizes.control_words;
        uint64_t tail = atomic_load(&rings[i]->tail_words);
        rings[i]->seen_tail_words = atomic_load(&rings[i]->head_words) - words;
        atomic_store(&rings[i]->tail_words, rings[i]->seen_tail_words);
        assert_false(tn_ring_has_room(rings[i], words, 4, &pad));
        play(&scene, true);
        assert_int_equal(atomic_load(&rings[i]->tail_words), tail);
    }
    finish(&scene);
}

/* What nobody can have counted: a fork bomb of a billion children in a second. */
static void nonsense_in_the_header_adds_nothing(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    atomic_store(&scene.memory->children_lost[TN_CHILD_UNREACHED], 0x41414141);
    tn_process_settle(scene.process);
    assert_int_equal(scene.shared.counts.children_lost[TN_CHILD_UNREACHED], 0);
    assert_int_equal(scene.shared.counts.damaged_headers, 1);
    finish(&scene);
}

/* Counters of the header wrap, and may be overwritten: then they add nothing, and the damage is counted. */
static void counters_of_the_header_add_up(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    _Atomic uint32_t *no_memory = &scene.memory->lost_counts[TN_LOSS_BIT(TN_LOSS_NO_MEMORY)];
    atomic_store(no_memory, 5);
    atomic_store(&scene.memory->children_lost[TN_CHILD_NO_DESCRIPTOR], 44);
    assert_int_equal(tn_process_lost_count(scene.process), 5);
    tn_process_settle(scene.process);
    tn_process_settle(scene.process);
    assert_int_equal(lost(&scene, TN_LOSS_NO_MEMORY), 5);
    assert_int_equal(scene.shared.counts.children_lost[TN_CHILD_NO_DESCRIPTOR], 44);
    uint64_t told = 5;
    for (; told < UINT64_C(0x100000100); told += 0xfffffff) {
        atomic_store(no_memory, (uint32_t)(told + 0xfffffff)); /* wraps in the end */
        tn_process_settle(scene.process);
    }
    assert_int_equal(lost(&scene, TN_LOSS_NO_MEMORY), told);
    assert_int_equal(scene.shared.counts.damaged_headers, 0);
    atomic_store(no_memory, (uint32_t)told - 1); /* fell */
    atomic_store(&scene.memory->stacks_checked, 0xffffffff);
    tn_process_settle(scene.process);
    assert_int_equal(lost(&scene, TN_LOSS_NO_MEMORY), told);
    assert_int_equal(scene.shared.counts.stacks_checked, 0);
    assert_int_equal(scene.shared.counts.damaged_headers, 1);
    atomic_store(no_memory, (uint32_t)told + 1); /* what was damaged once is not believed any more */
    tn_process_settle(scene.process);
    assert_int_equal(lost(&scene, TN_LOSS_NO_MEMORY), told);
    assert_int_equal(tn_process_lost_count(scene.process), 0);
    finish(&scene);
}

/* After recording is over for a process, what it loses is its own affair; what it lost before still counts,
 * told or not. */
static void losses_after_the_end_are_not_counted(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    claim(&scene, 1, (uint32_t)scene.pid);
    say_begin(&scene, 1, 5);
    atomic_store(&ring_of(&scene, 1)->lost_count, 10);
    atomic_store(&scene.memory->lost_counts[TN_LOSS_BIT(TN_LOSS_NO_SLOT)], 3);
    say_loss(&scene, 1, TN_LOSS_RING_FULL, 8);
    play(&scene, false);
    assert_int_not_equal(atomic_load(&scene.memory->keeper_word), 0);
    tn_process_refuse(scene.process);
    assert_int_equal(atomic_load(&scene.memory->recorder_state), TN_RECORDER_CLOSED);
    assert_int_equal(atomic_load(&scene.memory->keeper_word), 0);
    atomic_store(&ring_of(&scene, 1)->lost_count, 1000);
    atomic_store(&scene.memory->lost_counts[TN_LOSS_BIT(TN_LOSS_NO_SLOT)], 3000);
    tn_process_refuse(scene.process);
    tn_process_end(scene.process, TN_EXIT_RUNNING, -1, scene.now);
    assert_int_equal(tn_process_end_rows(scene.process), 0);
    assert_int_equal(lost(&scene, TN_LOSS_RING_FULL), 10);
    assert_int_equal(lost(&scene, TN_LOSS_NO_SLOT), 3);
    assert_int_equal(scene.fake.lost_events, 10);
    assert_int_equal(scene.fake.ended_threads, 0);
    finish(&scene);
}

/* ---------------------------------------------------------------------------------------- the memory */

/* The recorder has no room to read a thread's ring: the program must not wait for that, and the loss is
 * counted. */
static void a_ring_without_room_ends_the_recording(void **state)
{
    (void)state;
    struct scene scene;
    struct rlimit saved, none;
    begin(&scene);
    claim(&scene, 1, (uint32_t)scene.pid);
    say_birth(&scene, 1, 0x1000);
    getrlimit(RLIMIT_AS, &saved);
    none = saved;
    none.rlim_cur = 1 << 20; /* less than there is: every further mapping fails */
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    play(&scene, false);
    play(&scene, false);
    assert_int_equal(setrlimit(RLIMIT_AS, &saved), 0);
    assert_int_equal(atomic_load(&scene.memory->recorder_state), TN_RECORDER_CLOSED);
    assert_int_equal(lost(&scene, TN_LOSS_NO_MEMORY), 1);
    tn_process_end(scene.process, TN_EXIT_EXIT, 0, scene.now);
    play(&scene, false);
    assert_true(tn_process_is_drained(scene.process));
    assert_int_equal(tn_process_end_rows(scene.process), 0);
    finish(&scene);
}

/* Holes instead of what was written: counted as damage, and no more than that. */
static void punched_memory_is_damage(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    claim(&scene, 1, (uint32_t)scene.pid);
    for (uint64_t n = 0; n < 100; n++)
        say_birth(&scene, 1, 0x1000 + n * 64);
    off_t at = (off_t)tn_shared_words_offset(&sizes, 1);
    assert_int_equal(fallocate(scene.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, TN_RING_BYTES_MIN),
                     0);
    play(&scene, false);
    tn_process_end(scene.process, TN_EXIT_EXIT, 0, scene.now);
    play(&scene, false);
    assert_true(tn_process_is_drained(scene.process));
    assert_int_equal(tn_process_end_rows(scene.process), 0);
    assert_int_equal(scene.shared.totals.damaged_rings, 1);
    assert_int_equal(lost(&scene, TN_LOSS_RING_FULL), 1);
    /* And the header: all of it 0. */
    assert_int_equal(
        fallocate(scene.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, TN_SHARED_ALIGN_BYTES), 0);
    play(&scene, false);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rings_are_mapped_when_threads_come),
        cmocka_unit_test(any_slot_can_be_read),
        cmocka_unit_test(a_slot_goes_from_thread_to_thread),
        cmocka_unit_test(slots_of_threads_that_live_are_kept),
        cmocka_unit_test(one_of_many_free_slots_is_found),
        cmocka_unit_test(memory_of_free_rings_is_given_back),
        cmocka_unit_test(losses_are_counted_by_thread_and_reason),
        cmocka_unit_test(counters_of_the_header_add_up),
        cmocka_unit_test(nonsense_in_the_header_adds_nothing),
        cmocka_unit_test(tails_are_restored),
        cmocka_unit_test(losses_after_the_end_are_not_counted),
        cmocka_unit_test(a_ring_without_room_ends_the_recording),
        cmocka_unit_test(punched_memory_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
