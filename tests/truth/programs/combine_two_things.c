/* SPDX-License-Identifier: MIT */
/* A script makes a resource, watches it, ends the watch, and deletes the resource: each time in this order. The
 * resource has a text, the watch has a filter and a token, and either's pointers show it; but neither knows the
 * other, and each is released by its own code. Two structures, not one. Near miss: a request and its answer, which
 * are released by different functions as well, but the request holds the answer.
 *
 * expect {"kind": "combine", "sites": ["@resource", "@text"], "evidence": {"groups": "=ROUNDS", "exceptions": 0}}
 * expect {"kind": "combine", "sites": ["@watch", "@filter", "@token"], "evidence": {"groups": "=ROUNDS", "exceptions":
 *         0}}
 * expect {"kind": "combine", "sites": ["@request", "@body", "@answer", "@head"], "evidence": {"groups": "=ROUNDS",
 *         "exceptions": 0}}
 * allow {"kind": "stack-buffer", "sites": ["@other"]}
 * allow {"kind": "pool"}
 * allow {"kind": "preallocate"}
 * allow {"kind": "arena"}
 * allow {"kind": "permanent"}
 */
#include <stdlib.h>
#include <string.h>

#define ROUNDS 300

struct resource {
    char *text;
    char rest[72];
};

struct watch {
    char *filter;
    char *token;
    char rest[40];
};

struct answer {
    char *head;
    char rest[56];
};

struct request {
    char *body;
    struct answer *answer;
    char rest[32];
};

static struct resource *resource;
static struct watch *watch;
static struct request *request;
static volatile long sum;

static void think(void)
{
    for (int i = 0; i < 10; i++) {
        void *volatile other = malloc(200); /* @other */
        sum += other != NULL;
        free(other);
    }
}

static void create(void)
{
    resource = calloc(1, sizeof(*resource)); /* @resource */
    resource->text = calloc(1, 48);          /* @text */
}

static void delete_it(void)
{
    free(resource->text);
    free(resource);
    resource = NULL;
}

static void begin_watch(void)
{
    watch = calloc(1, sizeof(*watch)); /* @watch */
    watch->filter = calloc(1, 32);     /* @filter */
    watch->token = calloc(1, 24);      /* @token */
}

static void end_watch(void)
{
    free(watch->token);
    free(watch->filter);
    free(watch);
    watch = NULL;
}

static void ask(void)
{
    request = calloc(1, sizeof(*request));                 /* @request */
    request->body = calloc(1, 40);                         /* @body */
    request->answer = calloc(1, sizeof(*request->answer)); /* @answer */
    request->answer->head = calloc(1, 28);                 /* @head */
}

static void drop_answer(struct answer *answer)
{
    free(answer->head);
    free(answer);
}

static void drop_request(void)
{
    drop_answer(request->answer);
    free(request->body);
    free(request);
    request = NULL;
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        create();
        begin_watch();
        think();
        end_watch();
        delete_it();
        ask();
        think();
        drop_request();
    }
    return 0;
}
