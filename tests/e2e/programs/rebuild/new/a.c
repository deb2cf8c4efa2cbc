/* SPDX-License-Identifier: MIT */

/* A static function whose name another file has, too. */

#include "rebuild.h"

#include <stdlib.h>

#define BLOCK_BYTES 33

__attribute__((noinline)) static void helper(void)
{
    char *block = malloc(BLOCK_BYTES); /* @helper_a */
    use(block);
    free(block);
}

void work_a(void)
{
    helper();
    stay();
}
