/* SPDX-License-Identifier: MIT */
/* Waits for the end of its input: a static image that stays until a test has seen its row. */
#include <unistd.h>

int main(void)
{
    char c;
    while (read(STDIN_FILENO, &c, 1) > 0)
        ;
    return 0;
}
