/* SPDX-License-Identifier: MIT */
/* Pauses in the recorder: what the shared memory says, what is marked in the log, and what becomes of
 * releases whose birth is not in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "process.h"
#include "ring_memory.h"
#include "ring_source.h"
#include "rings.h"

#include "tenure/event_body.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define A UINT64_C(0x1000)
#define B UINT64_C(0x2000)

/* The program's side is this test's memory; threads are slots that the test claims. */
struct scene {
    struct fake_writer fake;
    struct tn_process_shared shared;
    struct tn_process *process;
    struct tn_shared_header *memory;
    int fd;
};

static void begin(struct scene *scene, bool is_paused, const char *awaited_mark)
{
    struct tn_clock_pair pair = {0, 0};
    *scene = (struct scene){0};
    scene->shared.writer = fake_writer_of(&scene->fake);
    scene->shared.pause.is_paused = is_paused;
    scene->shared.pause.awaited_mark = awaited_mark;
    tn_clock_begin(&scene->shared.clock, TN_CLOCK_MONOTONIC, pair, pair, 0);
    scene->fd = make_memory(MFD_ALLOW_SEALING);
    scene->memory = mmap(NULL, tn_shared_total_bytes(&sizes), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_NORESERVE, scene->fd, 0);
    assert_ptr_not_equal(scene->memory, MAP_FAILED);
    struct tn_handshake handshake = {.memory_fd = scene->fd, .pidfd = -1};
    handshake.id = (struct tn_process_id){.pid = getpid(), .own_pid = (uint32_t)getpid()};
    handshake.hello.shared_bytes = tn_shared_total_bytes(&sizes);
    assert_int_equal(tn_process_create(&scene->shared, &handshake, 0, NULL, &scene->process), 0);
}

static void finish(struct scene *scene)
{
    tn_process_destroy(scene->process);
    tn_keepers_finish(&scene->shared.keepers);
    fake_writer_finish(&scene->fake);
    munmap(scene->memory, tn_shared_total_bytes(&sizes));
    close(scene->fd);
}

/* A thread takes a slot, and finds all of its ring free. */
static struct tn_ring *claim(struct scene *scene, uint32_t slot)
{
    struct tn_ring *ring = tn_shared_ring(scene->memory, slot);
    atomic_store(&ring->tid, (uint32_t)getpid());
    atomic_store(&ring->state, TN_SLOT_CLAIMED);
    atomic_store(&ring->limit_words, 1000);
    atomic_store(&scene->memory->slot_bound, slot + 1);
    return ring;
}

/* ---------------------------------------------------------------------------------------- processes */

static void a_pause_interrupts_every_thread(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, false, NULL);
    assert_int_equal(atomic_load(&scene.memory->pause), TN_PAUSE_NO);
    assert_int_equal(scene.fake.marks, 0);
    /* One that the recorder has not seen yet, too. */
    struct tn_ring *first = claim(&scene, 1), *second = claim(&scene, 2);
    assert_int_equal(tn_process_set_pause(scene.process, TN_PAUSE_BIRTHS), 0);
    assert_int_equal(atomic_load(&scene.memory->pause), TN_PAUSE_BIRTHS);
    assert_int_equal(atomic_load(&first->limit_words) + atomic_load(&second->limit_words), 0);
    assert_string_equal(scene.fake.last_mark, "recording paused");
    assert_true(scene.process->matcher.was_paused && scene.process->matcher.paused_ticks != 0);
    atomic_store(&first->limit_words, 2000);
    assert_int_equal(tn_process_set_pause(scene.process, TN_PAUSE_NO), 0);
    assert_int_equal(atomic_load(&scene.memory->pause), TN_PAUSE_NO);
    assert_int_equal(atomic_load(&first->limit_words), 2000);
    assert_string_equal(scene.fake.last_mark, "recording resumed");
    assert_true(scene.process->matcher.was_paused && scene.process->matcher.paused_ticks == 0);
    finish(&scene);
}

