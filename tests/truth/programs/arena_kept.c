/* SPDX-License-Identifier: MIT */
/* A session makes a hundred calls. Of the names that these make, all but one die in their call; that one is kept in the
 * session's object, which is released at its end. The finding says who holds what has to be copied.
 *
 * expect {"kind": "arena", "sites": ["@name", "@item"], "confidence": "conditional", "evidence": {"owner":
 *         {"function": "handle"}, "escapes": [{"function": "make_name", "escapes": "=SESSIONS", "is_served": true,
 *         "held_offset_bytes": 8, "held_as": "struct session.name"}]}, "condition": {"kind": "escapes", "sites":
 *         ["@name", "@kept"]}}
 * allow {"kind": "preallocate", "sites": ["@session"]}
 * allow {"kind": "preallocate", "sites": ["@name"]}
 * allow {"kind": "preallocate", "sites": ["@item"]}
 * allow {"kind": "pool", "sites": ["@name"]}
 */
#include <stdlib.h>

#define SESSIONS      6
#define CALLS         100
#define NAME_BYTES    56
#define ITEM_BYTES    24
#define SESSION_BYTES 320

struct session {
    long number;
    char *name;
    char text[SESSION_BYTES - 16];
};

__attribute__((noinline)) static char *make_name(int call)
{
    char *name = malloc(NAME_BYTES); /* @name */
    name[0] = (char)call;
    return name;
}

__attribute__((noinline)) static char *make_item(int call)
{
    char *item = malloc(ITEM_BYTES); /* @item */
    item[0] = (char)call;
    return item;
}

__attribute__((noinline)) static int handle(struct session *session, int call)
{
    char *names[5], *items[20];
    int sum = 0;
    for (int i = 0; i < 20; i++)
        items[i] = make_item(call);
    for (int i = 0; i < 5; i++)
        names[i] = make_name(call);
    for (int i = 0; i < 20; i++) {
        sum += items[i][0];
        free(items[i]);
    }
    for (int i = 1; i < 5; i++)
        free(names[i]);
    if (call != CALLS / 2) {
        free(names[0]);
        return sum;
    }
    session->name = names[0]; /* @kept */
    return sum;
}

__attribute__((noinline)) static struct session *open_session(void)
{
    return calloc(1, sizeof(struct session)); /* @session */
}

__attribute__((noinline)) static int run_session(void)
{
    struct session *session = open_session();
    int sum = 0;
    for (int call = 0; call < CALLS; call++)
        sum += handle(session, call);
    free(session->name);
    free(session);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < SESSIONS; i++)
        sum += run_session();
    return sum == 1;
}
