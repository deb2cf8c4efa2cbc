/* SPDX-License-Identifier: MIT */

/* A program may write anything into the memory that it shares with the recorder. Here it does: events that
 * are nearly right, with random fields, lengths and positions. The recorder must stay within its bounds (the
 * build under AddressSanitizer sees to that), end each round, and tell the log nothing that breaks its rules.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control.h"
#include "fake_writer.h"
#include "process.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS         5u
#define RING_WORDS    (TN_RING_BYTES_MIN / 8)
#define CONTROL_WORDS (TN_CONTROL_BYTES_MIN / 8)
#define ROUNDS        40

static const struct tn_shared_sizes sizes = {SLOTS, RING_WORDS, CONTROL_WORDS};

static uint64_t seed = 1;
static uint64_t soundness; /* one in so many lengths, heads and stamps is wrong */

static uint64_t any(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 20;
}

/* Make the fields of an event agree with each other. */
static void mend(uint64_t *event, uint32_t kind)
{
    uint64_t n = any() % 64 + 1;
    event[2] = n << 4 | (event[2] & 0xff) << 48;
    if (kind == TN_EVENT_STACK)
        event[2] = 6;
    for (uint32_t i = 3; kind == TN_EVENT_STACK && i < 9; i++)
        tn_frame_put(event + i, 0x1000 + any() % 512, 16 * (any() % 8));
    if (kind == TN_EVENT_CHILD)
        event[4] = n % 9;
    if (kind >= TN_EVENT_POOL_BIRTH && kind <= TN_EVENT_POOL_NAME)
        event[3] = n;
    if (kind == TN_EVENT_POOL_RESET || kind == TN_EVENT_POOL_NAME)
        event[2] = kind == TN_EVENT_POOL_NAME ? n % 8 : 0;
    if (kind != TN_EVENT_MODULE && kind != TN_EVENT_MARK)
        return;
    event[2] = n % 8;
    event[3] = 0x1000 + n;
    event[4] = 0x1000 + 2 * n;
    event[5] = n % 9 | n % 17 << 32;
}

/* Words that look like an event of a kind, with what a wrong hand may have done to them. */
static uint32_t make_event(uint64_t *event, uint64_t ticks)
{
    static const uint32_t lengths[TN_EVENT_KIND_COUNT] = {0, 4, 4, 4, 4, 4, 9, 9, 4, 5, 3,
                                                          7, 2, 2, 2, 3, 5, 6, 5, 4, 4, 5};
    _Static_assert(sizeof(lengths) / sizeof(lengths[0]) == TN_EVENT_POOL_NAME + 1,
                   "each kind has its length");
    uint32_t kind = 1 + (uint32_t)(any() % (TN_EVENT_KIND_COUNT - 1));
    uint32_t words = any() % soundness == 0 ? (uint32_t)(any() % 40) : lengths[kind];
    uint32_t flags = any() % 4 == 0 ? (uint32_t)(any() % 64) : 0;
    bool is_birth = kind == TN_EVENT_BIRTH || kind == TN_EVENT_REALLOC_COMMIT;
    if (is_birth && (flags & TN_EVENT_FLAG_WIDE) != 0 && any() % soundness != 0)
        words = TN_EVENT_WIDE_WORDS;
    for (uint32_t i = 1; i < 64; i++)
        event[i] = any() % 3 == 0 ? any() << 20 ^ any() : any() % 64;
    if (any() % soundness != 0)
        mend(event, kind);
    event[0] = tn_event_head(kind, words, (enum tn_function)(any() % 64), flags,
                             (uint32_t)(any() % 40 + (any() % soundness != 0)));
    event[1] = any() % soundness == 0 ? any() << 20 : ticks;
    return words != 0 && words < 64 ? words : 2;
}

static void fill(void *memory, uint32_t slot, uint64_t ticks)
{
    struct tn_ring *ring = tn_shared_ring(memory, slot);
    uint64_t *data = tn_shared_words(memory, &sizes, slot);
    uint64_t head = atomic_load(&ring->head_words);
    uint64_t end = atomic_load(&ring->tail_words) + RING_WORDS - 64;
    uint64_t event[64];
    uint64_t count = any() % 4000;
    for (uint64_t i = 0; i < count && head < end; i++) {
        uint32_t words = make_event(event, ticks + i * 40);
        uint32_t to_end = RING_WORDS - (uint32_t)(head % RING_WORDS);
        if (to_end < words && any() % soundness != 0) {
            data[head % RING_WORDS] = (uint64_t)to_end << 6;
            head += to_end;
        }
        for (uint32_t w = 0; w < words; w++)
            data[(head + w) % RING_WORDS] = event[w];
        head += words;
    }
    atomic_store(&ring->head_words, any() % soundness == 0 ? any() : head);
    atomic_store(&ring->state, any() % 3 == 0 ? any() % 3 : TN_SLOT_CLAIMED);
    atomic_store(&ring->tid, (uint32_t)(any() % 4 + 4000000));
    atomic_store(&ring->mark_ticks, any() % 20 == 0 ? any() : 0);
}

