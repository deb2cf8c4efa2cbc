/* SPDX-License-Identifier: MIT */
/* Near miss: a block that never leaves its function, but is as large as most threads' whole stack.
 *
 * never {"kind": "stack-buffer", "sites": ["@image"]}
 * expect {"kind": "preallocate", "sites": ["@image"], "confidence": "consistent", "evidence": {"buffer_bytes":
 *         "=IMAGE_BYTES", "count": 1}}
 */
#include <stdlib.h>

#define CALLS       60
#define IMAGE_BYTES 3000000

static int draw(int value)
{
    char *image = malloc(IMAGE_BYTES); /* @image */
    image[0] = (char)value;
    int sum = image[0];
    free(image);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += draw(i);
    return sum == 0;
}
