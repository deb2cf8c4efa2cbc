/* SPDX-License-Identifier: MIT */
/* One line copies an endpoint for the request that came in and for the answer that goes out: two structures, that only
 * the call path tells apart. A text is copied by two lines for one purpose: that is one pool. With CHANGED it is the
 * same program with the first advice followed, for the requests.
 *
 * expect {"kind": "combine", "sites": ["@request", "@clone"], "roles": [["@clone", "@from_receive"]], "confidence":
 *         "consistent", "evidence": {"relation": "equal", "groups": "=CALLS", "exceptions": 0, "combined_bytes":
 *         "=REQUEST_BYTES + ENDPOINT_BYTES"}}
 * expect {"kind": "combine", "sites": ["@answer", "@text", "@clone"], "roles": [["@clone", "@from_reply"]],
 *         "confidence": "consistent", "evidence": {"groups": "=CALLS", "exceptions": 0, "combined_bytes":
 *         "=ANSWER_BYTES + TEXT_BYTES + ENDPOINT_BYTES"}}
 * expect {"kind": "pool", "sites": ["@note"], "confidence": "consistent", "evidence": {"allocations": "=2 * CALLS"}}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS          600
#define OUT            4
#define ENDPOINT_BYTES 72
#define REQUEST_BYTES  112
#define ANSWER_BYTES   56
#define TEXT_BYTES     64
#define NOTE_BYTES     96
#define NOTES          41

struct endpoint {
    char host[ENDPOINT_BYTES];
};

struct request {
    struct endpoint *from;
    int code;
    char pad[REQUEST_BYTES - sizeof(void *) - sizeof(int)];
};

struct answer {
    struct endpoint *to;
    char *text;
    char pad[ANSWER_BYTES - 2 * sizeof(void *)];
};

static char *notes[NOTES];
static volatile int total;

__attribute__((noinline)) static struct endpoint *clone(const struct endpoint *endpoint)
{
    struct endpoint *copy = malloc(sizeof(*copy)); /* @clone */
    *copy = *endpoint;
    return copy;
}

#ifdef CHANGED
struct received {
    struct request request;
    struct endpoint from;
};
#endif

__attribute__((noinline)) static struct request *receive(const struct endpoint *endpoint, int code)
{
#ifdef CHANGED
    struct received *both = malloc(sizeof(*both));
    struct request *request = &both->request;
    both->from = *endpoint;
    request->from = &both->from;
#else
    struct request *request = malloc(sizeof(*request)); /* @request */
    request->from = clone(endpoint);                    /* @from_receive */
#endif
    request->code = code;
    return request;
}

__attribute__((noinline)) static struct answer *reply(const struct request *request)
{
    struct answer *answer = malloc(sizeof(*answer)); /* @answer */
    answer->to = clone(request->from);               /* @from_reply */
    answer->text = malloc(TEXT_BYTES);               /* @text */
    memset(answer->text, request->code & 0x7f, TEXT_BYTES);
    return answer;
}

__attribute__((noinline)) static void drop_request(struct request *request)
{
#ifndef CHANGED
    free(request->from);
#endif
    free(request);
    total++;
}

__attribute__((noinline)) static void send_answer(struct answer *answer)
{
    total += answer->text[0];
    free(answer->text);
    free(answer->to);
    free(answer);
    total++;
}

/* One ring of notes, whoever writes them. */
__attribute__((noinline)) static void note(int id)
{
    char *text = malloc(NOTE_BYTES); /* @note */
    text[0] = (char)id;
    free(notes[id % NOTES]);
    notes[id % NOTES] = text;
}

__attribute__((noinline)) static void note_request(int id)
{
    note(2 * id);
    total++;
}

__attribute__((noinline)) static void note_answer(int id)
{
    note(2 * id + 1);
    total++;
}

int main(void)
{
    struct endpoint endpoint = {"fe80::1"};
    struct answer *out[OUT] = {NULL};
    for (int i = 0; i < CALLS; i++) {
        struct request *request = receive(&endpoint, i);
        note_request(i);
        if (out[i % OUT] != NULL)
            send_answer(out[i % OUT]);
        out[i % OUT] = reply(request);
        note_answer(i);
        drop_request(request);
    }
    for (int i = 0; i < OUT; i++)
        send_answer(out[i]);
    for (int i = 0; i < NOTES; i++)
        free(notes[i]);
    return total == 1;
}
