/* SPDX-License-Identifier: MIT */

/* A file that the new build has in a folder. */

#include "rebuild.h"

#include <stdlib.h>

__attribute__((noinline)) static void helper(void)
{
    char *block = malloc(44); /* @moved */
    use(block);
    free(block);
}

void work_moved(void)
{
    helper();
    stay();
}
