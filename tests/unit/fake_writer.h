/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TEST_FAKE_WRITER_H
#define TENURE_TEST_FAKE_WRITER_H

/* Stands in for lib/log under tests of the recorder: keeps what it is told, and checks the writer's contract
 * (times of a process never fall, a death is of a block that lives). */

#include "tenure/log_write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_event {
    bool is_birth;
    uint64_t id, time_ns, address, size_bytes, thread_id, stack_id, previous_id, left_depth_bytes;
    enum tn_function function;
};

#define FAKE_LINKS_MAX 32
#define FAKE_POOLS_MAX 16

struct fake_writer {
    struct fake_event *events;
    size_t count, capacity;
    uint8_t *is_dead; /* by allocation id */
    size_t id_capacity;
    uint64_t births, deaths, failures, threads, ended_threads, marks, processes, modules, mappings;
    uint64_t frames, stacks;
    uint64_t lost_events; /* over all threads */
    bool has_gaps;
    uint64_t last_ns;
    bool is_broken; /* the contract was */
    bool keeps_events;
    char last_mark[64];
    struct tn_log_link links[FAKE_LINKS_MAX]; /* the first ones, as they were set last, by row */
    uint64_t link_count;                      /* rows */
    struct tn_log_look looks[FAKE_LINKS_MAX]; /* each as it was set last */
    uint32_t look_count;
    uint64_t link_calls;                                /* that set a link or looks */
    struct tn_log_pool pools[FAKE_POOLS_MAX];           /* the first ones, as they were set last, by row */
    char pool_names[FAKE_POOLS_MAX][32];                /* "": none */
    uint64_t pool_count;                                /* rows */
    struct tn_log_pool_size pool_sizes[FAKE_POOLS_MAX]; /* each as it was set last */
    uint32_t pool_size_count;
    struct tn_log_pool_block pool_blocks[FAKE_POOLS_MAX]; /* the first ones, by row */
    uint64_t pool_deaths[FAKE_POOLS_MAX];                 /* when they were taken back; 0: they are not */
    uint64_t pool_block_count;                            /* rows */
};

/* Cast for the functions of log_write.h. */
struct tn_log_writer *fake_writer_of(struct fake_writer *fake);

void fake_writer_finish(struct fake_writer *fake);

#endif
