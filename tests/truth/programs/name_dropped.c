/* SPDX-License-Identifier: MIT */
/* A helper copies names that a program keeps, and first the name of the file that it reads them from, which the reader
 * drops when it has read the last of them: that one was no smaller step of a buffer that grows. Of the others of the
 * helper's line nobody may say that all stay, nor that a release belongs to the end. A table that grows while it is
 * filled, by one call, is permanent all the same.
 *
 * never {"kind": "permanent", "sites": ["@copy"]}
 * expect {"kind": "permanent", "sites": ["@grow"], "confidence": "conditional", "condition": {"kind": "released",
 *         "sites": ["@grow", "@step"], "text": "^the release at [^,]* goes as well"}, "evidence":
 *         {"count": 1, "resizes": 5}}
 * allow {"kind": "pinning", "sites": ["@copy"]}
 * expect {"kind": "stack-buffer", "sites": ["@line"], "confidence": "consistent"}
 */
#include <stdlib.h>
#include <string.h>

#include "tenure/mark.h"

#define CALLS 400
#define NAMES 12
#define STEPS 6

static char *names[NAMES], *table;
static volatile int total;

__attribute__((noinline)) static char *copy(const char *text)
{
    size_t size_bytes = strlen(text) + 1;
    char *made = malloc(size_bytes); /* @copy */
    if (made != NULL)
        memcpy(made, text, size_bytes);
    total += size_bytes > 0;
    return made;
}

__attribute__((noinline)) static void read_names(void)
{
    for (int i = 0; i < NAMES; i++)
        names[i] = copy("a name that is longer than the file's");
    total += names[0] != NULL;
}

__attribute__((noinline)) static void read_file(void)
{
    char *file = copy("names");
    total += file != NULL;
    read_names();
    free(file); /* @drop */
    total++;
}

__attribute__((noinline)) static void fill_table(void)
{
    for (size_t step = 1, size_bytes = 600; step <= STEPS; step++, size_bytes *= 2) {
        char *larger = malloc(size_bytes); /* @grow */
        if (larger != NULL && table != NULL)
            memcpy(larger, table, size_bytes / 2);
        free(table); /* @step */
        table = larger;
    }
}

__attribute__((noinline)) static void work(int i)
{
    char *line = malloc(64); /* @line */
    line[0] = (char)i;
    total += line[0] + (table != NULL);
    free(line);
    total++;
}

int main(void)
{
    read_file();
    fill_table();
    if (tenure_mark)
        tenure_mark("initialisation done");
    for (int i = 0; i < CALLS; i++)
        work(i);
    return total == 1;
}
