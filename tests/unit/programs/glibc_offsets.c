/* SPDX-License-Identifier: MIT */
/* Does with the C library's malloc what a trace on stdin says, and writes the offset of every block to
 * stdout. It allocates nothing else: both are binary, in buffers of its own. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENTS_MAX 200000
#define SLOTS      4096

/* One step: what to do (0 malloc, 1 realloc, 2 free), in which slot, how many bytes. */
struct step {
    uint32_t kind, slot;
    uint64_t size;
};

static struct step steps[EVENTS_MAX];
static uint64_t offsets[EVENTS_MAX];
static void *slots[SLOTS];

static size_t read_all(void)
{
    size_t bytes = 0;
    ssize_t n;
    while ((n = read(0, (char *)steps + bytes, sizeof(steps) - bytes)) > 0)
        bytes += (size_t)n;
    return bytes / sizeof(steps[0]);
}

int main(void)
{
    size_t count = read_all(), written = 0;
    uintptr_t base = 0;
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        if (step->slot >= SLOTS)
            return 2;
        if (step->kind == 2) {
            free(slots[step->slot]);
            continue;
        }
        void *old = slots[step->slot];
        slots[step->slot] = step->kind == 0 ? malloc(step->size) : realloc(old, step->size);
        if (slots[step->slot] == NULL)
            return 3;
        if (base == 0) /* the first block lies at the begin of the first chunk */
            base = (uintptr_t)slots[step->slot] - 2 * sizeof(void *);
        offsets[written++] = (uintptr_t)slots[step->slot] - base;
    }
    size_t bytes = written * sizeof(offsets[0]);
    for (size_t done = 0; done < bytes;) {
        ssize_t n = write(1, (char *)offsets + done, bytes - done);
        if (n <= 0)
            return 4;
        done += (size_t)n;
    }
    return 0;
}
