/* SPDX-License-Identifier: MIT */
/* Maps the memory that a program shares with its recorder, and parts of it when they are first used.
 * Invariant: nothing of it is mapped before the memfd is sealed against shrinking, so that no access can
 * fault. Called by ring_source.c. */
#include "shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Neighbouring rings are mapped together: a process may have 65,535 of them, and no more than 65,530 mappings
 * (vm.max_map_count). Address space that is not touched costs nothing, where it has no
 * limit. */
#define GROUP_RINGS 4u

/* Header and first span of slots: what every process uses. */
#define FRONT_BYTES (2 * TN_SHARED_ALIGN_BYTES)

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* A memfd that could shrink would end the recorder by SIGBUS. The shim's can be sealed; another one is
 * refused. */
static int check_file(int fd, uint64_t stated_bytes, uint64_t *ret_bytes)
{
    struct stat status;
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &status) < 0)
        return -EBADMSG;
    *ret_bytes = (uint64_t)status.st_size;
    return *ret_bytes >= stated_bytes && stated_bytes >= FRONT_BYTES ? 0 : -EBADMSG;
}

/* Map [offset, offset + bytes) of the file. */
static void *map_part(const struct tn_shared_memory *memory, size_t offset, size_t bytes)
{
    void *part =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory->fd, (off_t)offset);
    return part != MAP_FAILED ? part : NULL;
}