/* ret_memory: the program's own mapping of it. */
static struct tn_process *create(struct tn_process_shared *shared, void **ret_memory)
{
    struct tn_process *process;
    size_t bytes = tn_shared_total_bytes(&sizes);
    struct tn_handshake handshake = {.id.pid = getpid(), .pidfd = -1};
    struct tn_shared_header header = {
        .magic = TN_SHARED_MAGIC,
        .total_bytes = bytes,
        .slot_count = SLOTS,
        .ring_words = RING_WORDS,
        .control_words = CONTROL_WORDS,
        .slot_bound = SLOTS,
    };
    handshake.memory_fd = memfd_create("damage", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(handshake.memory_fd >= 0 && ftruncate(handshake.memory_fd, (off_t)bytes) == 0);
    assert_int_equal(pwrite(handshake.memory_fd, &header, sizeof(header), 0), sizeof(header));
    handshake.id.own_pid = (uint32_t)getpid();
    handshake.hello.shared_bytes = bytes;
    assert_int_equal(tn_process_create(shared, &handshake, 0, NULL, &process), 0);
    *ret_memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, handshake.memory_fd, 0);
    assert_ptr_not_equal(*ret_memory, MAP_FAILED);
    close(handshake.memory_fd);
    return process;
}

static void play(struct tn_process *process, struct tn_order *order, uint64_t now)
{
    uint64_t low = now, events;
    tn_process_read_marks(process, now, &low);
    tn_process_read_heads(process);
    assert_int_equal(tn_control_read(process), 0);
    assert_int_equal(tn_process_offer_streams(process, order, now + 1000000000), 0);
    assert_int_equal(tn_order_emit(order, low, &events), 0);
    process->shared->queued_words = 0;
    assert_int_equal(tn_process_reclaim(process, 1 << 20, any() % 4 == 0), 0);
}

static void torture(uint64_t first_seed, uint64_t how_sound)
{
    seed = first_seed;
    soundness = how_sound;
    struct fake_writer fake = {0};
    struct tn_order order = {.window_ticks = TN_ORDER_WINDOW_NS};
    struct tn_process_shared shared = {.writer = fake_writer_of(&fake)};
    struct tn_clock_pair pair = {0, 0};
    tn_clock_begin(&shared.clock, TN_CLOCK_MONOTONIC, pair, pair, 0);
    void *memory;
    struct tn_process *process = create(&shared, &memory);
    uint64_t now = 1000;
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            fill(memory, slot, now);
        now += 500000;
        play(process, &order, now);
    }
    tn_process_end(process, TN_EXIT_SIGNAL, 11, now);
    for (int i = 0; i < 10 && !tn_process_is_drained(process); i++)
        play(process, &order, now += 3000000000);
    assert_true(tn_process_is_drained(process));
    assert_int_equal(order.parked_count, 0);
    assert_true(tn_address_table_is_valid(&process->matcher.table));
    assert_int_equal(tn_process_end_rows(process), 0);
    assert_false(fake.is_broken);
    /* A sound half shows that the rest is tried on a recorder that works. */
    if (how_sound > 1000000)
        assert_true(fake.births > 10000 && fake.deaths > 0 && fake.stacks > 100 && fake.threads > 100 &&
                    fake.pool_block_count > 1000);
    tn_process_destroy(process);
    tn_keepers_finish(&shared.keepers);
    tn_children_finish(&shared.children);
    munmap(memory, tn_shared_total_bytes(&sizes));
    tn_order_finish(&order);
    tn_module_files_finish(&shared.files);
    tn_buffer_finish(&shared.scratch);
    fake_writer_finish(&fake);
}

static void test_anything_in_the_rings(void **state)
{
    (void)state;
    static const uint64_t how_sound[] = {50, 3000, 30000, UINT64_MAX};
    for (uint64_t i = 0; i < 16; i++)
        torture(i + 1, how_sound[i % 4]);
}

/* Memory that is smaller than it says, or says what cannot be. */
static void test_anything_in_the_header(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes, file_bytes;
        uint32_t slots, words;
    } cases[] = {
        {0, 0, SLOTS, RING_WORDS},
        {4096, 1 << 20, SLOTS, RING_WORDS},
        {1 << 22, 4096, 2, RING_WORDS},
        {1 << 22, 1 << 22, 0, RING_WORDS},
        {1 << 22, 1 << 22, 2, 3},
        {1 << 22, 1 << 22, UINT32_MAX, UINT32_MAX},
        {1 << 22, 1 << 22, 1u << 31, 32768},
    };
    struct fake_writer fake = {0};
    struct tn_process_shared shared = {.writer = fake_writer_of(&fake)};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_process *process = NULL;
        struct tn_handshake handshake = {.id.pid = getpid(), .pidfd = -1};
        struct tn_shared_header header = {
            .magic = TN_SHARED_MAGIC,
            .total_bytes = cases[i].bytes,
            .slot_count = cases[i].slots,
            .ring_words = cases[i].words,
        };
        handshake.memory_fd = memfd_create("damage", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_int_equal(pwrite(handshake.memory_fd, &header, sizeof(header), 0), sizeof(header));
        assert_int_equal(ftruncate(handshake.memory_fd, (off_t)cases[i].file_bytes), 0);
        handshake.hello.shared_bytes = cases[i].bytes;
        assert_int_equal(tn_process_create(&shared, &handshake, 0, NULL, &process), -EBADMSG);
        assert_null(process);
        close(handshake.memory_fd);
    }
    assert_int_equal(fake.processes, 0);
    fake_writer_finish(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anything_in_the_rings),
        cmocka_unit_test(test_anything_in_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
