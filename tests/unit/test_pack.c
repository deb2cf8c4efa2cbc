/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/chunk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 60000

/* What went in, to compare with what comes out. */
static struct tn_log_event expected[EVENTS_MAX];
static uint64_t random_state;

/* A block, as a death must know it. */
struct block {
    uint64_t id, address, usable_size_bytes;
};

static struct block dying[EVENTS_MAX]; /* beside the deaths in expected */
static struct block last_dead;

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

static void add_birth(struct tn_pack *pack, const struct tn_log_event *event)
{
    struct tn_birth birth = {
        .process_id = event->process_id,
        .thread_id = event->thread_id,
        .stack_id = event->stack_id,
        .time_ns = event->time_ns,
        .size_bytes = event->size_bytes,
        .usable_size_bytes = event->usable_size_bytes,
        .alignment_bytes = event->alignment_bytes,
        .address = event->address,
        .depth_bytes = event->depth_bytes,
        .previous_id = event->previous_id,
        .function = event->function,
        .left_depth_bytes = event->left_depth_bytes,
    };
    assert_int_equal(tn_pack_birth(pack, &birth, event->allocation_id), 0);
}

static void add_death(struct tn_pack *pack, const struct tn_log_event *event)
{
    const struct block *block = &dying[event - expected];
    struct tn_death death = {
        .process_id = event->process_id,
        .allocation_id = event->allocation_id,
        .thread_id = event->thread_id,
        .stack_id = event->stack_id,
        .time_ns = event->time_ns,
        .depth_bytes = event->depth_bytes,
        .function = event->function,
        .left_depth_bytes = event->left_depth_bytes,
        .address = block->address,
        .size_class = tn_log_size_class(block->usable_size_bytes),
    };
    assert_int_equal(tn_pack_death(pack, &death), 0);
}

static void assert_same_event(const struct tn_log_event *a, const struct tn_log_event *b)
{
    assert_int_equal(a->is_birth, b->is_birth);
    assert_int_equal(a->function, b->function);
    assert_int_equal(a->allocation_id, b->allocation_id);
    assert_int_equal(a->process_id, b->process_id);
    assert_int_equal(a->thread_id, b->thread_id);
    assert_int_equal(a->stack_id, b->stack_id);
    assert_int_equal(a->time_ns, b->time_ns);
    assert_int_equal(a->depth_bytes, b->depth_bytes);
    assert_int_equal(a->left_depth_bytes, b->left_depth_bytes);
    assert_int_equal(a->size_bytes, b->size_bytes);
    assert_int_equal(a->usable_size_bytes, b->usable_size_bytes);
    assert_int_equal(a->alignment_bytes, b->alignment_bytes);
    assert_int_equal(a->address, b->address);
    assert_int_equal(a->previous_id, b->previous_id);
}

/* The births alone, with and without times, are those of expected[], but for what is not read of them. */
static void assert_same_births(struct tn_unpack *unpack, const struct tn_chunk *chunk, size_t count,
                               bool has_times)
{
    struct tn_log_event births[3];
    int left = 0;
    assert_int_equal(tn_unpack_open_births(unpack, chunk, has_times), 0);
    for (size_t i = 0, at = 0; i < count; i++) {
        if (!expected[i].is_birth)
            continue;
        if (left == 0) {
            at = 0;
            left = tn_unpack_read_births(unpack, births, 3);
            assert_in_range(left, 1, 3);
        }
        struct tn_log_event wanted = expected[i];
        wanted.address = wanted.previous_id = wanted.left_depth_bytes = 0;
        wanted.time_ns = has_times ? wanted.time_ns : 0;
        assert_same_event(&births[at++], &wanted);
        left--;
    }
    assert_int_equal(left, 0);
    assert_int_equal(tn_unpack_read_births(unpack, births, 3), 0);
}