/* [private page][header][first slots], at a distance that is the same for all processes. */
static int map_front(struct tn_shared_memory *memory)
{
    size_t page = page_bytes();
    char *front = mmap(NULL, page + FRONT_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (front == MAP_FAILED)
        return -errno;
    memory->kept = (struct tn_kept *)front;
    void *header =
        mmap(front + page, FRONT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory->fd, 0);
    if (header == MAP_FAILED)
        return -errno;
    memory->header = header;
    return 0;
}

/* The program may change the header while it is checked: what is checked is a copy, and the copy is kept. */
static int check_header(struct tn_shared_memory *memory, uint64_t stated_bytes, uint64_t file_bytes)
{
    const volatile struct tn_shared_header *header = memory->header;
    struct tn_shared_header copy = {
        .magic = header->magic,
        .total_bytes = header->total_bytes,
        .slot_count = header->slot_count,
        .ring_words = header->ring_words,
        .control_words = header->control_words,
    };
    memory->sizes = tn_shared_sizes_of(&copy);
    memory->start_ticks = header->start_ticks;
    return copy.total_bytes == stated_bytes ? tn_shared_check(&copy, file_bytes) : -EBADMSG;
}

static int map_rest(struct tn_shared_memory *memory)
{
    struct rlimit limit;
    bool is_limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    memory->group_rings = is_limited ? 1 : GROUP_RINGS;
    memory->spans = calloc(TN_SHARED_SPANS_MAX, sizeof(memory->spans[0]));
    if (memory->spans == NULL)
        return -ENOMEM;
    memory->spans[0] = tn_shared_ring(memory->header, 0);
    memory->control_words = map_part(memory, tn_shared_words_offset(&memory->sizes, TN_CONTROL_SLOT),
                                     (size_t)memory->sizes.control_words * 8);
    return memory->control_words != NULL ? 0 : -ENOMEM;
}

int tn_shared_memory_open(int memory_fd, uint64_t stated_bytes, struct tn_shared_memory *ret_memory)
{
    uint64_t file_bytes = 0;
    struct tn_shared_memory memory = {.fd = -1};
    int r = check_file(memory_fd, stated_bytes, &file_bytes);
    if (r < 0)
        return r;
    memory.fd = fcntl(memory_fd, F_DUPFD_CLOEXEC, 3);
    r = memory.fd >= 0 ? map_front(&memory) : -errno;
    if (r == 0)
        r = check_header(&memory, stated_bytes, file_bytes);
    if (r == 0)
        r = map_rest(&memory);
    if (r < 0) {
        tn_shared_memory_close(&memory);
        return r;
    }
    *ret_memory = memory;
    return 0;
}

struct tn_ring *tn_shared_memory_slot(struct tn_shared_memory *memory, uint32_t slot)
{
    struct tn_ring **span = &memory->spans[slot / TN_SPAN_SLOTS];
    size_t first = slot / TN_SPAN_SLOTS * TN_SPAN_SLOTS;
    if (*span == NULL)
        *span = map_part(memory, tn_shared_slot_offset((uint32_t)first), TN_SHARED_ALIGN_BYTES);
    return *span != NULL ? *span + slot % TN_SPAN_SLOTS : NULL;
}

static size_t ring_bytes(const struct tn_shared_memory *memory)
{
    return (size_t)memory->sizes.ring_words * 8;
}

/* Rings of a group; the last group may have fewer. */
static size_t group_bytes(const struct tn_shared_memory *memory, uint32_t group)
{
    uint32_t left = memory->sizes.slot_count - 1 - group * memory->group_rings;
    return (left < memory->group_rings ? left : memory->group_rings) * ring_bytes(memory);
}

static int reserve_group(struct tn_shared_memory *memory, uint32_t group)
{
    if (group < memory->group_capacity)
        return 0;
    uint32_t capacity = group + group / 2 + 4;
    uint64_t **groups = realloc(memory->groups, capacity * sizeof(groups[0]));
    if (groups == NULL)
        return -ENOMEM;
    for (uint32_t i = memory->group_capacity; i < capacity; i++)
        groups[i] = NULL;
    memory->groups = groups;
    memory->group_capacity = capacity;
    return 0;
}

uint64_t *tn_shared_memory_words(struct tn_shared_memory *memory, uint32_t slot)
{
    uint32_t group = (slot - 1) / memory->group_rings;
    if (reserve_group(memory, group) < 0)
        return NULL;
    if (memory->groups[group] == NULL)
        memory->groups[group] =
            map_part(memory, tn_shared_words_offset(&memory->sizes, group * memory->group_rings + 1),
                     group_bytes(memory, group));
    if (memory->groups[group] == NULL)
        return NULL;
    return memory->groups[group] + (size_t)((slot - 1) % memory->group_rings) * memory->sizes.ring_words;
}

void tn_shared_memory_empty_ring(struct tn_shared_memory *memory, uint32_t slot)
{
    uint64_t *words = tn_shared_memory_words(memory, slot);
    if (words != NULL)
        madvise(words, ring_bytes(memory), MADV_REMOVE);
}

int tn_shared_memory_hold(struct tn_shared_memory *memory, struct tn_keepers *keepers)
{
    keepers->distance_bytes = (char *)&memory->header->keeper_word - (char *)memory->kept;
    return tn_keepers_hold(keepers, memory->kept, memory->header);
}

void tn_shared_memory_release(struct tn_shared_memory *memory)
{
    if (memory->kept != NULL)
        tn_keepers_release(memory->kept);
}

void tn_shared_memory_close(struct tn_shared_memory *memory)
{
    tn_shared_memory_release(memory);
    for (uint32_t i = 0; i < memory->group_capacity; i++)
        if (memory->groups[i] != NULL)
            munmap(memory->groups[i], group_bytes(memory, i));
    for (uint32_t i = 1; memory->spans != NULL && i < TN_SHARED_SPANS_MAX; i++)
        if (memory->spans[i] != NULL)
            munmap(memory->spans[i], TN_SHARED_ALIGN_BYTES);
    if (memory->control_words != NULL)
        munmap(memory->control_words, (size_t)memory->sizes.control_words * 8);
    if (memory->kept != NULL)
        munmap(memory->kept, page_bytes() + FRONT_BYTES);
    if (memory->fd >= 0)
        close(memory->fd);
    free(memory->groups);
    free(memory->spans);
    *memory = (struct tn_shared_memory){.fd = -1};
}
