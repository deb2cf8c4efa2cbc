/* SPDX-License-Identifier: MIT */

/* A static function of that name that the old build does not have, called from elsewhere. */

#include "rebuild.h"

#include <stdlib.h>

__attribute__((noinline)) static void helper(void)
{
    char *block = malloc(55); /* @helper_new */
    use(block);
    free(block);
}

void work_more(void)
{
    helper();
    stay();
}