/* Pack expected[0 .. count-1], unpack, compare each field. Returns the bytes of the chunk. */
static size_t round_trip(struct tn_pack *pack, struct tn_unpack *unpack, size_t count)
{
    uint64_t births = 0, birth_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (expected[i].is_birth)
            add_birth(pack, &expected[i]);
        else
            add_death(pack, &expected[i]);
        births += expected[i].is_birth;
        birth_bytes += expected[i].size_bytes;
    }
    struct tn_chunk chunk;
    struct tn_compressor *compressor = tn_compressor_create();
    assert_int_equal(tn_pack_compress(pack, compressor, &chunk), 0);
    tn_compressor_destroy(compressor);
    assert_int_equal(chunk.births, births);
    assert_int_equal(chunk.deaths, count - births);
    assert_int_equal(chunk.birth_bytes, birth_bytes);
    assert_int_equal(chunk.first_ns, expected[0].time_ns);
    assert_int_equal(chunk.last_ns, expected[count - 1].time_ns);
    assert_int_equal(tn_unpack_open(unpack, &chunk), 0);
    for (size_t i = 0; i < count; i++) {
        struct tn_log_event event;
        assert_int_equal(tn_unpack_read(unpack, &event, 1), 1);
        assert_same_event(&event, &expected[i]);
    }
    struct tn_log_event after;
    assert_int_equal(tn_unpack_read(unpack, &after, 1), 0);
    assert_same_births(unpack, &chunk, count, true);
    assert_same_births(unpack, &chunk, count, false);
    assert_int_equal(tn_pack_count(pack), 0);
    return chunk.data_bytes;
}

/* A random event after expected[i - 1]; live blocks are kept in live[]. */
static void make_event(size_t i, struct block *live, size_t *live_count, uint64_t *last_id)
{
    struct tn_log_event *event = &expected[i];
    *event = (struct tn_log_event){.process_id = 7};
    event->is_birth = *live_count == 0 || next_random() % 5 < 3;
    event->thread_id = 1 + next_random() % 3;
    event->stack_id = next_random() % 3 == 0 ? next_random() & UINT32_MAX : next_random() % 40;
    event->time_ns = (i != 0 ? expected[i - 1].time_ns : 1000) + random_magnitude(40);
    event->depth_bytes = random_magnitude(48);
    event->left_depth_bytes = next_random() % 4 == 0 ? random_magnitude(48) : 0;
    event->function = (enum tn_function)(next_random() % TN_FUNCTION_COUNT);
    if (!event->is_birth) {
        size_t which = next_random() % *live_count;
        event->allocation_id = live[which].id;
        last_dead = dying[i] = live[which];
        live[which] = live[--*live_count];
        return;
    }
    event->allocation_id = *last_id += 1 + (next_random() % 4 == 0 ? random_magnitude(20) : 0);
    event->size_bytes = random_magnitude(47);
    event->usable_size_bytes = event->size_bytes + random_magnitude(12);
    event->alignment_bytes = next_random() % 9 == 0 ? random_magnitude(21) : 0;
    event->address = next_random() % 7 == 0 ? random_magnitude(48) : (random_magnitude(44) << 4);
    if (next_random() % 2 == 0 && last_dead.address != 0) { /* what has died makes room */
        event->usable_size_bytes = last_dead.usable_size_bytes;
        event->size_bytes = next_random() % (last_dead.usable_size_bytes + 1);
        event->address = last_dead.address;
    }
    event->previous_id = next_random() % 4 == 0 ? next_random() % event->allocation_id : 0;
    live[(*live_count)++] = (struct block){event->allocation_id, event->address, event->usable_size_bytes};
}

static void test_random_events(void **state)
{
    (void)state;
    struct tn_pack *pack = tn_pack_create(7);
    struct tn_unpack *unpack = tn_unpack_create();
    struct block *live = calloc(EVENTS_MAX, sizeof(live[0]));
    for (unsigned seed = 1; seed <= 12; seed++) {
        random_state = seed;
        /* Blocks that stay live go into the next chunk, as deaths of older blocks. */
        static size_t live_count;
        static uint64_t last_id;
        if (seed == 1)
            live_count = last_id = 0;
        size_t count = seed == 12 ? 4000 : 1 + next_random() % 4000;
        for (size_t i = 0; i < count; i++)
            make_event(i, live, &live_count, &last_id);
        round_trip(pack, unpack, count);
    }
    free(live);
    tn_unpack_destroy(unpack);
    tn_pack_destroy(pack);
}

