/* SPDX-License-Identifier: MIT */
/* The shim's slots: parts of the shared memory that are mapped one after the other without a descriptor,
 * slots that are reused, limits, and a full ring whose recorder does not work. The test is the recorder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "room.h"
#include "shared_parts.h"
#include "slots.h"
#include "sys.h"

#include "tenure/event.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOT_COUNT 700u

union tn_hot_page tn_hot_page __attribute__((aligned(TN_ARCH_PAGE_BYTES_MAX)));
struct tn_shim_process tn_shim_process;

static int memory_fd;
static unsigned stop_count;

void tn_stop(void)
{
    stop_count++;
}

static int open_memory(void **state)
{
    (void)state;
    struct tn_shared_sizes sizes = {SLOT_COUNT, TN_RING_BYTES_MIN / 8, TN_CONTROL_BYTES_MIN / 8};
    memset(&tn_hot_page, 0, sizeof(tn_hot_page));
    stop_count = 0;
    memory_fd = memfd_create("slots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory_fd < 0 || ftruncate(memory_fd, (off_t)tn_shared_total_bytes(&sizes)) < 0)
        return -1;
    tn_hot.sizes = sizes;
    if (tn_parts_open(memory_fd, &sizes, &tn_hot.header, &tn_hot.parts) != 0)
        return -1;
    tn_hot.clock = TN_CLOCK_MONOTONIC;
    tn_hot.header->slot_bound = 1;
    tn_hot.header->heartbeat = 1;
    tn_hot.header->recorder_state = TN_RECORDER_RUNNING;
    return 0;
}

static int close_memory(void **state)
{
    (void)state;
    tn_parts_close(&tn_hot.parts);
    tn_parts_drop_header(tn_hot.header);
    close(memory_fd);
    return 0;
}

/* What the file holds where the recorder looks for it. */
static uint64_t word_in_file(size_t offset)
{
    uint64_t word = 0;
    assert_int_equal(pread(memory_fd, &word, sizeof(word), (off_t)offset), sizeof(word));
    return word;
}

static struct tn_ring *claim(uint32_t tid)
{
    uint32_t why = 0;
    struct tn_ring *ring = tn_slot_claim(tid, &why);
    assert_non_null(ring);
    assert_int_equal(ring->state, TN_SLOT_CLAIMED);
    assert_int_equal(ring->tid, tid);
    return ring;
}

/* As the recorder does it (ring.h, slot rules). */
static void free_slot(uint32_t slot)
{
    struct tn_ring *ring = tn_parts_slot(&tn_hot.parts, slot);
    ring->tid = 0;
    ring->state = TN_SLOT_FREE;
    tn_hot.header->freed_slot = slot;
    tn_hot.header->freed_count++;
}

/* Every part lies in the file where the layout says, across three spans of slots. */
static void parts_lie_where_the_layout_says(void **state)
{
    (void)state;
    const struct tn_shared_sizes *sizes = &tn_hot.sizes;
    tn_hot.parts.control_words[5] = 4711;
    assert_int_equal(word_in_file(tn_shared_words_offset(sizes, TN_CONTROL_SLOT) + 5 * 8), 4711);
    for (uint32_t slot = 1; slot < SLOT_COUNT; slot++) {
        struct tn_ring *ring = claim(slot + 10000);
        uint64_t *words = (uint64_t *)(uintptr_t)ring->words_address;
        assert_int_equal(tn_hot.header->slot_bound, slot + 1);
        assert_ptr_equal(ring, tn_parts_slot(&tn_hot.parts, slot));
        words[0] = slot;
        words[sizes->ring_words - 1] = slot + 1;
        ring->head_words = slot + 2;
        size_t offset = tn_shared_words_offset(sizes, slot);
        assert_int_equal(word_in_file(offset), slot);
        assert_int_equal(word_in_file(offset + (size_t)sizes->ring_words * 8 - 8), slot + 1);
        assert_int_equal(word_in_file(tn_shared_slot_offset(slot)), slot + 2);
    }
    uint32_t why = 0;
    assert_null(tn_slot_claim(1, &why));
    assert_int_equal(why, TN_LOSS_NO_SLOT);
    assert_int_equal(tn_hot.header->slot_bound, SLOT_COUNT);
}

