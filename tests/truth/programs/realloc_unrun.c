/* SPDX-License-Identifier: MIT */
/* Buffers of one size that a longer text makes larger: no text was that long, but realloc may get the block, by
 * itself or through a function of the program's, and must never get a local one. Near misses: realloc gets another
 * block there, and the block is only what a text is copied from into one that realloc made.
 *
 * expect {"kind": "stack-buffer", "sites": ["@message"], "confidence": "conditional", "condition":
 *         {"kind": "resized", "sites": ["@larger"]}, "evidence": {"buffer_bytes": "=BUFFER_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@wrapped"], "confidence": "conditional", "condition":
 *         {"kind": "resized", "sites": ["@enlarged"]}, "evidence": {"buffer_bytes": "=WRAPPED_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@other"], "condition": null, "evidence":
 *         {"buffer_bytes": "=OTHER_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@source"], "condition": null, "evidence":
 *         {"buffer_bytes": "=SOURCE_BYTES"}}
 * allow {"kind": "pool"}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS         200
#define BUFFER_BYTES  256
#define WRAPPED_BYTES 192
#define OTHER_BYTES   64
#define SOURCE_BYTES  96

static char *kept;
static volatile long sum;

__attribute__((noinline)) static void *enlarge(void *block, size_t size_bytes)
{
    void *larger = realloc(block, size_bytes);
    if (!larger)
        abort();
    return larger;
}

__attribute__((noinline)) static void write_message(const char *text)
{
    char *buffer = malloc(BUFFER_BYTES); /* @message */
    int length = snprintf(buffer, BUFFER_BYTES, "<%s>", text);
    if (length >= BUFFER_BYTES) {
        buffer = realloc(buffer, (size_t)length + 1); /* @larger */
        length = snprintf(buffer, (size_t)length + 1, "<%s>", text);
    }
    sum += length + buffer[0];
    free(buffer);
}

__attribute__((noinline)) static void write_wrapped(const char *text)
{
    size_t length = strlen(text);
    char *buffer = malloc(WRAPPED_BYTES); /* @wrapped */
    if (length >= WRAPPED_BYTES)
        buffer = enlarge(buffer, length + 1); /* @enlarged */
    strcpy(buffer, text);
    sum += buffer[0];
    free(buffer);
}

__attribute__((noinline)) static void write_other(const char *text)
{
    char *buffer = malloc(OTHER_BYTES); /* @other */
    snprintf(buffer, OTHER_BYTES, "%s", text);
    if (sum < 0)
        kept = realloc(kept, strlen(text));
    sum += buffer[0];
    free(buffer);
}

__attribute__((noinline)) static void write_source(const char *text)
{
    char *buffer = malloc(SOURCE_BYTES); /* @source */
    snprintf(buffer, SOURCE_BYTES, "%s", text);
    if (sum < 0) {
        kept = enlarge(kept, SOURCE_BYTES);
        memcpy(kept, buffer, SOURCE_BYTES);
    }
    sum += buffer[0];
    free(buffer);
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        write_message("a text");
        write_wrapped("another one");
        write_other("a third");
        write_source("a fourth");
    }
    return sum == 0;
}
