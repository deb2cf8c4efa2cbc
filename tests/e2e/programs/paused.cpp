// SPDX-License-Identifier: MIT
// Three phases, each begun by a line on stdin, so that the test can pause the recording in between. The sizes
// say in which phase a block was born: 1000 to 1999 in the first, and so on. Neither stdin nor stdout is
// buffered.

#include <cstdlib>
#include <new>
#include <unistd.h>

#include "tenure/mark.h"

static void *kept[10], *born_paused[5], *moved;
static int *array;

// Ask for the next phase and wait for it.
static void await(const char *done)
{
    char line[1];
    if (write(1, done, 2) != 2 || read(0, line, 1) != 1)
        _exit(3);
}

static void before()
{
    for (int i = 0; i < 10; i++)
        kept[i] = malloc(1000 + i);
    array = new int[260];
}

// 21 allocations, of which 16 are released here: five are left, and what kept[5] has become.
static void meanwhile()
{
    for (int i = 0; i < 15; i++)
        free(i % 2 == 0 ? malloc(2000) : calloc(2, 1000));
    for (int i = 0; i < 5; i++)
        born_paused[i] = i == 0 ? aligned_alloc(64, 2048) : i == 1 ? operator new(2001) : malloc(2002);
    try {
        operator delete(operator new(static_cast<size_t>(-1) / 2));
    } catch (const std::bad_alloc &) {
    }
    for (int i = 0; i < 5; i++)
        free(kept[i]);
    moved = realloc(kept[5], 2500);
    if (realloc(kept[6], static_cast<size_t>(-1) / 2) != nullptr)
        _exit(4);
    delete[] array;
}

static void after()
{
    moved = realloc(moved, 3500);
    for (int i = 0; i < 5; i++)
        i == 1 ? operator delete(born_paused[i]) : free(born_paused[i]);
    for (int i = 0; i < 7; i++) {
        void *block = malloc(3000);
        if (i < 3)
            free(block);
        else
            kept[i] = block;
    }
    free(kept[7]);
    free(moved);
}

int main()
{
    await("a\n");
    before();
    await("b\n");
    meanwhile();
    await("c\n");
    if (tenure_mark)
        tenure_mark("warm");
    after();
    await("d\n");
}
