/* SPDX-License-Identifier: MIT */
/* Maps the file of the run, and tells stacks in it. Several processes may write it at once; what is told once
 * is claimed first. */
#include "tenure/preload.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void *tn_preload_map(const char *variable, uint64_t *ret_bytes)
{
    const char *path = environ != NULL ? getenv(variable) : NULL;
    void *memory = MAP_FAILED;
    struct stat status;
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        return NULL;
    *ret_bytes = (uint64_t)status.st_size;
    return memory;
}

uint32_t tn_preload_see(const struct tn_preload_seen *seen, const char *path)
{
    uint32_t count = __atomic_load_n(seen->count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count && i < TN_INJECT_SEEN_MAX; i++)
        if (strncmp(seen->items[i].path, path, TN_INJECT_PATH_BYTES - 1) == 0)
            return i;
    uint32_t index = __atomic_fetch_add(seen->count, 1, __ATOMIC_ACQ_REL);
    if (index >= TN_INJECT_SEEN_MAX)
        return TN_INJECT_SEEN_MAX;
    strncpy(seen->items[index].path, path, TN_INJECT_PATH_BYTES - 1);
    return index;
}

void tn_preload_tell(const struct tn_preload_seen *seen, struct tn_inject_stack *stack,
                     const struct tn_preload_frame *frames, size_t count)
{
    if (__atomic_exchange_n(&stack->is_taken, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (count > TN_INJECT_FRAMES_MAX)
        count = TN_INJECT_FRAMES_MAX;
    stack->pid = (uint32_t)getpid();
    for (size_t i = 0; i < count; i++) {
        struct tn_preload_image image;
        bool is_known = tn_preload_find_image(frames[i].address, &image);
        stack->frames[i] = is_known ? frames[i].address - image.bias : frames[i].address;
        stack->modules[i] = is_known ? tn_preload_see(seen, image.path) : TN_INJECT_SEEN_MAX;
    }
    __atomic_store_n(&stack->count, (uint32_t)count, __ATOMIC_RELEASE);
}
