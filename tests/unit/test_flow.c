/* SPDX-License-Identifier: MIT */

/* Many threads that come and go hand real blocks to each other and say so by the shim's protocol, while the
 * recorder's side reads: slots, marks, heads, order, matching. Whatever the timing, the sums must agree. Also
 * built for ThreadSanitizer (ring.c is compiled in here, since lib/wire is left out of sanitizers). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control.h"
#include "fake_writer.h"
#include "process.h"

#include "tenure/event.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLOTS         8u
#define RING_WORDS    (TN_RING_BYTES_MIN / 8)
#define CONTROL_WORDS (TN_CONTROL_BYTES_MIN / 8)
#define BOXES         256u
#define THREADS       4
#define LIVES         5 /* threads, one after the other, by each of THREADS */
#define EVENTS        6000

static const struct tn_shared_sizes sizes = {SLOTS, RING_WORDS, CONTROL_WORDS};

struct flow {
    struct tn_shared_header *header;
    _Atomic uintptr_t boxes[BOXES];
    _Atomic uint64_t births, deaths;
    _Atomic uint32_t running;
};

struct producer {
    struct flow *flow;
    struct tn_ring *ring;
    uint64_t *words;
    uint64_t last_ticks;
    uint64_t seed;
};

static void put(struct producer *producer, uint64_t head, uint64_t word_2, uint64_t word_3)
{
    uint32_t pad;
    uint32_t words = tn_event_words_of(head);
    while (!tn_ring_has_room(producer->ring, RING_WORDS, words, &pad))
        sched_yield();
    atomic_store_explicit(&producer->ring->mark_ticks, producer->last_ticks, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    uint64_t ticks = tn_clock_ticks(TN_CLOCK_MONOTONIC);
    uint64_t *event = tn_ring_reserve(producer->ring, producer->words, RING_WORDS, pad);
    memset(event, 0, words * 8);
    event[0] = head;
    event[1] = ticks;
    event[2] = word_2;
    event[3] = word_3;
    tn_ring_commit(producer->ring, pad + words);
    atomic_store_explicit(&producer->ring->mark_ticks, 0, memory_order_release);
    producer->last_ticks = ticks;
}

/* As the shim does: a slot by compare and swap, then who it is. All slots may be taken by threads that are
 * gone: then the recorder frees one soon. */
static void claim(struct producer *producer)
{
    struct tn_shared_header *header = producer->flow->header;
    for (uint32_t slot = 1;; slot = slot % (SLOTS - 1) + 1) {
        struct tn_ring *ring = tn_shared_ring(header, slot);
        uint32_t expected = TN_SLOT_FREE;
        if (!atomic_compare_exchange_strong(&ring->state, &expected, TN_SLOT_CLAIMED)) {
            sched_yield();
            continue;
        }
        atomic_store(&ring->tid, (uint32_t)syscall(SYS_gettid));
        producer->ring = ring;
        producer->words = tn_shared_words(header, &sizes, slot);
        ring->seen_tail_words = atomic_load_explicit(&ring->tail_words, memory_order_acquire);
        break;
    }
    producer->last_ticks = tn_clock_ticks(TN_CLOCK_MONOTONIC);
    put(producer, tn_event_head(TN_EVENT_THREAD_BEGIN, TN_EVENT_THREAD_WORDS, TN_FUNCTION_NONE, 0, 0),
        (uint64_t)syscall(SYS_gettid), 0);
}

static void say_birth(struct producer *producer, uintptr_t address, enum tn_event_kind kind, uint64_t size)
{
    put(producer, tn_event_head(kind, 4, TN_FUNCTION_MALLOC, 0, 0), address & TN_ADDRESS_MASK, size);
    atomic_fetch_add(&producer->flow->births, 1);
}

static void release(struct producer *producer, uintptr_t address)
{
    if (address == 0)
        return;
    put(producer, tn_event_head(TN_EVENT_DEATH, 4, TN_FUNCTION_FREE, 0, 0), address & TN_ADDRESS_MASK, 0);
    atomic_fetch_add(&producer->flow->deaths, 1);
    free((void *)address);
}

static uintptr_t grow(struct producer *producer, uintptr_t address, size_t size)
{
    if (address == 0)
        return 0;
    put(producer, tn_event_head(TN_EVENT_REALLOC_BEGIN, 4, TN_FUNCTION_REALLOC, 0, 0),
        address & TN_ADDRESS_MASK, 0);
    uintptr_t grown = (uintptr_t)realloc((void *)address, size);
    say_birth(producer, grown, TN_EVENT_REALLOC_COMMIT, size);
    atomic_fetch_add(&producer->flow->deaths, 1);
    return grown;
}

static void *produce(void *argument)
{
    struct producer producer = *(struct producer *)argument;
    struct flow *flow = producer.flow;
    claim(&producer);
    for (int i = 0; i < EVENTS; i++) {
        producer.seed = producer.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t n = producer.seed >> 33;
        size_t size = 16 + (n >> 10) % 4 * 16;
        _Atomic uintptr_t *box = &flow->boxes[n % BOXES];
        if (n >> 20 & 1) {
            uintptr_t address = (uintptr_t)malloc(size);
            say_birth(&producer, address, TN_EVENT_BIRTH, size);
            release(&producer, atomic_exchange(box, address));
        } else {
            uintptr_t grown = grow(&producer, atomic_exchange(box, 0), size * 4);
            release(&producer, atomic_exchange(box, grown));
        }
    }
    put(&producer, tn_event_head(TN_EVENT_THREAD_END, 4, TN_FUNCTION_NONE, 0, 0), 0, 0);
    atomic_store_explicit(&producer.ring->state, TN_SLOT_ENDED, memory_order_release);
    return NULL;
}

/* A row of threads, each of which begins when the one before has ended. */
static void *produce_lives(void *argument)
{
    struct producer producer = *(struct producer *)argument;
    for (int life = 0; life < LIVES; life++) {
        pthread_t thread;
        producer.seed = producer.seed * 31 + 7;
        if (pthread_create(&thread, NULL, produce, &producer) != 0)
            abort();
        pthread_join(thread, NULL);
    }
    atomic_fetch_sub(&producer.flow->running, 1);
    return NULL;
}

static int make_memory(void)
{
    size_t bytes = tn_shared_total_bytes(&sizes);
    int fd = memfd_create("flow", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    struct tn_shared_header header = {
        .magic = TN_SHARED_MAGIC,
        .total_bytes = bytes,
        .slot_count = SLOTS,
        .ring_words = RING_WORDS,
        .control_words = CONTROL_WORDS,
        .slot_bound = SLOTS,
        .clock = TN_CLOCK_MONOTONIC,
    };
    assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
    return fd;
}

static uint64_t play(struct tn_process *process, struct tn_order *order)
{
    uint64_t events = 0;
    uint64_t now = tn_clock_ticks(TN_CLOCK_MONOTONIC);
    uint64_t low = now - TN_ORDER_SLACK_NS;
    tn_process_read_marks(process, now, &low);
    tn_process_read_heads(process);
    assert_int_equal(tn_control_read(process), 0);
    assert_int_equal(tn_process_offer_streams(process, order, now + 1000000000), 0);
    assert_int_equal(tn_order_emit(order, low, &events), 0);
    process->shared->queued_words = 0;
    assert_int_equal(tn_process_reclaim(process, 1 << 20, false), 0);
    return events;
}

static void test_many_threads(void **state)
{
    (void)state;
    static struct flow flow;
    struct fake_writer fake = {0};
    struct tn_order order = {.window_ticks = TN_ORDER_WINDOW_NS};
    struct tn_process_shared shared = {.writer = fake_writer_of(&fake)};
    struct tn_handshake handshake = {.id.pid = getpid(), .pidfd = -1, .memory_fd = make_memory()};
    struct tn_process *process;
    struct tn_clock_pair pair = tn_clock_read(TN_CLOCK_MONOTONIC);
    tn_clock_begin(&shared.clock, TN_CLOCK_MONOTONIC, pair, pair, pair.ticks);
    handshake.id.own_pid = (uint32_t)getpid();
    handshake.hello.start_ticks = pair.ticks;
    handshake.hello.shared_bytes = tn_shared_total_bytes(&sizes);
    assert_int_equal(tn_process_create(&shared, &handshake, 0, NULL, &process), 0);
    flow.header =
        mmap(NULL, tn_shared_total_bytes(&sizes), PROT_READ | PROT_WRITE, MAP_SHARED, handshake.memory_fd, 0);
    assert_ptr_not_equal(flow.header, MAP_FAILED);
    flow.running = THREADS;
    pthread_t threads[THREADS];
    struct producer producers[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        producers[i] = (struct producer){.flow = &flow, .seed = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, produce_lives, &producers[i]), 0);
    }
    while (atomic_load(&flow.running) != 0)
        play(process, &order);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    tn_process_end(process, TN_EXIT_EXIT, 0, tn_clock_ticks(TN_CLOCK_MONOTONIC));
    do
        play(process, &order);
    while (!tn_process_is_drained(process));
    assert_int_equal(fake.births, flow.births);
    assert_int_equal(fake.deaths, flow.deaths);
    assert_int_equal(fake.threads, THREADS * LIVES);
    assert_int_equal(fake.ended_threads, THREADS * LIVES);
    assert_int_equal(shared.totals.unmatched_frees + shared.totals.unmatched_births, 0);
    assert_int_equal(process->matcher.table.count, fake.births - fake.deaths);
    assert_false(fake.is_broken);
    assert_int_equal(tn_process_end_rows(process), 0);
    assert_int_equal(shared.totals.damaged_rings, 0);
    tn_process_destroy(process);
    tn_keepers_finish(&shared.keepers);
    munmap(flow.header, tn_shared_total_bytes(&sizes));
    tn_order_finish(&order);
    tn_buffer_finish(&shared.scratch);
    fake_writer_finish(&fake);
    close(handshake.memory_fd);
    for (size_t i = 0; i < BOXES; i++)
        free((void *)flow.boxes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