static void test_edge_values(void **state)
{
    (void)state;
    const uint64_t top = (UINT64_C(1) << 56) - 1;
    const uint64_t edges[] = {0, 1, 126, 127, 128, 253, 254, 255, 256, 381, 382, 16383, UINT32_MAX, top};
    size_t count = 0;
    uint64_t id = 1;
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        for (size_t k = 0; k < sizeof(edges) / sizeof(edges[0]); k++) {
            expected[count] = (struct tn_log_event){
                .is_birth = true,
                .process_id = 7,
                .thread_id = edges[k],
                .stack_id = edges[i] & UINT32_MAX,
                .allocation_id = id,
                .time_ns = (count != 0 ? expected[count - 1].time_ns : 0) + (edges[i] >> 8),
                .depth_bytes = edges[k],
                .size_bytes = edges[i],
                .usable_size_bytes = edges[i] > edges[k] ? edges[i] : edges[k],
                .alignment_bytes = edges[(i + k) % 14],
                .address = edges[i],
                .previous_id = id - 1,
                .function = TN_FUNCTION_REALLOC,
            };
            count++;
            id += 1 + edges[k] / 1000;
        }
    }
    for (size_t i = 0; i < 20; i++) {
        expected[count] = (struct tn_log_event){.process_id = 7,
                                                .allocation_id = expected[i * 7].allocation_id,
                                                .time_ns = expected[count - 1].time_ns,
                                                .function = TN_FUNCTION_FREE};
        dying[count] = (struct block){expected[i * 7].allocation_id, expected[i * 7].address,
                                      expected[i * 7].usable_size_bytes};
        count++;
    }
    struct tn_pack *pack = tn_pack_create(7);
    struct tn_unpack *unpack = tn_unpack_create();
    round_trip(pack, unpack, count);
    tn_unpack_destroy(unpack);
    tn_pack_destroy(pack);
}

/* A loop as programs have it: three sites in turn, each freed before the next. */
static void test_a_loop_packs_small(void **state)
{
    (void)state;
    for (size_t i = 0; i < 40000; i++) {
        size_t n = i / 2;
        expected[i] = (struct tn_log_event){
            .is_birth = i % 2 == 0,
            .process_id = 7,
            .thread_id = 1,
            .stack_id = 10 + n % 3 + (i % 2) * 10,
            .allocation_id = n + 1,
            .time_ns = 50 * i,
            .depth_bytes = 640,
            .function = i % 2 == 0 ? TN_FUNCTION_MALLOC : TN_FUNCTION_FREE,
        };
        if (i % 2 != 0) {
            dying[i] = (struct block){n + 1, expected[i - 1].address, expected[i - 1].usable_size_bytes};
            continue;
        }
        expected[i].size_bytes = 20 + 30 * (n % 3);
        expected[i].usable_size_bytes = expected[i].size_bytes + 4;
        expected[i].address = 0x555500001000 + 256 * (n % 3);
    }
    struct tn_pack *pack = tn_pack_create(7);
    struct tn_unpack *unpack = tn_unpack_create();
    size_t data_bytes = round_trip(pack, unpack, 40000);
    assert_true(data_bytes < 1000); /* 20,000 allocations: all but the first few come as predicted */
    tn_unpack_destroy(unpack);
    tn_pack_destroy(pack);
}