/* A freed slot is taken before a new one, whichever was freed, and each only once. */
static void freed_slots_are_taken_first(void **state)
{
    (void)state;
    for (uint32_t slot = 1; slot <= 300; slot++)
        claim(slot);
    free_slot(7);
    free_slot(290);
    assert_ptr_equal(claim(1001), tn_parts_slot(&tn_hot.parts, 290));
    assert_ptr_equal(claim(1002), tn_parts_slot(&tn_hot.parts, 7));
    assert_ptr_equal(claim(1003), tn_parts_slot(&tn_hot.parts, 301));
    assert_int_equal(tn_hot.header->freed_count, tn_hot.header->reused_count);
    /* One that was freed and not yet counted: it is taken once it is counted. */
    tn_parts_slot(&tn_hot.parts, 5)->state = TN_SLOT_FREE;
    assert_ptr_equal(claim(1004), tn_parts_slot(&tn_hot.parts, 302));
    tn_hot.header->freed_count++;
    assert_ptr_equal(claim(1005), tn_parts_slot(&tn_hot.parts, 5));
}

static size_t mapped_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages * tn_page_bytes;
}

/* Where the limit of address space allows no ring, none is claimed; and the same slot as soon as it does. */
static void limit_of_memory_passes(void **state)
{
    (void)state;
    struct rlimit old, low;
    uint32_t why = 0;
    claim(1);
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    low = (struct rlimit){mapped_bytes() + TN_RING_BYTES_MIN / 2, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    struct tn_ring *refused = tn_slot_claim(2, &why);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_null(refused);
    assert_int_equal(why, TN_LOSS_NO_MEMORY);
    assert_int_equal(tn_hot.header->slot_bound, 2);
    assert_ptr_equal(claim(3), tn_parts_slot(&tn_hot.parts, 2));
}

static unsigned count_mappings(void)
{
    char line[512];
    unsigned count = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        count += strstr(line, "/memfd:slots") != NULL;
    if (file != NULL)
        fclose(file);
    return count;
}

/* A fork child has its parent's header, to count in, and nothing else of it. */
static void children_inherit_the_header_only(void **state)
{
    (void)state;
    int status;
    for (uint32_t slot = 1; slot <= 300; slot++)
        claim(slot);
    assert_true(count_mappings() > 300);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tn_hot.header->children_lost[TN_CHILD_NO_MEMORY]++;
        _exit(count_mappings() == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(tn_hot.header->children_lost[TN_CHILD_NO_MEMORY], 1);
}

/* A full ring, with what the recorder's state says of waiting for it. */
static void full_ring_is_judged(void **state)
{
    (void)state;
    struct tn_ring *ring = claim(1);
    uint32_t words = tn_hot.sizes.ring_words;
    uint32_t pad;
    ring->head_words = words;
    tn_hot.header->stalled_beat = tn_hot.header->heartbeat;
    assert_false(tn_room_wait(ring, words, 4, &pad));
    assert_int_equal(stop_count, 0);
    tn_hot.header->keeper_word = TN_KEEPER_DIED;
    assert_false(tn_room_wait(ring, words, 4, &pad));
    assert_int_equal(stop_count, 1);
    tn_hot.header->keeper_word = 4711;
    tn_hot.header->recorder_state = TN_RECORDER_CLOSED;
    assert_false(tn_room_wait(ring, words, 4, &pad));
    assert_int_equal(stop_count, 2);
    /* Room is given whatever the recorder's state. */
    ring->tail_words = 4;
    assert_true(tn_room_wait(ring, words, 4, &pad));
    assert_int_equal(stop_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parts_lie_where_the_layout_says, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(freed_slots_are_taken_first, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(limit_of_memory_passes, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(children_inherit_the_header_only, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(full_ring_is_judged, open_memory, close_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
