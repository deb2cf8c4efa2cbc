/* SPDX-License-Identifier: MIT */
/* Ways that did not run (argument "early") hand a block to the caller, or to a function that is called through a
 * pointer and keeps it: no local buffer may be handed so. Where NULL, or nothing, is given back after the release,
 * all is well.
 *
 * expect {"kind": "stack-buffer", "sites": ["@returned"], "confidence": "conditional", "condition": {"kind":
 *         "returned", "sites": ["@returned"]}}
 * expect {"kind": "stack-buffer", "sites": ["@given"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@given_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@pointer"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@pointer_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@other_pointer"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@nothing"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@left_over"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@checked"], "confidence": "consistent", "condition": null}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200

struct link {
    void (*send)(char *text, int is_early);
};

static volatile long written;
static volatile int kept_count;
static char *volatile kept[64];
static char *volatile current;

__attribute__((noinline)) static char *find(long number, int is_early)
{
    char *text = malloc(40); /* @returned */
    snprintf(text, 40, "number %ld", number);
    if (is_early)
        return text;
    written += text[0];
    free(text);
    return NULL;
}

__attribute__((noinline)) static int fill(char **ret_text, long number, int is_early)
{
    char *text = malloc(41); /* @given */
    snprintf(text, 41, "number %ld", number);
    if (is_early) {
        *ret_text = text; /* @given_store */
        return 1;
    }
    written += text[0];
    free(text);
    return 0;
}

__attribute__((noinline)) static void send_slowly(char *text, int is_early)
{
    if (is_early) {
        kept[kept_count++ & 63] = text; /* @pointer_store */
        return;
    }
    written += text[0];
    free(text);
}

__attribute__((noinline)) static void send_at_once(char *text, int is_early)
{
    written += text[is_early];
    free(text);
}

static const struct link slow = {send_slowly}, fast = {send_at_once};

__attribute__((noinline)) static void report(const struct link *link, long number, int is_early)
{
    char *text = malloc(42); /* @pointer */
    snprintf(text, 42, "number %ld", number);
    link->send(text, is_early);
    written++;
}

__attribute__((noinline)) static void report_fast(const struct link *link, long number, int is_early)
{
    char *text = malloc(43); /* @other_pointer */
    snprintf(text, 43, "number %ld", number);
    link->send(text, is_early);
    written++;
}

__attribute__((noinline)) static const char *look(long number, int is_early)
{
    char *text = malloc(44); /* @nothing */
    snprintf(text, 44, "number %ld", number);
    const char *found = is_early ? "early" : NULL;
    written += text[0];
    free(text);
    return found;
}

/* What is left over in the return register is nobody's. */
__attribute__((noinline)) static void alternate(long count)
{
    char *text = NULL;
    for (long i = 0; i < count; i++) {
        if (text == NULL) {
            text = malloc(45); /* @left_over */
            text[0] = (char)i;
        } else {
            free(text);
            text = NULL;
        }
    }
}

__attribute__((noinline)) static void release(char *text)
{
    if (text != NULL)
        free(text);
}

/* A variable has it for a while, and the release asks whether there is anything to release. */
__attribute__((noinline)) static void check(long number)
{
    char *text = malloc(46); /* @checked */
    current = text;
    snprintf(text, 46, "number %ld", number);
    written += text[0];
    release(text);
    written++;
}

int main(int argc, char **argv)
{
    int is_early = argc > 1 && strcmp(argv[1], "early") == 0;
    for (long i = 0; i < ROUNDS; i++) {
        char *text = NULL;
        free(find(i, is_early));
        written += fill(&text, i, is_early);
        free(text);
        report(&slow, i, is_early);
        report_fast(&fast, i, is_early);
        written += look(i, is_early) != NULL;
        check(i);
    }
    alternate(2 * ROUNDS);
    return written == 0 && kept[0] != NULL;
}
