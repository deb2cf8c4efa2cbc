/* SPDX-License-Identifier: MIT */
/* Maps the file of the run when the library is loaded, and tells stacks back in it. A process that cannot map
 * it runs on, and nothing fails. */
#include "inject_parts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct tn_inject_head *tn_inject_head;

/* The tool made it, and may be of another build when somebody set the variable by hand. */
static bool is_whole(const struct tn_inject_head *head, uint64_t file_bytes)
{
    uint64_t wanted_bytes = sizeof(*head);
    if (file_bytes < sizeof(*head) || head->magic != TN_INJECT_MAGIC || head->head_bytes != sizeof(*head))
        return false;
    wanted_bytes += (uint64_t)head->module_count * sizeof(struct tn_inject_module);
    wanted_bytes += (uint64_t)head->step_count * sizeof(struct tn_inject_step);
    wanted_bytes += (uint64_t)head->place_count * sizeof(struct tn_inject_place);
    return head->file_bytes == file_bytes && wanted_bytes == file_bytes;
}

static void map_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory != MAP_FAILED && is_whole(memory, (uint64_t)status.st_size))
            tn_inject_head = memory;
        else if (memory != MAP_FAILED)
            munmap(memory, (size_t)status.st_size);
    }
    close(fd);
}

/* With the first allocation, be it of a constructor of another library. */
void tn_inject_load(void)
{
    static bool is_loaded;
    const char *path = environ != NULL && !is_loaded ? getenv(TN_INJECT_VARIABLE) : NULL;
    if (path == NULL)
        return;
    is_loaded = true;
    map_file(path);
    if (tn_inject_head == NULL)
        return;
    tn_inject_heap_open();
    __atomic_fetch_add(&tn_inject_head->processes, 1, __ATOMIC_RELAXED);
    tn_inject_watch_crashes();
}

/* With a path in the environment that only now can be read, or without any allocation until now. */
__attribute__((constructor(101))) static void load_at_start(void)
{
    if (tn_inject_is_ready())
        tn_inject_load();
}

/* The index of a path among those that were told; TN_INJECT_SEEN_MAX: no room. */
static uint32_t index_of(const char *path)
{
    uint32_t count = __atomic_load_n(&tn_inject_head->seen_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count && i < TN_INJECT_SEEN_MAX; i++)
        if (strncmp(tn_inject_head->seen[i].path, path, TN_INJECT_PATH_BYTES - 1) == 0)
            return i;
    uint32_t index = __atomic_fetch_add(&tn_inject_head->seen_count, 1, __ATOMIC_ACQ_REL);
    if (index >= TN_INJECT_SEEN_MAX)
        return TN_INJECT_SEEN_MAX;
    strncpy(tn_inject_head->seen[index].path, path, TN_INJECT_PATH_BYTES - 1);
    return index;
}

void tn_inject_tell(struct tn_inject_stack *stack, const uintptr_t *frames, size_t count)
{
    if (__atomic_exchange_n(&stack->is_taken, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (count > TN_INJECT_FRAMES_MAX)
        count = TN_INJECT_FRAMES_MAX;
    stack->pid = (uint32_t)getpid();
    for (size_t i = 0; i < count; i++) {
        struct tn_inject_image image;
        bool is_known = tn_inject_find_image(frames[i], &image);
        stack->frames[i] = is_known ? frames[i] - image.bias : frames[i];
        stack->modules[i] = is_known ? index_of(image.path) : TN_INJECT_SEEN_MAX;
    }
    __atomic_store_n(&stack->count, (uint32_t)count, __ATOMIC_RELEASE);
}
