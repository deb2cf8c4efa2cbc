/* SPDX-License-Identifier: MIT */
#include "truth.h"

INLINED void inner(const char *middle, const char *outer)
{
    here(AT("inner"), middle, outer);
    STAY;
}

INLINED void middle(const char *outer)
{
    inner(AT("middle"), outer);
}

PHYSICAL void outer(void);
PHYSICAL void outer(void)
{
    middle(AT("outer"));
    STAY;
}

static PHYSICAL void hidden(void)
{
    here(AT("hidden"), "", "");
    STAY;
}

/* GCC's nested functions are described inside the function that holds them. */
#ifndef __clang__
static PHYSICAL int holder(int value)
{
    PHYSICAL int nested(int more)
    {
        here(AT("nested"), "", "");
        STAY;
        return value + more;
    }
    return nested(value) + 1;
}
#endif

int main(void)
{
    outer();
    hidden();
    here(AT("main"), "", "");
#ifndef __clang__
    if (holder(1) != 3)
        return 1;
#endif
    return 0;
}
