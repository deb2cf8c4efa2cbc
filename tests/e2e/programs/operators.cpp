// SPDX-License-Identifier: MIT
// C++ operator new and delete in all their forms: each is one allocation, whatever it calls inside.
#include "truth.h"

#include <new>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

struct Plain {
    char bytes[40];
};
struct Counted {
    int value = 1;
    ~Counted()
    {
        value = 0;
    }
};
struct alignas(128) Wide {
    char bytes[384];
};

volatile std::size_t huge = std::size_t{1} << 62;

struct block born(int function, void *address, std::size_t size, std::size_t alignment, int line)
{
    return truth_birth(function, address, size, alignment, line, TRUTH_MODULE);
}

void expressions()
{
    int line = __LINE__ + 1;
    Plain *plain = new Plain;
    struct block b = born(TRUTH_NEW, plain, sizeof(Plain), 0, line);
    truth_death(&b, TRUTH_DELETE, TRUTH_HERE), delete plain;

    line = __LINE__ + 1;
    Plain *array = new Plain[7];
    b = born(TRUTH_NEW_ARRAY, array, 7 * sizeof(Plain), 0, line);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), delete[] array;

    // An array whose elements have destructors carries its length in front.
    line = __LINE__ + 1;
    Counted *counted = new Counted[5];
    char *start = reinterpret_cast<char *>(counted) - sizeof(std::size_t);
    b = born(TRUTH_NEW_ARRAY, start, 5 * sizeof(Counted) + sizeof(std::size_t), 0, line);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), delete[] counted;

    line = __LINE__ + 1;
    Wide *wide = new Wide;
    b = born(TRUTH_NEW, wide, sizeof(Wide), alignof(Wide), line);
    truth_death(&b, TRUTH_DELETE, TRUTH_HERE), delete wide;

    line = __LINE__ + 1;
    Wide *wides = new Wide[3];
    b = born(TRUTH_NEW_ARRAY, wides, 3 * sizeof(Wide), alignof(Wide), line);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), delete[] wides;
}

void functions()
{
    const std::align_val_t align{64};
    const std::size_t plain_bytes = 32;
    const std::size_t aligned_bytes = 192;
    struct block b = born(TRUTH_NEW, ::operator new(31), 31, 0, __LINE__);
    truth_death(&b, TRUTH_DELETE, TRUTH_HERE), ::operator delete(b.address);
    b = born(TRUTH_NEW, ::operator new(32), 32, 0, __LINE__);
    truth_death(&b, TRUTH_DELETE, TRUTH_HERE), ::operator delete(b.address, plain_bytes);
    b = born(TRUTH_NEW, ::operator new(33, std::nothrow), 33, 0, __LINE__);
    truth_death(&b, TRUTH_DELETE, TRUTH_HERE), ::operator delete(b.address, std::nothrow);
    b = born(TRUTH_NEW, ::operator new(128, align), 128, 64, __LINE__);
    truth_death(&b, TRUTH_DELETE, TRUTH_HERE), ::operator delete(b.address, align);
    b = born(TRUTH_NEW, ::operator new(192, align), 192, 64, __LINE__);
    truth_death(&b, TRUTH_DELETE, TRUTH_HERE), ::operator delete(b.address, aligned_bytes, align);
    b = born(TRUTH_NEW, ::operator new(256, align, std::nothrow), 256, 64, __LINE__);
    truth_death(&b, TRUTH_DELETE, TRUTH_HERE), ::operator delete(b.address, align, std::nothrow);
}

void array_functions()
{
    const std::align_val_t align{64};
    struct block b = born(TRUTH_NEW_ARRAY, ::operator new[](41), 41, 0, __LINE__);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), ::operator delete[](b.address);
    b = born(TRUTH_NEW_ARRAY, ::operator new[](42), 42, 0, __LINE__);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), ::operator delete[](b.address, std::size_t{42});
    b = born(TRUTH_NEW_ARRAY, ::operator new[](43, std::nothrow), 43, 0, __LINE__);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), ::operator delete[](b.address, std::nothrow);
    b = born(TRUTH_NEW_ARRAY, ::operator new[](320, align), 320, 64, __LINE__);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), ::operator delete[](b.address, align);
    b = born(TRUTH_NEW_ARRAY, ::operator new[](384, align), 384, 64, __LINE__);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), ::operator delete[](b.address, std::size_t{384}, align);
    b = born(TRUTH_NEW_ARRAY, ::operator new[](448, align, std::nothrow), 448, 64, __LINE__);
    truth_death(&b, TRUTH_DELETE_ARRAY, TRUTH_HERE), ::operator delete[](b.address, align, std::nothrow);
}

int handler_calls;
struct block reserve[3];

// A new_handler may allocate itself; that is not hidden by the operator that calls it.
void handler()
{
    if (handler_calls == 3) {
        std::set_new_handler(nullptr);
        return;
    }
    reserve[handler_calls++] = MALLOC(55);
}

void expect(bool is_true)
{
    if (!is_true)
        _exit(3);
}

void failures()
{
    int caught = 0;
    for (int i = 0; i < 10; i++) {
        try {
            born(TRUTH_NEW, ::operator new(huge), 0, 0, 0);
        } catch (const std::bad_alloc &) {
            caught++;
            truth_birth(TRUTH_NEW, nullptr, huge, 0, __LINE__ - 3, TRUTH_MODULE);
        }
    }
    expect(caught == 10);
    void *none = ::operator new(huge, std::nothrow);
    truth_birth(TRUTH_NEW, none, huge, 0, __LINE__ - 1, TRUTH_MODULE);
    none = ::operator new[](huge, std::nothrow);
    truth_birth(TRUTH_NEW_ARRAY, none, huge, 0, __LINE__ - 1, TRUTH_MODULE);
    handler_calls = 0;
    std::set_new_handler(handler);
    none = ::operator new(huge, std::nothrow);
    // However often the operator asks the allocator again after its handler, it fails once.
    truth_birth(TRUTH_NEW, none, huge, 0, __LINE__ - 2, TRUTH_MODULE);
    expect(handler_calls == 3);
    for (struct block &b : reserve)
        FREE(b);
}

// Mixed with malloc as some programs do: the log must say what was called, not what should have been.
void strings()
{
    std::vector<std::string> names;
    for (int i = 0; i < 100; i++)
        names.push_back(std::string(static_cast<std::size_t>(100 + i), 'x'));
    expect(names.size() == 100);
}

} // namespace

int main()
{
    for (int i = 0; i < 100; i++) {
        expressions();
        functions();
        array_functions();
    }
    failures();
    strings();
    return 0;
}
