/* SPDX-License-Identifier: MIT */
/* Near miss: a connection and its ticket are asked for together, but the ticket stays until its slot in a
 * larger table is needed again.
 *
 * never {"kind": "combine", "sites": ["@connection"]}
 * never {"kind": "combine", "sites": ["@ticket"]}
 * expect {"kind": "pool", "sites": ["@connection"], "evidence": {"block_bytes": "=CONNECTION_BYTES",
 *         "block_count": "=AT_ONCE"}}
 * expect {"kind": "pool", "sites": ["@ticket"], "evidence": {"block_bytes": "=TICKET_BYTES", "block_count":
 *         "=TICKETS"}}
 */
#include <stdlib.h>

#define CONNECTIONS      400
#define AT_ONCE          8
#define TICKETS          77
#define CONNECTION_BYTES 112
#define TICKET_BYTES     48

static char *connections[AT_ONCE];
static char *tickets[TICKETS];

static void connect_one(int i)
{
    connections[i % AT_ONCE] = malloc(CONNECTION_BYTES); /* @connection */
    tickets[i % TICKETS] = malloc(TICKET_BYTES);         /* @ticket */
}

static void disconnect(int slot)
{
    free(connections[slot]);
    connections[slot] = NULL;
}

static void expire(int slot)
{
    free(tickets[slot]);
    tickets[slot] = NULL;
}

static void drain(void)
{
    for (int i = 0; i < AT_ONCE; i++)
        disconnect(i);
    for (int i = 0; i < TICKETS; i++)
        expire(i);
}

int main(void)
{
    atexit(drain);
    for (int i = 0; i < CONNECTIONS; i++) {
        disconnect(i % AT_ONCE);
        expire(i % TICKETS);
        connect_one(i);
    }
    return 0;
}
