/* SPDX-License-Identifier: MIT */
/* A client's object has the address of the request that is worked on: a local buffer of `serve` as long as nobody takes
 * it from there later. It is stored by a function that is called through a pointer, so that no code tells; but the
 * address was seen in the object, which outlives the call. So it is with the parts of an answer, which are an arena of
 * `answer`. Near misses: a request of which only a local list has the address, and parts that are nowhere else.
 *
 * expect {"kind": "stack-buffer", "sites": ["@request"], "confidence": "conditional",
 *         "condition": {"kind": "address-kept", "sites": ["@client"]}}
 * expect {"kind": "arena", "sites": ["@part", "@text"], "confidence": "conditional",
 *         "condition": {"kind": "address-kept", "sites": ["@client", "@part"]}, "evidence": {"owner":
 *         {"function": "answer"}}}
 * expect {"kind": "arena", "sites": ["@request", "@step"], "confidence": "conditional",
 *         "condition": {"kind": "address-kept", "sites": ["@client"]}, "evidence": {"owner": {"function": "serve"}}}
 * expect {"kind": "stack-buffer", "sites": ["@quiet"], "confidence": "consistent", "condition": null}
 * expect {"kind": "arena", "sites": ["@piece", "@line"], "evidence": {"owner": {"function": "report"}}}
 * allow {"kind": "stack-buffer"}
 * allow {"kind": "permanent"}
 * allow {"kind": "pool"}
 * allow {"kind": "preallocate"}
 */
#include <stdlib.h>

#define ROUNDS 200
#define PARTS  24

struct client {
    void *request;
    void *part;
    long number;
};

static char *table;
static struct client *client;
static volatile long total;

static void keep_request(void *block)
{
    client->request = block;
}

static void keep_part(void *block)
{
    client->part = block;
}

static void (*volatile keeps[2])(void *) = {keep_request, keep_part};

__attribute__((noinline)) static void work(long number)
{
    for (int i = 0; i < 6; i++) {
        char *step = malloc(24); /* @step */
        step[0] = (char)number;
        total += step[0];
        free(step);
    }
}

__attribute__((noinline)) static void work_quietly(long number)
{
    for (int i = 0; i < 5; i++) {
        char *step = malloc(32); /* @hush */
        step[0] = (char)number;
        total += step[0];
        free(step);
    }
}

__attribute__((noinline)) static void serve(long number)
{
    char *request = malloc(96); /* @request */
    request[0] = (char)number;
    keeps[0](request);
    work(number);
    keeps[0](NULL);
    free(request);
    total++;
}

__attribute__((noinline)) static void serve_quietly(long number)
{
    void *local[1];
    char *request = malloc(104); /* @quiet */
    request[0] = (char)number;
    local[0] = request;
    work_quietly(number);
    total += ((char *)local[0])[0];
    free(request);
    total++;
}

__attribute__((noinline)) static void answer(long number)
{
    char *parts[PARTS], *texts[PARTS];
    long count = 2 + number % (PARTS - 2);
    for (long i = 0; i < count; i++) {
        parts[i] = malloc(40); /* @part */
        parts[i][0] = (char)i;
        keeps[1](parts[i]);
        texts[i] = malloc((size_t)(16 + 8 * (number % 5))); /* @text */
        texts[i][0] = (char)i;
    }
    keeps[1](NULL);
    for (long i = 0; i < count; i++) {
        free(texts[i]);
        free(parts[count - 1 - i]);
    }
    total++;
}

__attribute__((noinline)) static void report(long number)
{
    char *pieces[PARTS], *lines[PARTS];
    long count = 2 + number % (PARTS - 2);
    for (long i = 0; i < count; i++) {
        pieces[i] = malloc(56); /* @piece */
        pieces[i][0] = (char)i;
        lines[i] = malloc((size_t)(16 + 8 * (number % 5))); /* @line */
        lines[i][0] = (char)i;
    }
    for (long i = 0; i < count; i++) {
        free(lines[i]);
        free(pieces[count - 1 - i]);
    }
    total++;
}

int main(void)
{
    table = malloc(100000);              /* @table */
    client = calloc(1, sizeof(*client)); /* @client */
    total += table != NULL;
    for (long i = 0; i < ROUNDS; i++) {
        serve(i);
        serve_quietly(i);
        answer(i);
        report(i);
    }
    return 0;
}
