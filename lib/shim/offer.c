/* SPDX-License-Identifier: MIT */

/* Makes the shared memory of a process: a sparse file without a name, whose size costs nothing, and of which
 * only what is used gets mapped. Called by shim_session.c. */

#include "offer.h"

#include "shared_parts.h"
#include "sys.h"
#include "ticks.h"

#include "tenure/session.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "banned.h"

/* Fewer slots than this are had only with the smallest rings. */
#define SLOT_COUNT_WANTED 64u

static void set_ring_bytes(struct tn_shared_sizes *sizes, uint32_t ring_bytes)
{
    uint32_t control_bytes = ring_bytes > TN_CONTROL_BYTES_MIN ? ring_bytes : TN_CONTROL_BYTES_MIN;
    *sizes = (struct tn_shared_sizes){TN_SLOT_COUNT_MAX, ring_bytes / 8, control_bytes / 8};
}

/* Choose as many slots as fit. Returns whether any do. */
static bool fit_slots(struct tn_shared_sizes *sizes, uint64_t limit_bytes)
{
    while (sizes->slot_count > 2 && tn_shared_total_bytes(sizes) > limit_bytes)
        sizes->slot_count -= sizes->slot_count > 16 ? sizes->slot_count / 8 : 1;
    return tn_shared_total_bytes(sizes) <= limit_bytes;
}

/* Choose the sizes: rings as the options say, smaller ones where only few would fit. */
static bool choose_sizes(struct tn_shared_sizes *sizes, uint64_t limit_bytes)
{
    uint32_t ring_bytes = tn_shim_process.options.ring_bytes;
    for (;;) {
        set_ring_bytes(sizes, ring_bytes);
        bool has_any = fit_slots(sizes, limit_bytes);
        if ((has_any && sizes->slot_count >= SLOT_COUNT_WANTED) || ring_bytes == TN_RING_BYTES_MIN)
            return has_any;
        ring_bytes /= 2;
    }
}

/* Give the file its size. The kernel would send a signal for one beyond the limit of file sizes; so that is
 * lifted meanwhile, as far as the process may. */
static int set_size(int fd, struct tn_shared_sizes *sizes)
{
    struct rlimit64 limit = {RLIM64_INFINITY, RLIM64_INFINITY};
    tn_sys4(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit);
    if (!choose_sizes(sizes, limit.rlim_max))
        return -EFBIG;
    const struct rlimit64 lifted = {limit.rlim_max, limit.rlim_max};
    bool is_low = tn_shared_total_bytes(sizes) > limit.rlim_cur;
    if (is_low)
        tn_sys4(SYS_prlimit64, 0, RLIMIT_FSIZE, (long)&lifted, 0);
    long result = tn_sys2(SYS_ftruncate, fd, (long)tn_shared_total_bytes(sizes));
    if (is_low)
        tn_sys4(SYS_prlimit64, 0, RLIMIT_FSIZE, (long)&limit, 0);
    return (int)result;
}

static void fill_header(struct tn_shared_header *header, const struct tn_shared_sizes *sizes)
{
    header->magic = TN_SHARED_MAGIC;
    header->total_bytes = tn_shared_total_bytes(sizes);
    header->slot_count = sizes->slot_count;
    header->ring_words = sizes->ring_words;
    header->control_words = sizes->control_words;
    header->slot_bound = 1;
    header->pid = (uint32_t)tn_sys0(SYS_getpid);
    bool is_system = tn_shim_process.options.has_system_clock || !tn_arch_ticks_are_constant();
    header->clock = is_system ? TN_CLOCK_MONOTONIC : TN_ARCH_CLOCK;
    header->start_ticks = header->clock == TN_ARCH_CLOCK ? tn_arch_ticks() : tn_ticks_monotonic();
    header->stack_depth = tn_shim_process.options.depth_max;
}

int tn_offer_make(struct tn_offer *offer)
{
    long fd = tn_sys2(SYS_memfd_create, (long)TN_MEMFD_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return (int)fd;
    int result = set_size((int)fd, &offer->sizes);
    if (result == 0)
        result = tn_parts_open((int)fd, &offer->sizes, &offer->header, &offer->parts);
    if (result < 0) {
        tn_sys1(SYS_close, fd);
        return result;
    }
    offer->fd = (int)fd;
    fill_header(offer->header, &offer->sizes);
    return 0;
}

void tn_offer_drop(struct tn_offer *offer)
{
    tn_parts_close(&offer->parts);
    tn_parts_drop_header(offer->header);
    tn_sys1(SYS_close, offer->fd);
}

void tn_offer_accept(struct tn_offer *offer)
{
    tn_hot.header = offer->header;
    tn_hot.parts = offer->parts;
    tn_hot.sizes = offer->sizes;
    tn_hot.clock = offer->header->clock;
    tn_hot.pid = offer->header->pid;
    tn_hot.last_stack_id = 0;
    /* The control ring is never free. */
    atomic_store_explicit(&tn_parts_slot(&tn_hot.parts, TN_CONTROL_SLOT)->state, TN_SLOT_CLAIMED,
                          memory_order_relaxed);
    tn_shim_process.pid = offer->header->pid;
    tn_sys1(SYS_close, offer->fd);
}
