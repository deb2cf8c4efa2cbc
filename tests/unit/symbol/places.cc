/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include <string>

namespace app {
struct box {
    explicit box(const char *outer)
    {
        here(AT("app::box::box(char const*)"), outer, "");
        STAY;
    }
    template <typename T> PHYSICAL void put(const T &value);
};

template <typename T> PHYSICAL void box::put(const T &value)
{
    here(AT("void app::box::put<std::string>(std::string const&)") + 5, "", "");
    __asm__ volatile("" : : "r"(&value));
}
} // namespace app

namespace {
PHYSICAL void anonymous(int)
{
    here(AT("(anonymous namespace)::anonymous"), "", "");
    STAY;
}
} // namespace

extern "C" PHYSICAL void plain_c(void)
{
    here(AT("plain_c"), "", "");
    STAY;
}

int main()
{
    app::box box(AT("main"));
    box.put(std::string("text"));
    anonymous(1);
    plain_c();
    /* a closure has no mangled name that DWARF tells, where it is inlined */
    auto closure = [](const char *outer) __attribute__((always_inline))
    {
        here(AT("main::{lambda}::operator()"), outer, "");
        STAY;
    };
    closure(AT("main"));
    return 0;
}
