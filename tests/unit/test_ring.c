/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/event_body.h"
#include "tenure/ring.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define RING_WORDS 1024u

struct bench {
    struct tn_ring ring;
    uint64_t words[RING_WORDS];
};

static int open_bench(void **state)
{
    struct bench *bench = aligned_alloc(TN_CACHE_LINE, sizeof(struct bench));
    if (bench == NULL)
        return -1;
    memset(bench, 0, sizeof(*bench));
    *state = bench;
    return 0;
}

static int close_bench(void **state)
{
    free(*state);
    return 0;
}

/* Write an event of so many words, all but the first holding number. Returns whether there was room. */
static bool put(struct bench *bench, uint32_t words, uint64_t number)
{
    uint32_t pad;
    if (!tn_ring_has_room(&bench->ring, RING_WORDS, words, &pad))
        return false;
    uint64_t *event = tn_ring_reserve(&bench->ring, bench->words, RING_WORDS, pad);
    event[0] = tn_event_head(TN_EVENT_BIRTH, words, TN_FUNCTION_MALLOC, 0, (uint32_t)number);
    for (uint32_t i = 1; i < words; i++)
        event[i] = number;
    tn_ring_commit(&bench->ring, pad + words);
    return true;
}

/* Take the next event. Returns its words, 0 when there is none, or an error. */
static int take(struct bench *bench, uint64_t *ret_number)
{
    const uint64_t *event;
    uint64_t cursor = atomic_load(&bench->ring.tail_words);
    uint64_t head = atomic_load_explicit(&bench->ring.head_words, memory_order_acquire);
    int words = tn_ring_peek(bench->words, RING_WORDS, &cursor, head, &event);
    if (words <= 0)
        return words;
    for (int i = 2; i < words; i++)
        if (event[i] != event[1])
            return -EILSEQ;
    *ret_number = event[1];
    tn_ring_release(&bench->ring, cursor + (uint64_t)words);
    tn_ring_wake(&bench->ring);
    return words;
}

static void events_come_out_as_they_went_in(void **state)
{
    struct bench *bench = *state;
    uint64_t number = 0;
    assert_int_equal(take(bench, &number), 0);
    assert_true(put(bench, 4, 11));
    assert_true(put(bench, 2, 12));
    assert_int_equal(take(bench, &number), 4);
    assert_int_equal(number, 11);
    assert_int_equal(take(bench, &number), 2);
    assert_int_equal(number, 12);
    assert_int_equal(take(bench, &number), 0);
}

static void no_event_wraps(void **state)
{
    struct bench *bench = *state;
    uint64_t number = 0;
    /* 7 does not divide 1024: each time round there is another rest to be padded. */
    for (uint64_t i = 1; i <= 10000; i++) {
        assert_true(put(bench, 7, i));
        assert_int_equal(take(bench, &number), 7);
        assert_int_equal(number, i);
    }
    assert_true(atomic_load(&bench->ring.head_words) > 70000);
}

static void full_ring_refuses_until_room_is_given_back(void **state)
{
    struct bench *bench = *state;
    uint64_t number = 0;
    uint64_t count = 0;
    while (put(bench, 8, count + 1))
        count++;
    assert_int_equal(count, RING_WORDS / 8);
    assert_int_equal(take(bench, &number), 8);
    assert_true(put(bench, 8, 1000));
    assert_false(put(bench, 8, 1001));
}

static void nonsense_is_refused(void **state)
{
    struct bench *bench = *state;
    const uint64_t *event;
    uint64_t cursor = 0;
    bench->words[0] = 0; /* no length */
    assert_int_equal(tn_ring_peek(bench->words, RING_WORDS, &cursor, 4, &event), -EBADMSG);
    bench->words[0] = tn_event_head(TN_EVENT_BIRTH, 5, TN_FUNCTION_MALLOC, 0, 1); /* past the head */
    assert_int_equal(tn_ring_peek(bench->words, RING_WORDS, &cursor, 4, &event), -EBADMSG);
    cursor = RING_WORDS - 2;
    bench->words[RING_WORDS - 2] =
        tn_event_head(TN_EVENT_BIRTH, 4, TN_FUNCTION_MALLOC, 0, 1); /* past the end */
    assert_int_equal(tn_ring_peek(bench->words, RING_WORDS, &cursor, RING_WORDS + 8, &event), -EBADMSG);
}

static void heads_hold_their_parts(void **state)
{
    (void)state;
    uint64_t head =
        tn_event_head(TN_EVENT_STACK, TN_EVENT_WORDS_MAX, TN_FUNCTION_DELETE_ARRAY, 0x3f, UINT32_MAX);
    assert_int_equal(tn_event_kind_of(head), TN_EVENT_STACK);
    assert_int_equal(tn_event_words_of(head), TN_EVENT_WORDS_MAX);
    assert_int_equal(tn_event_function_of(head), TN_FUNCTION_DELETE_ARRAY);
    assert_int_equal(tn_event_flags_of(head), 0x3f);
    assert_int_equal(tn_event_stack_of(head), UINT32_MAX);
}

