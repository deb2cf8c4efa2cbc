/* SPDX-License-Identifier: MIT */

/* A static function of that name that the new build does not have. */

#include "rebuild.h"

#include <stdlib.h>

__attribute__((noinline)) static void helper(void)
{
    char *block = malloc(55); /* @helper_gone */
    use(block);
    free(block);
}

void work_other(void)
{
    helper();
    stay();
}
