/* SPDX-License-Identifier: MIT */
/* Buffers that all had one size each in this run. Of some the size stands in the code: also through a function that
 * is given it, as one of two numbers, or as a number of things of one size. Of others it is computed, loaded from
 * where somebody else wrote it, or the length of a text.
 *
 * expect {"kind": "stack-buffer", "sites": ["@given"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=GIVEN_BYTES + 16"}}
 * never {"kind": "*", "sites": ["@grab"]}
 * expect {"kind": "stack-buffer", "sites": ["@either"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=EITHER_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@several"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=SEVERAL * 12"}}
 * expect {"kind": "stack-buffer", "sites": ["@computed"], "confidence": "conditional", "condition": {"kind":
 *         "size-computed", "sites": ["@computed"]}, "evidence": {"buffer_bytes": 34}}
 * expect {"kind": "stack-buffer", "sites": ["@read"], "confidence": "conditional", "condition": {"kind":
 *         "size-computed", "sites": ["@read"]}, "evidence": {"buffer_bytes": 56}}
 * expect {"kind": "stack-buffer", "sites": ["@counted"], "confidence": "conditional", "condition": {"kind":
 *         "size-computed", "sites": ["@counted"]}, "evidence": {"buffer_bytes": 36}}
 * expect {"kind": "stack-buffer", "sites": ["@copied"], "confidence": "conditional", "condition": {"kind":
 *         "text-length", "sites": ["@copied"]}, "evidence": {"buffer_bytes": 10}}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS        100
#define GIVEN_BYTES  64
#define EITHER_BYTES 96
#define SEVERAL      5

static volatile int total;
static const char *volatile host = "127.0.0.1", *volatile port = "50000";

struct options {
    size_t size_bytes;
};

__attribute__((noinline)) static void show(char *text)
{
    text[0] = 'x';
    total += text[0];
}

/* What others may change. */
__attribute__((noinline)) static void adjust(struct options *options)
{
    total += (int)options->size_bytes;
}

/* Not static: else a copy of it would be made for this size. */
char *grab(int id, size_t more_bytes);

__attribute__((noinline)) char *grab(int id, size_t more_bytes)
{
    char *block = malloc(more_bytes + 16); /* @grab */
    block[1] = (char)id;
    return block;
}

__attribute__((noinline)) static void given(int id)
{
    char *block = grab(id, GIVEN_BYTES); /* @given */
    show(block);
    free(block);
    total++;
}

__attribute__((noinline)) static void either(int id)
{
    size_t size_bytes = EITHER_BYTES / 2;
    if (id % 2) {
        adjust(&(struct options){size_bytes});
        size_bytes = EITHER_BYTES;
    }
    char *block = malloc(size_bytes); /* @either */
    show(block);
    free(block);
    total++;
}

__attribute__((noinline)) static void several(void)
{
    char *block = calloc(SEVERAL, 12); /* @several */
    show(block);
    free(block);
    total++;
}

__attribute__((noinline)) static void computed(void)
{
    char *block = malloc(strlen(host) + strlen(port) + 20); /* @computed */
    show(block);
    free(block);
    total++;
}

__attribute__((noinline)) static void read_size(void)
{
    struct options options = {56};
    adjust(&options);
    char *block = malloc(options.size_bytes); /* @read */
    show(block);
    free(block);
    total++;
}

__attribute__((noinline)) static void counted(void)
{
    char *block = calloc(strlen(host), 4); /* @counted */
    show(block);
    free(block);
    total++;
}

__attribute__((noinline)) static void copied(void)
{
    char *block = strdup(host); /* @copied */
    show(block);
    free(block);
    total++;
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        given(i);
        either(i);
        several();
        computed();
        read_size();
        counted();
        copied();
    }
    return total == 1;
}
