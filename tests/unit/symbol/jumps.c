/* SPDX-License-Identifier: MIT */
/* Functions that end in jumps to others. Each line of output is a place in the code and its name: of the call
 * in main, which is where `leaf` and `pvalloc` return to when they were jumped to, and in `leaf`. */
#include "truth.h"

#include <stdlib.h>

/* No copy that is specialised for one of its callers, either. */
#ifdef __clang__
#define KEPT __attribute__((noinline))
#else
#define KEPT __attribute__((noipa))
#endif

static uintptr_t bias;

static KEPT int tell(const void *place, const char *name)
{
    /* no constant: a function whose result is known returns it after the call, without a jump */
    return printf("%lx|%s\n", (unsigned long)((uintptr_t)place - bias), name) < 0;
}

static KEPT int tell_own(void)
{
    return tell(__builtin_return_address(0), "leaf") + 1;
}

int leaf(const char *name);
int either(const char *name);
int around(const char *name, int count);
int back(const char *name, int count);
int plain(const char *name);
int outside(const char *name);
int from_pointer(const char *name, int (*function)(const char *name));
void *pvalloc(size_t size_bytes);
void *make(size_t size_bytes);

struct both {
    void *block;
    size_t size_bytes;
};

void quiet(const char *name);
size_t long_size(const char *name);
struct both make_both(size_t size_bytes);

KEPT int leaf(const char *name)
{
    int result = tell(__builtin_return_address(0), name) + tell_own();
    STAY;
    return result;
}

static KEPT int inner(const char *name)
{
    STAY;
    return leaf(name);
}

static KEPT int one_way(const char *name)
{
    STAY;
    return inner(name);
}

static KEPT int other(const char *name)
{
    __asm__ volatile("nop");
    return leaf(name);
}

KEPT int either(const char *name)
{
    if (name[1] == 'i')
        return inner(name);
    return other(name);
}

KEPT int back(const char *name, int count)
{
    STAY;
    return around(name, count - 1);
}

KEPT int around(const char *name, int count)
{
    if (count == 0)
        return leaf(name);
    return back(name, count);
}

KEPT int plain(const char *name)
{
    int result = leaf(name);
    STAY;
    return result + 1;
}

KEPT int outside(const char *name)
{
    STAY;
    return puts(name);
}

KEPT int from_pointer(const char *name, int (*function)(const char *name))
{
    STAY;
    return function(name);
}

/* Takes the place of the C library's, so that it can tell where it would return to. */
KEPT void *pvalloc(size_t size_bytes)
{
    tell(__builtin_return_address(0), "make");
    return size_bytes != 0 ? &bias : NULL;
}

KEPT void *make(size_t size_bytes)
{
    STAY;
    return pvalloc(size_bytes);
}

KEPT void quiet(const char *name)
{
    STAY;
    plain(name);
}

static KEPT size_t long_text(const char *name)
{
    __asm__ volatile("nop");
    return (size_t)name;
}

KEPT size_t long_size(const char *name)
{
    STAY;
    return long_text(name);
}

static KEPT struct both pair_of(size_t size_bytes)
{
    __asm__ volatile("nop");
    return (struct both){NULL, size_bytes};
}

KEPT struct both make_both(size_t size_bytes)
{
    STAY;
    return pair_of(size_bytes);
}

int main(int argc, char **argv)
{
    int sum = 0;
    dl_iterate_phdr(take_first, &bias);
    sum += one_way("one_way");
    STAY;
    sum += either("either");
    STAY;
    sum += around("around", argc);
    STAY;
    sum += plain("plain");
    STAY;
    sum += from_pointer("from_pointer", leaf);
    STAY;
    sum += make((size_t)argc) == NULL;
    STAY;
    if (argc > 100)
        sum += outside(argv[1]) + (int)long_size(argv[1]) + (int)make_both(7).size_bytes;
    if (argc > 100)
        quiet(argv[1]);
    return sum == 100;
}
