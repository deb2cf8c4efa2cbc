/* SPDX-License-Identifier: MIT */
/* A copy of a string that is cut into words and dropped: the library function that allocates is not the site.
 *
 * expect {"kind": "stack-buffer", "sites": ["@copy"], "confidence": "conditional", "evidence":
 *         {"buffer_bytes": "=LONGEST + 1", "owner": {"function": "split"}, "frames_down": 0, "instances":
 *         "=CALLS", "exceptions": 0}}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS   200
#define LONGEST 43

static const char text[] = "one two three four five six seven eight nine";

static int split(int skip)
{
    char *copy = strdup(text + 1 + skip); /* @copy */
    int words = 0;
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words++;
    free(copy);
    return words;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += split(i % 20);
    return sum == 0;
}
