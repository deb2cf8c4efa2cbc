/* SPDX-License-Identifier: MIT */
/* Two lines ask for blocks of one size, and one line releases them; their peaks fall at different times. The
 * pool for both needs as many blocks as were live of both together, which is less than the sum of the peaks.
 *
 * expect {"kind": "pool", "sites": ["@node", "@edge"], "evidence": {"block_bytes": "=BLOCK_BYTES",
 *         "block_count": "=NODES + EARLY", "waste_bytes": 0}}
 */
#include <stdlib.h>

#define ROUNDS      20
#define NODES       40
#define EDGES       30
#define EARLY       10
#define BLOCK_BYTES 64

static char *nodes[NODES];
static char *edges[EDGES];

static void add_nodes(int count)
{
    for (int i = 0; i < count; i++)
        nodes[i] = malloc(BLOCK_BYTES); /* @node */
}

static void add_edges(int from, int to)
{
    for (int i = from; i < to; i++)
        edges[i] = malloc(BLOCK_BYTES); /* @edge */
}

static void clear(char **blocks, int count)
{
    for (int i = 0; i < count; i++) {
        free(blocks[(i * 7) % count]);
        blocks[(i * 7) % count] = NULL;
    }
}

static void end(void)
{
    clear(nodes, NODES);
    clear(edges, EDGES);
}

int main(void)
{
    atexit(end);
    for (int round = 0; round < ROUNDS; round++) {
        end();
        add_edges(0, EARLY);
        add_nodes(NODES);
        clear(nodes, NODES);
        add_edges(EARLY, EDGES);
    }
    return 0;
}
