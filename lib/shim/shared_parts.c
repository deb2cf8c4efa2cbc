/* SPDX-License-Identifier: MIT */

/* Maps parts of the shared memory. Invariant: a seed is a mapped page of the file, the first of the part that
 * is mapped next; so each part is mapped from the one before, in ascending order. Called by shim_session.c at
 * the start, and by slots.c when a thread needs a slot that was never used. */

#include "shared_parts.h"

#include "sys.h"

#include <errno.h>
#include <sys/mman.h>

#include "banned.h"

/* Rings that are mapped at the start where no mapping can be made from another: as many threads get one. */
#define RINGS_AT_START 64u

static bool is_error(long result)
{
    return result < 0 && result > -4096;
}

/* What fork children must not write to, and core dumps need not have. A mapping that mremap makes of it is
 * the same in this. */
static long map_part(int fd, size_t offset, size_t size_bytes)
{
    long base = tn_sys6(SYS_mmap, 0, (long)size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
                        (long)offset);
    if (is_error(base))
        return base;
    long result = tn_sys3(SYS_madvise, base, (long)size_bytes, MADV_DONTFORK);
    if (result == 0)
        tn_sys3(SYS_madvise, base, (long)size_bytes, MADV_DONTDUMP);
    else
        tn_sys2(SYS_munmap, base, (long)size_bytes);
    return result == 0 ? base : result;
}

/* The file from the seed's page on. An old size of 0 keeps the old mapping: mremap(2) on shared mappings. */
static long map_from_seed(uintptr_t seed, size_t size_bytes)
{
    return tn_sys4(SYS_mremap, (long)seed, 0, (long)size_bytes, MREMAP_MAYMOVE);
}

/* Whether map_from_seed works: an emulator of another processor may not have it. */
static bool can_map_from(uintptr_t seed)
{
    long page = map_from_seed(seed, tn_page_bytes);
    if (is_error(page))
        return false;
    tn_sys2(SYS_munmap, page, (long)tn_page_bytes);
    return true;
}

/* Map the control ring and a page of what follows it, or the first rings, too. Returns as map_part. */
static long map_control(int fd, const struct tn_shared_sizes *sizes, uintptr_t span_seed,
                        struct tn_shared_parts *parts)
{
    size_t control_bytes = (size_t)sizes->control_words * 8;
    parts->rings_mapped = 0;
    if (!can_map_from(span_seed))
        parts->rings_mapped = sizes->slot_count - 1 < RINGS_AT_START ? sizes->slot_count - 1 : RINGS_AT_START;
    size_t rings_bytes = (size_t)parts->rings_mapped * sizes->ring_words * 8;
    parts->control_bytes = control_bytes + rings_bytes + tn_page_bytes;
    long control = map_part(fd, tn_shared_words_offset(sizes, TN_CONTROL_SLOT), parts->control_bytes);
    parts->control_words = (uint64_t *)control;
    parts->ring_seed = (uintptr_t)control + control_bytes;
    return control;
}

int tn_parts_open(int fd, const struct tn_shared_sizes *sizes, struct tn_shared_header **ret_header,
                  struct tn_shared_parts *parts)
{
    long header = tn_sys6(SYS_mmap, 0, (long)tn_page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (is_error(header))
        return (int)header;
    long spans = map_part(fd, TN_SHARED_SLOTS_OFFSET, TN_SHARED_ALIGN_BYTES + tn_page_bytes);
    long control = spans;
    if (!is_error(spans))
        control = map_control(fd, sizes, (uintptr_t)spans + TN_SHARED_ALIGN_BYTES, parts);
    if (is_error(control)) {
        if (!is_error(spans))
            tn_sys2(SYS_munmap, spans, (long)(TN_SHARED_ALIGN_BYTES + tn_page_bytes));
        tn_sys2(SYS_munmap, header, (long)tn_page_bytes);
        return (int)control;
    }
    parts->spans[0] = (struct tn_ring *)spans;
    parts->span_count = 1;
    parts->span_seed = (uintptr_t)spans + TN_SHARED_ALIGN_BYTES;
    *ret_header = (struct tn_shared_header *)header;
    return 0;
}

void tn_parts_close(struct tn_shared_parts *parts)
{
    for (uint32_t i = 0; i < parts->span_count; i++)
        tn_sys2(SYS_munmap, (long)parts->spans[i], (long)(TN_SHARED_ALIGN_BYTES + tn_page_bytes));
    tn_sys2(SYS_munmap, (long)parts->control_words, (long)parts->control_bytes);
    parts->span_count = 0;
}

void tn_parts_drop_header(struct tn_shared_header *header)
{
    tn_sys2(SYS_munmap, (long)header, (long)tn_page_bytes);
}

static bool add_span(struct tn_shared_parts *parts)
{
    long span = map_from_seed(parts->span_seed, TN_SHARED_ALIGN_BYTES + tn_page_bytes);
    if (is_error(span))
        return false;
    parts->spans[parts->span_count++] = (struct tn_ring *)span;
    parts->span_seed = (uintptr_t)span + TN_SHARED_ALIGN_BYTES;
    return true;
}

struct tn_ring *tn_parts_add(struct tn_shared_parts *parts, const struct tn_shared_sizes *sizes,
                             uint32_t slot)
{
    size_t ring_bytes = (size_t)sizes->ring_words * 8;
    if (slot / TN_SPAN_SLOTS >= parts->span_count && !add_span(parts))
        return NULL;
    bool is_mapped = parts->rings_mapped > 0;
    long words = (long)parts->ring_seed;
    if (!is_mapped)
        words = map_from_seed(parts->ring_seed, ring_bytes + tn_page_bytes);
    if (is_error(words))
        return NULL;
    parts->rings_mapped -= is_mapped;
    parts->ring_seed = (uintptr_t)words + ring_bytes;
    struct tn_ring *ring = tn_parts_slot(parts, slot);
    ring->words_address = (uintptr_t)words;
    return ring;
}
