/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/chunk.h"

#define PLAIN_EVENTS 20000

static uint64_t random_state;

/* A block, as a death must know it. */
struct block {
    uint64_t id, address, usable_size_bytes;
};

static uint64_t next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 20;
}

/* A number of up to `bits` bits, all magnitudes as likely. */
static uint64_t random_magnitude(unsigned bits)
{
    return next_random() & ((UINT64_C(1) << next_random() % (bits + 1)) - 1);
}

/* Events as most are, with ids that follow each other: loops, and now and then anything. */
static void make_plain(struct tn_plain_event *events, unsigned thread_count)
{
    static struct block live[PLAIN_EVENTS];
    size_t live_count = 0;
    uint64_t id = 0, time_ns = 1000;
    for (size_t i = 0; i < PLAIN_EVENTS; i++) {
        struct tn_plain_event *event = &events[i];
        bool is_loop = next_random() % 8 != 0;
        time_ns += is_loop ? next_random() % 150 : random_magnitude(40);
        *event = (struct tn_plain_event){.time_ns = time_ns,
                                         .thread_id = 1 + (uint32_t)(i / 64 % thread_count),
                                         .stack_id = (uint32_t)(is_loop ? i % 6 : next_random() % 3000),
                                         .depth_bytes = is_loop ? 640 : (uint32_t)random_magnitude(20)};
        event->is_birth = live_count == 0 || (is_loop ? i % 2 == 0 : next_random() % 2 == 0);
        event->function = event->is_birth ? TN_FUNCTION_MALLOC : TN_FUNCTION_FREE;
        if (!event->is_birth) {
            size_t which = is_loop ? live_count - 1 : next_random() % live_count;
            event->allocation_id = live[which].id;
            event->address = live[which].address;
            event->size_class = (uint8_t)tn_log_size_class(live[which].usable_size_bytes);
            live[which] = live[--live_count];
            continue;
        }
        event->allocation_id = ++id;
        event->size_bytes = (uint32_t)(is_loop ? 24 + i % 6 * 16 : random_magnitude(32));
        event->excess_bytes = is_loop ? 0 : (uint32_t)random_magnitude(12);
        event->address = is_loop ? 0x555500000000 + i % 6 * 256 : random_magnitude(48);
        uint64_t usable_size_bytes = (uint64_t)event->size_bytes + event->excess_bytes;
        event->size_class = (uint8_t)tn_log_size_class(usable_size_bytes);
        live[live_count++] = (struct block){id, event->address, usable_size_bytes};
    }
}

static void add_one_by_one(struct tn_pack *pack, const struct tn_plain_event *event)
{
    struct tn_birth birth = {.thread_id = event->thread_id,
                             .stack_id = event->stack_id,
                             .time_ns = event->time_ns,
                             .size_bytes = event->size_bytes,
                             .usable_size_bytes = (uint64_t)event->size_bytes + event->excess_bytes,
                             .address = event->address,
                             .depth_bytes = event->depth_bytes,
                             .function = (enum tn_function)event->function};
    struct tn_death death = {.allocation_id = event->allocation_id,
                             .thread_id = event->thread_id,
                             .stack_id = event->stack_id,
                             .time_ns = event->time_ns,
                             .depth_bytes = event->depth_bytes,
                             .function = (enum tn_function)event->function,
                             .address = event->address,
                             .size_class = event->size_class};
    int r = event->is_birth ? tn_pack_birth(pack, &birth, event->allocation_id) : tn_pack_death(pack, &death);
    assert_int_equal(r, 0);
}

/* Read a chunk to its end. Returns 0, or the error that it met. */
static int read_all(struct tn_unpack *unpack, const struct tn_chunk *chunk)
{
    int r = tn_unpack_open(unpack, chunk);
    struct tn_log_event events[7];
    while (r >= 0 && (r = tn_unpack_read(unpack, events, 7)) > 0)
        continue;
    assert_int_equal(tn_unpack_read(unpack, events, 7), r);
    return r;
}

/* What many events at once make is what each alone makes, and can be read. */
static void test_plain_events_make_the_same_chunk(void **state)
{
    (void)state;
    static struct tn_plain_event events[PLAIN_EVENTS];
    struct tn_unpack *unpack = tn_unpack_create();
    struct tn_compressor *compressor = tn_compressor_create();
    random_state = 5;
    for (unsigned thread_count = 1; thread_count <= 3; thread_count++) {
        struct tn_pack *one = tn_pack_create(7), *many = tn_pack_create(7);
        struct tn_chunk a, b;
        uint64_t next_id = 1;
        make_plain(events, thread_count);
        for (size_t i = 0, count; i < PLAIN_EVENTS; i += count) {
            count = 1 + next_random() % 300;
            count = count < PLAIN_EVENTS - i ? count : PLAIN_EVENTS - i;
            assert_int_equal(tn_pack_batch(many, events + i, (uint32_t)count, next_id), 0);
            for (size_t k = i; k < i + count; k++) {
                add_one_by_one(one, &events[k]);
                next_id += events[k].is_birth;
            }
        }
        assert_int_equal(tn_pack_compress(one, compressor, &a), 0);
        assert_int_equal(tn_pack_compress(many, compressor, &b), 0);
        assert_int_equal(a.checksum, b.checksum);
        assert_string_equal(a.codec, b.codec);
        assert_int_equal(read_all(unpack, &b), 0);
        tn_pack_destroy(one);
        tn_pack_destroy(many);
    }
    tn_compressor_destroy(compressor);
    tn_unpack_destroy(unpack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_events_make_the_same_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
