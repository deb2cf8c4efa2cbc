/* SPDX-License-Identifier: MIT */
/* A program that brings its own malloc, as one with jemalloc linked in does. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Alignas(16) char heap[1 << 20];
static size_t used_bytes;

void *malloc(size_t size_bytes)
{
    size_t start_bytes = used_bytes;
    used_bytes += (size_bytes + 31) & ~(size_t)15;
    return used_bytes <= sizeof(heap) ? heap + start_bytes : NULL;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size_bytes)
{
    return malloc(count * size_bytes);
}

void *realloc(void *block, size_t size_bytes)
{
    void *bigger = malloc(size_bytes);
    if (bigger != NULL && block != NULL)
        memcpy(bigger, block, size_bytes);
    return bigger;
}

int main(void)
{
    char *text = malloc(10);
    if (text == NULL)
        return 2;
    memcpy(text, "own heap\n", 9);
    return write(1, text, 9) != 9;
}
