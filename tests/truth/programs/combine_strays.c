/* SPDX-License-Identifier: MIT */
/* A message and its body come and go together, but a few bodies are made without a message: those stay one
 * call each, and are not counted as saved.
 *
 * expect {"kind": "combine", "sites": ["@message", "@body"], "evidence": {"groups": "=ROUNDS", "exceptions":
 *         "=ROUNDS / SPARE"}}
 */
#include <stdlib.h>

#define ROUNDS 600
#define SPARE  150 /* rounds from one lone body to the next */

struct message {
    char *body;
    char head[40];
};

static struct message *queue[4];
static char *lone;

static char *make_body(void)
{
    return malloc(64); /* @body */
}

static void leave(int slot)
{
    if (queue[slot] == NULL)
        return;
    free(queue[slot]->body);
    free(queue[slot]);
    queue[slot] = NULL;
}

static void enter(int slot)
{
    queue[slot] = calloc(1, sizeof(struct message)); /* @message */
    queue[slot]->body = make_body();
}

static void keep_one(void)
{
    free(lone);
    lone = make_body();
}

int main(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        leave(round % 4);
        if (round % SPARE == SPARE / 2)
            keep_one();
        enter(round % 4);
    }
    for (int slot = 0; slot < 4; slot++)
        leave(slot);
    free(lone);
    return 0;
}