static void test_bad_fields_are_refused(void **state)
{
    (void)state;
    struct tn_pack *pack = tn_pack_create(7);
    struct tn_birth good = {.size_bytes = 8, .usable_size_bytes = 24, .address = 4096};
    struct tn_birth bad[5] = {good, good, good, good, good};
    bad[0].usable_size_bytes = 7;
    bad[1].address = UINT64_C(1) << 56;
    bad[2].stack_id = UINT64_C(1) << 32;
    bad[3].previous_id = 5;
    bad[4].depth_bytes = UINT64_MAX;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(tn_pack_birth(pack, &bad[i], 5), -EINVAL);
    struct tn_chunk chunk;
    struct tn_compressor *compressor = tn_compressor_create();
    assert_int_equal(tn_pack_compress(pack, compressor, &chunk), -ENODATA);
    tn_compressor_destroy(compressor);
    tn_pack_destroy(pack);
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

/* A block, its death with what the caller says of it, and a block at the same address. Returns what a reader
 * says. */
static int read_after_death(uint64_t said_address, uint32_t said_class)
{
    struct tn_pack *pack = tn_pack_create(7);
    struct tn_unpack *unpack = tn_unpack_create();
    struct tn_birth birth = {.size_bytes = 100, .usable_size_bytes = 104, .address = 4096};
    struct tn_death death = {.allocation_id = 1, .address = said_address, .size_class = said_class};
    assert_int_equal(tn_pack_birth(pack, &birth, 1), 0);
    assert_int_equal(tn_pack_death(pack, &death), 0);
    birth.address = 8192;
    assert_int_equal(tn_pack_birth(pack, &birth, 2), 0);
    struct tn_chunk chunk;
    struct tn_compressor *compressor = tn_compressor_create();
    assert_int_equal(tn_pack_compress(pack, compressor, &chunk), 0);
    int r = read_all(unpack, &chunk);
    tn_compressor_destroy(compressor);
    tn_unpack_destroy(unpack);
    tn_pack_destroy(pack);
    return r;
}

static void test_a_death_of_another_address(void **state)
{
    (void)state;
    assert_int_equal(read_after_death(4096, 6), 0);
    assert_int_equal(read_after_death(8192, 6), -EBADMSG); /* else the reader would say 4096 of the second */
    assert_int_equal(read_after_death(8192, 7), 0);        /* nothing was made of it */
}

static void test_damage_is_found(void **state)
{
    (void)state;
    struct tn_pack *pack = tn_pack_create(7);
    struct tn_unpack *unpack = tn_unpack_create();
    struct block live[512];
    uint64_t last_id = 0;
    size_t live_count = 0;
    random_state = 99;
    for (size_t i = 0; i < 500; i++) {
        make_event(i, live, &live_count, &last_id);
        if (expected[i].is_birth)
            add_birth(pack, &expected[i]);
        else
            add_death(pack, &expected[i]);
    }
    struct tn_chunk chunk;
    struct tn_compressor *compressor = tn_compressor_create();
    assert_int_equal(tn_pack_compress(pack, compressor, &chunk), 0);
    assert_int_equal(read_all(unpack, &chunk), 0);
    uint8_t *data = malloc(chunk.data_bytes);
    for (size_t i = 0; i < chunk.data_bytes; i++) {
        memcpy(data, chunk.data, chunk.data_bytes);
        data[i] ^= (uint8_t)(1 + i % 255);
        struct tn_chunk bad = chunk;
        bad.data = data;
        assert_int_equal(read_all(unpack, &bad), -EBADMSG);
        /* With a checksum that fits, too, nothing may be read out of bounds; the content may be wrong. */
        bad.checksum = tn_chunk_checksum(data, chunk.data_bytes);
        int r = read_all(unpack, &bad);
        assert_true(r == 0 || r == -EBADMSG);
    }
    struct tn_chunk bad = chunk;
    bad.births++;
    assert_int_equal(read_all(unpack, &bad), -EBADMSG);
    bad = chunk;
    bad.last_ns++;
    assert_int_equal(read_all(unpack, &bad), -EBADMSG);
    const char *const codecs[] = {"",
                                  "op",
                                  "op:raw",
                                  "op:raw:1",
                                  "op:raw:1:",
                                  "op:raw:1:99999999",
                                  "op:lzma:5:5",
                                  "op:raw:99999999999999999999:1",
                                  "op:raw:5:6 time:raw:1:1"};
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        bad = chunk;
        bad.codec = codecs[i];
        assert_int_equal(read_all(unpack, &bad), -EBADMSG);
    }
    free(data);
    tn_compressor_destroy(compressor);
    tn_unpack_destroy(unpack);
    tn_pack_destroy(pack);
}

/* What is refused leaves no trace, neither as the first event nor later. */
static void test_refused_events_leave_no_trace(void **state)
{
    (void)state;
    struct tn_pack *pack = tn_pack_create(7);
    struct tn_unpack *unpack = tn_unpack_create();
    struct tn_birth good = {.size_bytes = 8, .usable_size_bytes = 24, .address = 4096, .time_ns = 50};
    struct tn_birth bad = good;
    bad.time_ns = 1;
    bad.stack_id = UINT64_C(1) << 32;
    struct tn_death unknown = {.allocation_id = 2, .time_ns = 60};
    assert_int_equal(tn_pack_birth(pack, &bad, 1), -EINVAL);
    assert_int_equal(tn_pack_birth(pack, &good, 1), 0);
    assert_int_equal(tn_pack_birth(pack, &bad, 2), -EINVAL);
    assert_int_equal(tn_pack_death(pack, &unknown), -EINVAL);
    struct tn_chunk chunk;
    struct tn_compressor *compressor = tn_compressor_create();
    assert_int_equal(tn_pack_compress(pack, compressor, &chunk), 0);
    assert_int_equal(chunk.first_ns, 50);
    assert_int_equal(chunk.births + chunk.deaths, 1);
    assert_int_equal(read_all(unpack, &chunk), 0);
    tn_compressor_destroy(compressor);
    tn_unpack_destroy(unpack);
    tn_pack_destroy(pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_events_leave_no_trace),
        cmocka_unit_test(test_random_events),
        cmocka_unit_test(test_edge_values),
        cmocka_unit_test(test_a_loop_packs_small),
        cmocka_unit_test(test_bad_fields_are_refused),
        cmocka_unit_test(test_damage_is_found),
        cmocka_unit_test(test_a_death_of_another_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
