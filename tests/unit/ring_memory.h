/* SPDX-License-Identifier: MIT */
#ifndef TN_TEST_RING_MEMORY_H
#define TN_TEST_RING_MEMORY_H

/* A process's memory with the smallest rings that there are, as its shim makes it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/ring.h"

#include <sys/mman.h>
#include <unistd.h>

#define RING_WORDS    (TN_RING_BYTES_MIN / 8)
#define CONTROL_WORDS (TN_CONTROL_BYTES_MIN / 8)

static const struct tn_shared_sizes sizes = {TN_SLOT_COUNT_MAX, RING_WORDS, CONTROL_WORDS};

static inline int make_memory(unsigned flags)
{
    struct tn_shared_header header = {
        .magic = TN_SHARED_MAGIC,
        .total_bytes = tn_shared_total_bytes(&sizes),
        .slot_count = sizes.slot_count,
        .ring_words = RING_WORDS,
        .control_words = CONTROL_WORDS,
        .slot_bound = 1,
    };
    int fd = memfd_create("rings", MFD_CLOEXEC | flags);
    assert_int_equal(ftruncate(fd, (off_t)header.total_bytes), 0);
    assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
    return fd;
}

#endif
