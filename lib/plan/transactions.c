/* SPDX-License-Identifier: MIT */
/* Which functions are the transactions of the program: entered again and again, each time making several
 * blocks of several lines, all of which are gone when it returns. Of functions around each other that contain
 * about the same blocks the innermost is told: it does the work, those around it wait for it. */
#include "planning.h"

#include <errno.h>
#include <stdlib.h>

#define ROWS_MAX        3
#define CALLS_MIN       10   /* what fewer calls show may be chance */
#define BLOCKS_A_CALL   2    /* at least; a single block is a temporary */
#define SHARE_MIN       0.02 /* of the process's allocations: below, it is no part of the program's shape */
#define NEARLY          0.75 /* of what the best function contains: about the same */
#define CONTAINED_SHARE 0.9  /* of a stack's blocks: a transaction may keep a few */

/* What one function's calls contain of what no row has yet. */
struct transaction {
    uint64_t births;
    uint32_t site; /* the last one counted */
    uint32_t site_count;
    uint32_t frame_id;     /* its frame in the stack with most births */
    uint64_t frame_births; /* with that stack */
};

/* A buffer that the function which asked for it releases is its own matter, whatever lies around it. */
static bool is_own(const struct tn_plan_stack *stack)
{
    return (double)stack->own >= CONTAINED_SHARE * (double)stack->settled;
}

static bool is_open(const struct tn_plan_stack *stack)
{
    return stack->births != 0 && stack->kind == TN_LIFETIME_TEMPORARY && stack->row == TN_PLAN_NONE &&
           !is_own(stack);
}

/* Whether the calls of the function at a node contain the stack's blocks. */
static bool is_in_calls(const struct tn_planning *planning, uint32_t stack_id, uint32_t node)
{
    uint64_t blocks = tn_plan_contained_at(planning, stack_id, planning->pass->nodes[node].depth);
    return (double)blocks >= CONTAINED_SHARE * (double)planning->stacks[stack_id].settled;
}

static uint32_t function_at(const struct tn_planning *planning, uint32_t node)
{
    uint32_t frame_id = planning->pass->nodes[node].frame_id;
    return frame_id < planning->frames->frame_count ? planning->frames->frames[frame_id].source.function : 0;
}

/* Count a stack for each function on it whose outermost call contains its blocks. */
static void count_stack(const struct tn_planning *planning, uint32_t stack_id,
                        struct transaction *transactions)
{
    const struct tn_pass *pass = planning->pass;
    uint64_t births = planning->stacks[stack_id].births;
    for (uint32_t node = stack_id; node != 0; node = pass->nodes[node].caller_id) {
        uint32_t function = function_at(planning, node);
        if (function == 0 || !planning->frames->functions[function].is_program ||
            tn_plan_level_of(planning, stack_id, function) != pass->nodes[node].depth ||
            !is_in_calls(planning, stack_id, node))
            continue;
        struct transaction *own = &transactions[function];
        own->births += births;
        own->site_count += own->site != tn_plan_site_of(planning, stack_id);
        own->site = tn_plan_site_of(planning, stack_id);
        if (births > own->frame_births) {
            own->frame_births = births;
            own->frame_id = pass->nodes[node].frame_id;
        }
    }
}

static bool is_transaction(const struct tn_planning *planning, uint32_t function,
                           const struct transaction *own)
{
    uint64_t calls = planning->contained->functions[function].calls;
    return calls >= CALLS_MIN && own->births >= BLOCKS_A_CALL * calls && own->site_count >= 2 &&
           (double)own->births >= SHARE_MIN * (double)planning->pass->allocation_count;
}

/* Of those that contain nearly as much as the best one, that with most calls. 0: there is none. */
static uint32_t find_best(const struct tn_planning *planning, const struct transaction *transactions)
{
    uint64_t most = 0;
    uint32_t best = 0;
    for (uint32_t function = 1; function < planning->frames->function_count; function++)
        if (transactions[function].births > most &&
            is_transaction(planning, function, &transactions[function]))
            most = transactions[function].births;
    for (uint32_t function = 1; most != 0 && function < planning->frames->function_count; function++) {
        bool is_near = (double)transactions[function].births >= NEARLY * (double)most;
        if (is_near && is_transaction(planning, function, &transactions[function]) &&
            (best == 0 ||
             planning->contained->functions[function].calls > planning->contained->functions[best].calls))
            best = function;
    }
    return best;
}

/* The transaction takes all that its calls contain. */
static void take(struct tn_planning *planning, uint32_t function, uint32_t row)
{
    for (size_t i = 0; i < planning->site_starts[planning->pass->site_count]; i++) {
        uint32_t id = planning->by_site[i], level = tn_plan_level_of(planning, id, function);
        struct tn_plan_stack *stack = &planning->stacks[id];
        if (level == 0 || !is_open(stack) ||
            (double)tn_plan_contained_at(planning, id, level) < CONTAINED_SHARE * (double)stack->settled)
            continue;
        stack->kind = TN_LIFETIME_TRANSACTION;
        stack->row = row;
    }
}

static int add_row(struct tn_planning *planning, struct tn_plan *plan, struct transaction *transactions,
                   uint32_t function)
{
    struct tn_lifetime *row = tn_plan_add_row(plan, TN_LIFETIME_TRANSACTION);
    if (row == NULL)
        return -ENOMEM;
    row->mechanism = "arena";
    row->count = planning->contained->functions[function].calls;
    row->at_once = planning->contained->functions[function].at_once;
    int r = tn_pass_line(planning->pass, transactions[function].frame_id, &row->begin);
    if (r == 0)
        take(planning, function, (uint32_t)plan->lifetime_count - 1);
    return r;
}

int tn_plan_find_transactions(struct tn_planning *planning, struct tn_plan *plan)
{
    int r = 0;
    for (unsigned rows = 0; r == 0 && planning->frames != NULL && rows < ROWS_MAX; rows++) {
        struct transaction *transactions =
            calloc(planning->frames->function_count + 1, sizeof(transactions[0]));
        if (transactions == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < planning->site_starts[planning->pass->site_count]; i++)
            if (is_open(&planning->stacks[planning->by_site[i]]))
                count_stack(planning, planning->by_site[i], transactions);
        uint32_t best = find_best(planning, transactions);
        r = best != 0 ? add_row(planning, plan, transactions, best) : 0;
        free(transactions);
        if (best == 0)
            break;
    }
    return r;
}
