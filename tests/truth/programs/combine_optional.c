/* SPDX-License-Identifier: MIT */
/* A request has a payload in three of ten cases: an optional member. A table of ten resources with parts of their
 * own, made once: a group, but of few. Near misses: a note that a request has in one of fifty cases, which is rather
 * an exception, and a token of eight bytes that a block lies within: it can be no structure that has
 * it.
 *
 * expect {"kind": "combine", "sites": ["@request", "@uri", "@payload"], "evidence": {"relation": "embed", "groups":
 *         "=REQUESTS", "exceptions": 0, "members": [{"site": "@request"}, {"site": "@uri"}, {"site": "@payload",
 *         "share": 0.3}]}}
 * expect {"kind": "combine", "sites": ["@resource", "@type", "@name"], "confidence": "weak", "evidence":
 *         {"groups": "=RESOURCES", "exceptions": 0}}
 * never {"kind": "combine", "sites": ["@note"]}
 * never {"kind": "combine", "sites": ["@token"]}
 * never {"kind": "combine", "sites": ["@around"]}
 * allow {"kind": "stack-buffer", "sites": ["@text"]}
 * allow {"kind": "pool"}
 * allow {"kind": "preallocate"}
 * allow {"kind": "overhead"}
 * allow {"kind": "permanent"}
 */
#include <stdio.h>
#include <stdlib.h>

#define REQUESTS  3000
#define RESOURCES 10
#define LIVE      3

struct request {
    char *uri, *payload, *note;
    char pad[80];
};

struct resource {
    char *type, *name;
    char pad[40];
};

static volatile long sum;

__attribute__((noinline)) static struct request *request_new(int number)
{
    struct request *request = calloc(1, sizeof(*request)); /* @request */
    request->uri = malloc(24);                             /* @uri */
    if (number % 10 < 3)
        request->payload = malloc(200); /* @payload */
    if (number % 50 == 7)
        request->note = malloc(40); /* @note */
    return request;
}

__attribute__((noinline)) static void request_free(struct request *request)
{
    free(request->note);
    free(request->payload);
    free(request->uri);
    free(request);
}

__attribute__((noinline)) static struct resource *resource_new(void)
{
    struct resource *resource = calloc(1, sizeof(*resource)); /* @resource */
    resource->type = malloc(16);                              /* @type */
    resource->name = malloc(20);                              /* @name */
    return resource;
}

__attribute__((noinline)) static void resource_free(struct resource *resource)
{
    free(resource->name);
    free(resource->type);
    free(resource);
}

static char *token, *around;

/* A larger block comes and goes while a token lives. */
__attribute__((noinline)) static void renew_token(void)
{
    free(token);
    token = malloc(8); /* @token */
    token[0] = 1;
}

__attribute__((noinline)) static void begin_around(void)
{
    around = malloc(700); /* @around */
    around[0] = 1;
}

__attribute__((noinline)) static void end_around(void)
{
    sum += around[0];
    free(around);
}

__attribute__((noinline)) static void work(void)
{
    for (int i = 0; i < 20; i++) {
        char *text = malloc(24); /* @text */
        text[0] = (char)i;
        sum += text[0];
        free(text);
    }
}

int main(void)
{
    struct resource *table[RESOURCES];
    struct request *live[LIVE] = {0};
    for (int i = 0; i < RESOURCES; i++)
        table[i] = resource_new();
    for (int i = 0; i < REQUESTS; i++) {
        if (live[i % LIVE] != NULL)
            request_free(live[i % LIVE]);
        live[i % LIVE] = request_new(i);
        sum += i;
    }
    for (int i = 0; i < LIVE; i++)
        request_free(live[i]);
    for (int i = 0; i < 400; i++) {
        renew_token();
        work();
        begin_around();
        work();
        end_around();
        work();
        sum += token[0];
    }
    free(token);
    for (int i = 0; i < RESOURCES; i++)
        resource_free(table[i]);
    return sum == 0;
}
