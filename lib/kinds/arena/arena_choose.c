/* SPDX-License-Identifier: MIT */
/* The kind `arena`: which functions are worth one. The first chosen is the one that serves the largest share
 * of the process's allocations less the share that its peak rises by; the next serve what those
 * before them do not. Called once, by arenas.c. */
#include "arenas.h"

#include <errno.h>
#include <stdlib.h>

/* What is summed up of a function while the stacks of one site are looked at. */
struct site_sum {
    uint32_t site;        /* index in tn_pass.sites that the rest is about; 0: none yet */
    uint64_t births;      /* of the site in the function's calls */
    uint64_t free_births; /* of these: that no arena chosen before serves */
    uint64_t settled;     /* see tn_arena_stack */
    uint64_t escapes;     /* of these: that outlived the call */
};

struct choosing {
    struct tn_arenas *arenas;
    const struct tn_pass *pass;
    struct tn_arena_limits limits;
    struct tn_arena_candidate *candidates; /* owned; by function */
    struct site_sum *sums;                 /* owned; by function */
    uint32_t *stacks;                      /* owned; rows of stacks with births, by site */
    size_t stack_count;                    /* in stacks */
    bool *is_taken;                        /* owned; by stack row: an arena that was chosen serves it */
};

/* ---------------------------------------------------------------------------------------- sums */

static bool is_listed(const struct choosing *choosing, uint32_t stack_id)
{
    uint32_t site = choosing->pass->nodes[stack_id].site;
    return choosing->arenas->stacks[stack_id].births != 0 && choosing->arenas->can_serve[site];
}

/* All stacks with births, those of one site together: a counting sort. */
static int list_stacks(struct choosing *choosing)
{
    const struct tn_pass *pass = choosing->pass;
    size_t *starts = calloc(pass->site_count + 1, sizeof(starts[0]));
    choosing->stacks = calloc(pass->node_count, sizeof(choosing->stacks[0]));
    if (starts == NULL || choosing->stacks == NULL) {
        free(starts);
        return -ENOMEM;
    }
    for (uint32_t id = 1; id < pass->node_count; id++)
        if (is_listed(choosing, id))
            starts[pass->nodes[id].site + 1]++;
    for (size_t site = 0; site < pass->site_count; site++)
        starts[site + 1] += starts[site];
    for (uint32_t id = 1; id < pass->node_count; id++)
        if (is_listed(choosing, id)) {
            choosing->stacks[starts[pass->nodes[id].site]++] = id;
            choosing->stack_count++;
        }
    free(starts);
    return 0;
}

static void take_sum(struct choosing *choosing, uint32_t function)
{
    struct site_sum *sum = &choosing->sums[function];
    const struct tn_pass_site *seen = &choosing->pass->sites[sum->site];
    struct tn_arena_candidate *candidate = &choosing->candidates[function];
    candidate->births += sum->births;
    if ((double)sum->escapes <= choosing->limits.escapes * (double)sum->settled) {
        candidate->served += sum->births;
        candidate->free_served += sum->free_births;
        candidate->site_count += sum->births != 0;
        candidate->peak_bytes += sum->births == 0 ? 0
                                                  : (double)seen->live_bytes_at_peak * (double)sum->births /
                                                        (double)seen->allocations;
    }
    *sum = (struct site_sum){0};
}

static void add_stack(struct choosing *choosing, uint32_t stack_id)
{
    const struct tn_pass *pass = choosing->pass;
    struct tn_arenas *arenas = choosing->arenas;
    const struct tn_arena_stack *stack = &arenas->stacks[stack_id];
    struct tn_arena_escapes escapes = {.stack_id = stack_id};
    uint32_t site = pass->nodes[stack_id].site;
    for (uint32_t node = stack_id; node != 0; node = pass->nodes[node].caller_id) {
        uint32_t frame_id = pass->nodes[node].frame_id;
        if (frame_id >= arenas->frames->frame_count || !tn_arena_is_outermost(arenas, pass, node))
            continue;
        uint32_t function = arenas->frames->frames[frame_id].source.function;
        struct site_sum *sum = &choosing->sums[function];
        if (sum->site != site)
            take_sum(choosing, function);
        sum->site = site;
        sum->births += stack->births;
        sum->free_births += choosing->is_taken[stack_id] ? 0 : stack->births;
        sum->settled += stack->settled;
        sum->escapes += tn_arena_escapes_at(arenas, pass, &escapes, pass->nodes[node].depth);
    }
}

