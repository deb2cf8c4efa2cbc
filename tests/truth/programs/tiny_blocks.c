/* SPDX-License-Identifier: MIT */
/* Blocks of a few bytes that stay: header and rounding are several times what is asked for. The same number
 * of larger blocks is no such case.
 *
 * expect {"kind": "overhead", "sites": ["@tag"], "evidence": {"allocations": "=TAGS", "payload_bytes":
 *         "=TAGS * TAG_BYTES", "peak_count": "=TAGS"}}
 * never {"kind": "overhead", "sites": ["@page"]}
 */
#include <stdlib.h>

#define TAGS       300
#define TAG_BYTES  5
#define PAGE_BYTES 4000

static char *tags[TAGS];
static char *pages[TAGS];

static void add(int i)
{
    tags[i] = malloc(TAG_BYTES);   /* @tag */
    pages[i] = malloc(PAGE_BYTES); /* @page */
}

int main(void)
{
    for (int i = 0; i < TAGS; i++)
        add(i);
    return 0;
}
