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

int main(void)
{
    outer();
    hidden();
    here(AT("main"), "", "");
    return 0;
}