static void sum_up(struct choosing *choosing)
{
    size_t count = choosing->arenas->frames->function_count;
    for (uint32_t function = 0; function < count; function++)
        choosing->candidates[function] = (struct tn_arena_candidate){.function = function};
    for (size_t i = 0; i < choosing->stack_count; i++)
        add_stack(choosing, choosing->stacks[i]);
    for (uint32_t function = 0; function < count; function++)
        take_sum(choosing, function);
}

/* ---------------------------------------------------------------------------------------- weighing */

/* Whether the function is a transaction: called again and again, several blocks a call, of several sites,
 * nearly all of which an arena could serve. */
static bool is_transaction(const struct choosing *choosing, const struct tn_arena_candidate *candidate)
{
    const struct tn_arena_function *counts = &choosing->arenas->functions[candidate->function];
    const struct tn_arena_limits *limits = &choosing->limits;
    return choosing->arenas->frames->functions[candidate->function].is_program &&
           candidate->site_count >= 2 && counts->serving_calls >= limits->calls &&
           candidate->served >= 2 * counts->serving_calls &&
           (double)candidate->served >= limits->contained * (double)candidate->births &&
           candidate->arena_bytes * candidate->arena_count <= limits->max_bytes;
}

static void weigh(const struct choosing *choosing, struct tn_arena_candidate *candidate)
{
    const struct tn_arena_function *counts = &choosing->arenas->functions[candidate->function];
    const struct tn_pass *pass = choosing->pass;
    candidate->arena_bytes = counts->max_bytes;
    candidate->arena_count = counts->max_holding;
    /* its sites may have blocks of other functions then; in its calls no more was ever live */
    double most_bytes = (double)(counts->peak_bytes * counts->max_holding);
    if (candidate->peak_bytes > most_bytes)
        candidate->peak_bytes = most_bytes;
    double more_bytes = (double)(candidate->arena_bytes * candidate->arena_count) - candidate->peak_bytes;
    candidate->score = (double)candidate->free_served / (double)(pass->allocation_count + 1) -
                       more_bytes / (double)(pass->peak_live_bytes + 1);
}

/* The best one that shares no block with those chosen before; NULL: none is worth it. Of two that cost and
 * serve the same, the one with fewer calls. */
static const struct tn_arena_candidate *find_best(struct choosing *choosing)
{
    const struct tn_arena_candidate *best = NULL;
    const struct tn_arena_function *functions = choosing->arenas->functions;
    for (uint32_t function = 1; function < choosing->arenas->frames->function_count; function++) {
        struct tn_arena_candidate *candidate = &choosing->candidates[function];
        weigh(choosing, candidate);
        double least = choosing->limits.allocations_share * (double)choosing->pass->allocation_count;
        if (!is_transaction(choosing, candidate) || candidate->score <= 0 ||
            candidate->free_served != candidate->served || (double)candidate->served < least)
            continue;
        if (best == NULL || candidate->score > best->score ||
            (candidate->score == best->score && functions[function].calls < functions[best->function].calls))
            best = candidate;
    }
    return best;
}

/* ---------------------------------------------------------------------------------------- choices */