static void who_comes_in_a_pause_is_paused(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, true, "warm");
    assert_int_equal(atomic_load(&scene.memory->pause), TN_PAUSE_ALL);
    assert_int_equal(atomic_load(&scene.memory->awaited_mark), tn_mark_hash("warm", 4));
    assert_int_equal(scene.fake.marks, 1);
    assert_int_equal(tn_process_set_pause(scene.process, TN_PAUSE_NO), 0);
    assert_int_equal(atomic_load(&scene.memory->awaited_mark), 0);
    finish(&scene);
}

/* Counters of a ring's owners add up; what nobody can have made adds nothing. */
static void what_is_left_out_is_counted(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, true, NULL);
    struct tn_ring *ring = claim(&scene, 1);
    uint64_t low = 1000;
    tn_process_read_marks(scene.process, low, &low);
    for (int i = 0; i < 5; i++)
        tn_ring_count(&ring->unrecorded_births);
    tn_ring_count(&ring->unrecorded_frees);
    tn_process_settle(scene.process);
    tn_process_settle(scene.process);
    assert_int_equal(scene.shared.totals.unrecorded_births, 5);
    assert_int_equal(scene.shared.totals.unrecorded_frees, 1);
    tn_ring_count(&ring->unrecorded_births);
    atomic_store(&ring->unrecorded_frees, UINT64_C(1) << 60);
    tn_process_settle(scene.process);
    assert_int_equal(scene.shared.totals.unrecorded_births, 6);
    assert_int_equal(scene.shared.totals.unrecorded_frees, 1);
    finish(&scene);
}

/* ---------------------------------------------------------------------------------------- releases */

/* A release of A in one ring, then a birth of A in another. Returns how many deaths the log has. */
static uint64_t release_then_birth(uint64_t apart_ticks, uint64_t paused_ticks, uint64_t *ret_unrecorded)
{
    struct rings rings;
    rings_begin(&rings, 2);
    rings.matcher.was_paused = true;
    rings.matcher.paused_ticks = paused_ticks;
    rings_death(&rings, 0, 100000, A);
    rings_birth(&rings, 1, 100000 + apart_ticks, A, 8);
    rings_play(&rings, 1000000);
    assert_int_equal(rings.fake.births, 1);
    assert_int_equal(rings.totals.unmatched_frees, 0);
    uint64_t deaths = rings.fake.deaths;
    *ret_unrecorded = rings.totals.unrecorded_frees;
    rings_finish(&rings);
    return deaths;
}

static void a_release_waits_no_longer_than_stamps_can_err(void **state)
{
    (void)state;
    uint64_t unrecorded;
    assert_int_equal(release_then_birth(200, 0, &unrecorded), 1);
    assert_int_equal(unrecorded, 0);
    assert_int_equal(release_then_birth(TN_ORDER_WINDOW_NS / 2, 0, &unrecorded), 0);
    assert_int_equal(unrecorded, 1);
}

static void in_a_pause_no_release_waits(void **state)
{
    (void)state;
    uint64_t unrecorded;
    assert_int_equal(release_then_birth(200, 99999, &unrecorded), 0);
    assert_int_equal(unrecorded, 1);
    /* But those from before it took hold do. */
    assert_int_equal(release_then_birth(200, 100000, &unrecorded), 1);
    assert_int_equal(unrecorded, 0);
}

static void reallocs_of_unrecorded_blocks_begin_anew(void **state)
{
    (void)state;
    struct rings rings;
    rings_begin(&rings, 1);
    rings.matcher.was_paused = true;
    rings_realloc_begin(&rings, 0, 1000, A);
    rings_realloc_commit(&rings, 0, 1001, B, 16, 0);
    rings_play(&rings, 5000);
    assert_int_equal(rings.totals.unrecorded_frees, 1);
    assert_int_equal(rings.fake.births, 1);
    assert_int_equal(rings.fake.events[0].previous_id, 0);
    rings_finish(&rings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_interrupts_every_thread),
        cmocka_unit_test(who_comes_in_a_pause_is_paused),
        cmocka_unit_test(what_is_left_out_is_counted),
        cmocka_unit_test(a_release_waits_no_longer_than_stamps_can_err),
        cmocka_unit_test(in_a_pause_no_release_waits),
        cmocka_unit_test(reallocs_of_unrecorded_blocks_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
