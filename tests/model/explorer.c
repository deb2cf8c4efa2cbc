/* SPDX-License-Identifier: MIT */

/* The explorer of model.h: depth first over the choices that a scene has at each step. An order is a list of
 * choices; to try the next one, the state before the last choice is brought back. Each new state is hashed,
 * and an order ends where its state is known. Afterwards the graph of states is searched backwards from the
 * ends: a state from which no end can be reached is one where somebody waits for ever. */

#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX   2000
#define STATES_MAX  ((uint32_t)1 << 22)
#define CHOICES_MAX 32

/* One step that has been taken, and what else could have been done there. */
struct fork_in_road {
    struct machine_action choices[CHOICES_MAX];
    int count, taken;
    uint32_t state;                    /* number of the state before it */
    struct machine_snapshot *snapshot; /* that state; kept if there is more than one choice */
};

static struct fork_in_road road[DEPTH_MAX];
static unsigned road_length;

/* ------------------------------------------------------------------------------------- known states */

static uint64_t *known; /* open addressing; 0: free */
static uint32_t *known_number;
static uint32_t known_count;
static unsigned char *can_end; /* by number */
static struct {
    uint32_t from, to;
} * edges;
static uint32_t edge_count, edge_room;

/* The number of a state; whether it is new. */
static uint32_t look_up(uint64_t hash, bool *ret_is_new)
{
    hash += hash == 0;
    uint32_t at = (uint32_t)(hash >> 20) & (2 * STATES_MAX - 1);
    while (known[at] != 0 && known[at] != hash)
        at = (at + 1) & (2 * STATES_MAX - 1);
    *ret_is_new = known[at] == 0;
    if (*ret_is_new) {
        if (known_count + 1 >= STATES_MAX) {
            fputs("the model has too many states\n", stderr);
            exit(2);
        }
        known[at] = hash;
        known_number[at] = ++known_count;
    }
    return known_number[at];
}

static void add_edge(uint32_t from, uint32_t to)
{
    if (edge_count == edge_room) {
        edge_room = edge_room != 0 ? 2 * edge_room : 1 << 16;
        edges = realloc(edges, edge_room * sizeof(*edges));
        if (edges == NULL)
            exit(2);
    }
    edges[edge_count].from = from;
    edges[edge_count++].to = to;
}

static void forget_states(void)
{
    if (known == NULL) {
        known = malloc(2 * STATES_MAX * sizeof(*known));
        known_number = malloc(2 * STATES_MAX * sizeof(*known_number));
        can_end = malloc(STATES_MAX);
        if (known == NULL || known_number == NULL || can_end == NULL)
            exit(2);
        memset(known, 0, 2 * STATES_MAX * sizeof(*known));
    }
    if (known_count != 0)
        memset(known, 0, 2 * STATES_MAX * sizeof(*known));
    memset(can_end, 0, STATES_MAX);
    known_count = 0;
    edge_count = 0;
}

/* Backwards from the ends, until nothing changes. Returns whether every state can come to an end. */
static bool all_can_end(void)
{
    bool has_changed = true;
    while (has_changed) {
        has_changed = false;
        for (uint32_t i = edge_count; i-- > 0;)
            if (can_end[edges[i].to] && !can_end[edges[i].from]) {
                can_end[edges[i].from] = 1;
                has_changed = true;
            }
    }
    for (uint32_t number = 1; number <= known_count; number++)
        if (!can_end[number])
            return false;
    return true;
}

/* ---------------------------------------------------------------------------------------- one order */

/* Go on from the road's end through new states. */
static void go_on(struct model_result *result)
{
    uint32_t previous = road_length > 0 ? road[road_length - 1].state : 0;
    for (;;) {
        bool is_new;
        uint32_t number = look_up(machine_hash(), &is_new);
        if (previous != 0)
            add_edge(previous, number);
        if (!is_new || machine_has_failed())
            return;
        struct fork_in_road *here = &road[road_length];
        here->count = machine_choices(here->choices, CHOICES_MAX);
        if (here->count == 0) {
            can_end[number] = 1;
            machine_check();
            return;
        }
        if (road_length + 1 >= DEPTH_MAX) {
            model_fail("no end within %d steps", DEPTH_MAX);
            return;
        }
        here->taken = 0;
        if (here->count > 1)
            here->snapshot = machine_save(here->snapshot);
        here->state = number;
        previous = number;
        road_length++;
        result->steps++;
        if (road_length > result->depth_max)
            result->depth_max = road_length;
        machine_act(here->choices[0]);
    }
}

/* Turn to the next choice that was not tried; false if there is none. */
static bool turn(void)
{
    while (road_length > 0 && road[road_length - 1].taken + 1 >= road[road_length - 1].count)
        road_length--;
    if (road_length == 0)
        return false;
    struct fork_in_road *last = &road[road_length - 1];
    last->taken++;
    machine_restore(last->snapshot);
    machine_act(last->choices[last->taken]);
    return true;
}

static void print_road(void)
{
    for (unsigned i = 0; i < road_length; i++)
        machine_print_action(road[i].choices[road[i].taken]);
}

struct model_result model_explore(const struct model_scene *scene, const struct model_fault *fault,
                                  bool prints_road)
{
    struct model_result result;
    memset(&result, 0, sizeof(result));
    forget_states();
    machine_load(scene, fault);
    road_length = 0;
    machine_begin();
    do {
        go_on(&result);
        result.orders++;
    } while (!machine_has_failed() && turn());
    result.states = known_count;
    result.has_failed = machine_has_failed();
    snprintf(result.story, sizeof(result.story), "%s", machine_story());
    if (result.has_failed && prints_road)
        print_road();
    if (!result.has_failed && !all_can_end()) {
        result.has_failed = true;
        snprintf(result.story, sizeof(result.story), "from some state no end can be reached");
    }
    return result;
}
