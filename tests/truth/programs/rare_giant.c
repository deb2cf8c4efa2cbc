/* SPDX-License-Identifier: MIT */
/* Near miss: short strings, and once a giant. To design every string for that size would waste thousands of
 * times what is needed.
 *
 * never {"kind": "fixed-maximum", "sites": ["@text"]}
 */
#include <stdlib.h>

#define TEXTS 1000
#define SLOTS 32
#define GIANT 200000

static char *texts[SLOTS];

static void set_text(int i)
{
    size_t size_bytes = i == 617 ? GIANT : 8 + (size_t)(i * 11 % 57);
    free(texts[i % SLOTS]);
    texts[i % SLOTS] = malloc(size_bytes); /* @text */
}

int main(void)
{
    for (int i = 0; i < TEXTS; i++)
        set_text(i);
    return 0;
}
