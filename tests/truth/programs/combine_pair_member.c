/* SPDX-License-Identifier: MIT */
/* A route has two ends of one kind for its whole life: an array of two in the combined structure.
 *
 * expect {"kind": "combine", "sites": ["@route", "@end"], "evidence": {"groups": "=ROUTES", "exceptions":
 *         0, "members": [{"site": "@route", "size_bytes": "=ROUTE_BYTES", "per_group": 1}, {"site": "@end",
 *         "size_bytes": "=END_BYTES", "per_group": 2}], "combined_bytes": "=ROUTE_BYTES + 2 * END_BYTES"}}
 */
#include <stdlib.h>

#define ROUTES      200
#define ROUTE_BYTES 40
#define END_BYTES   24

struct route {
    char *ends[2];
};

static struct route *current;

static struct route *new_route(void)
{
    struct route *route = malloc(ROUTE_BYTES); /* @route */
    for (int i = 0; i < 2; i++)
        route->ends[i] = malloc(END_BYTES); /* @end */
    return route;
}

static void forget(void)
{
    if (!current)
        return;
    for (int i = 0; i < 2; i++)
        free(current->ends[i]);
    free(current);
    current = NULL;
}

static void change_route(void)
{
    forget();
    current = new_route();
}

int main(void)
{
    atexit(forget);
    for (int i = 0; i < ROUTES; i++)
        change_route();
    return 0;
}