/* Put a candidate among the nested ones, most served first; the last one falls off. */
static void insert_nested(struct tn_arena_choice *choice, const struct tn_arena_candidate *candidate)
{
    size_t at = choice->nested_count;
    while (at > 0 && choice->nested[at - 1].served < candidate->served)
        at--;
    if (at == TN_ARENA_NESTED_MAX)
        return;
    if (choice->nested_count < TN_ARENA_NESTED_MAX)
        choice->nested_count++;
    for (size_t i = choice->nested_count - 1; i > at; i--)
        choice->nested[i] = choice->nested[i - 1];
    choice->nested[at] = *candidate;
}

/* Note the functions that share blocks with the chosen one, and take its blocks. */
static int take(struct choosing *choosing, struct tn_arena_choice *choice)
{
    struct tn_arenas *arenas = choosing->arenas;
    const struct tn_pass *pass = choosing->pass;
    struct tn_arena_survey survey;
    bool *shares = calloc(arenas->frames->function_count, sizeof(shares[0]));
    int r = tn_arena_survey(arenas, pass, choice->own.function, choosing->limits.escapes, &survey);
    if (r == 0 && shares == NULL)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && i < survey.served_count; i++)
        for (size_t s = 0; s < survey.sites[i].stack_count; s++) {
            choosing->is_taken[survey.sites[i].stacks[s]] = true;
            for (uint32_t node = survey.sites[i].stacks[s]; node != 0; node = pass->nodes[node].caller_id)
                if (pass->nodes[node].frame_id < arenas->frames->frame_count)
                    shares[arenas->frames->frames[pass->nodes[node].frame_id].source.function] = true;
        }
    for (uint32_t function = 1; r == 0 && function < arenas->frames->function_count; function++)
        if (shares[function] && function != choice->own.function &&
            is_transaction(choosing, &choosing->candidates[function]))
            insert_nested(choice, &choosing->candidates[function]);
    tn_arena_survey_finish(&survey);
    free(shares);
    return r;
}

static int choose(struct choosing *choosing, size_t max_count, struct tn_arena_choice *choices,
                  size_t *ret_count)
{
    int r = list_stacks(choosing);
    *ret_count = 0;
    while (r == 0 && *ret_count < max_count) {
        sum_up(choosing);
        const struct tn_arena_candidate *best = find_best(choosing);
        if (best == NULL)
            break;
        choices[*ret_count] = (struct tn_arena_choice){.own = *best};
        r = take(choosing, &choices[(*ret_count)++]);
    }
    return r;
}

int tn_arena_choose(struct tn_arenas *arenas, const struct tn_pass *pass,
                    struct tn_arena_choice **ret_choices, size_t *ret_count)
{
    size_t max_count = (size_t)tn_pass_threshold(pass, "arena.max-count");
    size_t functions = arenas->frames->function_count;
    struct choosing choosing = {
        .arenas = arenas,
        .pass = pass,
        .limits = {.calls = (uint64_t)tn_pass_threshold(pass, "arena.calls"),
                   .allocations_share = tn_pass_threshold(pass, "arena.allocations-share"),
                   .contained = tn_pass_threshold(pass, "arena.contained"),
                   .escapes = tn_pass_threshold(pass, "arena.escapes"),
                   .max_bytes = (uint64_t)tn_pass_threshold(pass, "arena.max-bytes")},
        .candidates = calloc(functions + 1, sizeof(choosing.candidates[0])),
        .sums = calloc(functions + 1, sizeof(choosing.sums[0])),
        .is_taken = calloc(pass->node_count + 1, sizeof(choosing.is_taken[0])),
    };
    struct tn_arena_choice *choices = calloc(max_count, sizeof(choices[0]));
    bool has_room =
        choices != NULL && choosing.candidates != NULL && choosing.sums != NULL && choosing.is_taken != NULL;
    int r = has_room ? choose(&choosing, max_count, choices, ret_count) : -ENOMEM;
    free(choosing.candidates);
    free(choosing.sums);
    free(choosing.stacks);
    free(choosing.is_taken);
    if (r < 0 || *ret_count == 0) {
        free(choices);
        choices = NULL;
        *ret_count = 0;
    }
    *ret_choices = choices;
    return r;
}