static void large_frames_escape(void **state)
{
    (void)state;
    static const struct {
        uint64_t frame_bytes;
        uint32_t words;
    } frames[] = {{0, 1}, {48, 1}, {0xfffe * 8, 1}, {0xffff * 8, 2}, {47, 2}, {(uint64_t)-64, 2}};
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        uint64_t words[2];
        assert_int_equal(tn_frame_put(words, 0x401000, frames[i].frame_bytes), frames[i].words);
        assert_int_equal(tn_frame_words(words[0]), frames[i].words);
        assert_int_equal(tn_frame_get(words).pc, 0x401000);
        assert_int_equal(tn_frame_get(words).frame_bytes, frames[i].frame_bytes);
    }
}

static void mapping_is_checked(void **state)
{
    (void)state;
    struct tn_shared_header header = {
        .magic = TN_SHARED_MAGIC,
        .slot_count = 64,
        .ring_words = TN_RING_BYTES_MIN / 8,
        .control_words = TN_CONTROL_BYTES_MIN / 8,
    };
    struct tn_shared_sizes sizes = tn_shared_sizes_of(&header);
    header.total_bytes = tn_shared_total_bytes(&sizes);
    assert_int_equal(tn_shared_check(&header, header.total_bytes), 0);
    assert_int_equal(tn_shared_check(&header, header.total_bytes - 4096), -EBADMSG);
    header.ring_words++;
    assert_int_equal(tn_shared_check(&header, header.total_bytes), -EBADMSG);
    header.ring_words--;
    header.control_words /= 2;
    assert_int_equal(tn_shared_check(&header, header.total_bytes), -EBADMSG);
    header.control_words *= 2;
    header.slot_count = 1;
    assert_int_equal(tn_shared_check(&header, header.total_bytes), -EBADMSG);
    header.slot_count = 64;
    header.magic++;
    assert_int_equal(tn_shared_check(&header, header.total_bytes), -EBADMSG);
}

/* Every part begins where any page size lets it be mapped, and none overlaps the next. */
static void parts_lie_apart(void **state)
{
    (void)state;
    static const struct tn_shared_sizes cases[] = {
        {2, TN_RING_BYTES_MIN / 8, TN_CONTROL_BYTES_MIN / 8},
        {257, TN_RING_BYTES_DEFAULT / 8, TN_CONTROL_BYTES_MIN / 8},
        {TN_SLOT_COUNT_MAX, TN_RING_BYTES_MAX / 8, TN_RING_BYTES_MAX / 8},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tn_shared_sizes *sizes = &cases[i];
        size_t end = tn_shared_slot_offset(sizes->slot_count);
        for (uint32_t slot = 0; slot < sizes->slot_count; slot++) {
            size_t offset = tn_shared_words_offset(sizes, slot);
            assert_true(offset >= end && offset - end < TN_SHARED_ALIGN_BYTES);
            assert_int_equal(offset % TN_SHARED_ALIGN_BYTES, 0);
            end = offset + (size_t)tn_shared_words_of(sizes, slot) * 8;
        }
        assert_int_equal(tn_shared_total_bytes(sizes), end);
    }
}

static void recorder_is_judged(void **state)
{
    (void)state;
    struct tn_shared_header header = {.keeper_word = 4711, .recorder_state = TN_RECORDER_RUNNING};
    tn_shared_beat(&header);
    assert_false(tn_shared_is_orphaned(&header));
    assert_false(tn_shared_is_stalled(&header));
    header.stalled_beat = header.heartbeat;
    assert_true(tn_shared_is_stalled(&header));
    tn_shared_beat(&header);
    assert_false(tn_shared_is_stalled(&header));
    header.heartbeat = UINT32_MAX;
    tn_shared_beat(&header);
    assert_int_equal(header.heartbeat, 1);
    header.recorder_state = TN_RECORDER_CLOSED;
    assert_true(tn_shared_is_orphaned(&header));
    header.recorder_state = TN_RECORDER_RUNNING;
    header.keeper_word = FUTEX_OWNER_DIED;
    assert_true(tn_shared_is_orphaned(&header));
    header.keeper_word = FUTEX_WAITERS | 4711;
    assert_false(tn_shared_is_orphaned(&header));
}

#define TRAVEL_COUNT 300000u

static void *produce(void *context)
{
    struct bench *bench = context;
    for (uint64_t i = 1; i <= TRAVEL_COUNT; i++)
        while (!put(bench, 2 + (uint32_t)(i % 9), i))
            sched_yield();
    return NULL;
}

static void two_threads_agree(void **state)
{
    struct bench *bench = *state;
    pthread_t producer;
    uint64_t expected = 1;
    assert_int_equal(pthread_create(&producer, NULL, produce, bench), 0);
    while (expected <= TRAVEL_COUNT) {
        uint64_t number = 0;
        int words = take(bench, &number);
        if (words == 0) {
            sched_yield();
            continue;
        }
        assert_int_equal(words, 2 + (int)(expected % 9));
        assert_int_equal(number, expected);
        expected++;
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_int_equal(atomic_load(&bench->ring.head_words), atomic_load(&bench->ring.tail_words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_come_out_as_they_went_in, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(no_event_wraps, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(full_ring_refuses_until_room_is_given_back, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(nonsense_is_refused, open_bench, close_bench),
        cmocka_unit_test(heads_hold_their_parts),
        cmocka_unit_test(large_frames_escape),
        cmocka_unit_test(mapping_is_checked),
        cmocka_unit_test(parts_lie_apart),
        cmocka_unit_test(recorder_is_judged),
        cmocka_unit_test_setup_teardown(two_threads_agree, open_bench, close_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
