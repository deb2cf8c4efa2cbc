/* SPDX-License-Identifier: MIT */

/* The file, in its new folder. */

#include "../rebuild.h"

#include <stdlib.h>

/* It has moved by some lines, too. */

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
