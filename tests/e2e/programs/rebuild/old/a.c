/* SPDX-License-Identifier: MIT */

/* A static function whose name another file has, too. */

#include "rebuild.h"

#include <stdlib.h>

__attribute__((noinline)) static void helper(void)
{
    char *block = malloc(33); /* @helper_a */
    use(block);
    free(block);
}

void work_a(void)
{
    helper();
    stay();
}
