/* SPDX-License-Identifier: MIT */
/* Several calls on one line, each for a purpose of its own: a request with its path, its token and, in three of ten,
 * its text. By line alone they are blocks of several sizes; call by call they are one structure. Where two calls on a
 * line serve one purpose, there is nothing to tell apart: notes of one ring are made here or there, and the two halves
 * of a pair are gone before the function returns. With CHANGED it is the same program with the first advice followed.
 *
 * expect {"kind": "combine", "sites": ["@request", "@parts"], "roles": [["@parts", "call 1"], ["@parts", "call 2"],
 *         ["@parts", "call 3"]], "confidence": "consistent", "evidence": {"groups": "=CALLS", "exceptions": 0}}
 * expect {"kind": "pool", "sites": ["@notes"], "confidence": "consistent", "evidence": {"allocations": "=CALLS",
 *         "block_bytes": "=NOTE_BYTES"}}
 * expect {"kind": "stack-buffer", "sites": ["@halves"], "confidence": "consistent", "evidence": {"instances":
 *         "=2 * CALLS", "buffer_bytes": "=HALF_BYTES", "max_live_count": 2}}
 */
#include <stdlib.h>

#define CALLS         1000
#define LIVE          3
#define PATH          24
#define TOKEN         8
#define TEXT          200
#define REQUEST_BYTES 104
#define NOTE_BYTES    72
#define HALF_BYTES    40
#define NOTES         16

struct request {
    char *path, *token, *text;
    char pad[REQUEST_BYTES - 3 * sizeof(char *)];
};

static char *notes[NOTES];
static volatile int total;

#ifdef CHANGED
struct whole {
    struct request request;
    char path[PATH], token[TOKEN], text[TEXT];
};

__attribute__((noinline)) static struct request *request_new(int id)
{
    struct whole *whole = calloc(1, sizeof(*whole));
    whole->request.path = whole->path;
    whole->request.token = whole->token;
    if (id % 10 < 3)
        whole->request.text = whole->text;
    total++;
    return &whole->request;
}

__attribute__((noinline)) static void request_free(struct request *request)
{
    free(request);
    total++;
}
#else
/* Each of these calls stands beside another one. */
/* clang-format off */
__attribute__((noinline)) static struct request *request_new(int id)
{
    struct request *made = calloc(1, sizeof(*made)); /* @request */
    made->path = malloc(PATH), made->token = malloc(TOKEN), made->text = id % 10 < 3 ? malloc(TEXT) : 0; /* @parts */
    total++;
    return made;
}

__attribute__((noinline)) static void request_free(struct request *request)
{
    free(request->text); free(request->token); free(request->path); free(request);
    total++;
}
/* clang-format on */
#endif

/* clang-format off */
__attribute__((noinline)) static void note(int id)
{
    free(notes[id % NOTES]);
    if (id % 3 == 0) notes[id % NOTES] = malloc(NOTE_BYTES); else notes[id % NOTES] = malloc(NOTE_BYTES); /* @notes */
    total++;
}

__attribute__((noinline)) static void halve(int id)
{
    char *one = malloc(HALF_BYTES), *other = malloc(HALF_BYTES); /* @halves */
    one[0] = other[0] = (char)id;
    total += one[0];
    free(one); free(other);
    total++;
}
/* clang-format on */

int main(void)
{
    struct request *live[LIVE] = {NULL};
    for (int i = 0; i < CALLS; i++) {
        if (live[i % LIVE] != NULL)
            request_free(live[i % LIVE]);
        live[i % LIVE] = request_new(i);
        note(i);
        halve(i);
    }
    for (int i = 0; i < LIVE; i++)
        request_free(live[i]);
    for (int i = 0; i < NOTES; i++)
        free(notes[i]);
    return total == 1;
}
