/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TEST_TRUTH_H
#define TENURE_TEST_TRUTH_H

/* A program that tells where its own code is: each call of here() prints its return address in the file, and
 * what the caller says of itself, innermost function first. */

#include <link.h>
#include <stdint.h>
#include <stdio.h>

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)
#define AT(name)   name "@" TEXT(__LINE__)

#define INLINED  static inline __attribute__((always_inline))
#define PHYSICAL __attribute__((noinline))

static int take_first(struct dl_phdr_info *info, size_t size_bytes, void *bias)
{
    (void)size_bytes;
    *(uintptr_t *)bias = info->dlpi_addr;
    return 1;
}

static PHYSICAL void here(const char *innermost, const char *middle, const char *outermost)
{
    uintptr_t bias = 0;
    dl_iterate_phdr(take_first, &bias);
    printf("%lx|%s|%s|%s\n", (unsigned long)((uintptr_t)__builtin_return_address(0) - bias), innermost,
           middle, outermost);
}

/* After a call that must not become a jump. */
#define STAY __asm__ volatile("")

#endif
