/* SPDX-License-Identifier: MIT */
/* The kind `presize`: buffers that grow in steps, by realloc, or by a larger block, a copy and a release, as
 * std::vector does it. A chain is one such buffer, from the first step that makes it larger to the last one.
 * Lines that fill one container are one group: its steps are counted at the group's leader. States the
 * capacity to begin with. */
#include "presize_query.h"

#include "tenure/analysis.h"
#include "tenure/cplusplus.h"
#include "tenure/kinds.h"
#include "tenure/releases.h"
#include "tenure/size_histogram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct presize_site {
    uint64_t chains;                /* chains */
    uint64_t growth_steps;          /* births larger than the block they follow */
    uint64_t copy_steps;            /* of those, by copying outside realloc */
    uint64_t outgrown_texts;        /* chains that began when a text outgrew what it keeps in itself */
    uint64_t other_replacements;    /* blocks released right after the birth of one that is not larger */
    uint64_t fresh_index;           /* birth_index of its last birth, until a block of the site is released */
    uint64_t moved_bytes;           /* upper bound of bytes copied: what the old blocks held */
    struct tn_map pairs;            /* pairs of stacks, of a birth and of a release, that made a step -> 1 */
    struct tn_map births;           /* the same, of the birth of the larger block and of the other one's */
    struct tn_size_histogram steps; /* sizes that buffers grew to */
    struct tn_size_histogram finals; /* sizes at which they ended */
};

struct presize_state {
    struct presize_site *sites; /* owned; by site */
    size_t site_count;
    uint32_t *leaders;      /* owned; by site: another one of its group, nearer to the leader; or itself */
    struct tn_map outgrown; /* stack of a birth -> 1, or 2 if its block is the first of a text that grew */
    uint64_t min_chains;
    double min_steps;
};

static const struct tn_threshold thresholds[] = {
    {"presize.chains", 5, 1, 1e12, "buffers of a site that grew, at least",
     "fewer show no rule for the capacity to start with"},
    {"presize.steps", 2, 1, 1000, "growth steps of a buffer on average, at least",
     "one step is an adjustment; growth shows from the second"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct presize_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    *ret_state = state;
    state->min_chains = (uint64_t)tn_pass_threshold(pass, "presize.chains");
    state->min_steps = tn_pass_threshold(pass, "presize.steps");
    state->site_count = pass->site_count;
    state->sites = calloc(pass->site_count, sizeof(state->sites[0]));
    state->leaders = calloc(pass->site_count, sizeof(state->leaders[0]));
    for (uint32_t site = 0; state->leaders != NULL && site < pass->site_count; site++)
        state->leaders[site] = site;
    return state->sites != NULL && state->leaders != NULL ? 0 : -ENOMEM;
}

static uint32_t find_leader(const struct presize_state *state, uint32_t site)
{
    while (state->leaders[site] != site)
        site = state->leaders[site] = state->leaders[state->leaders[site]];
    return site;
}

static int move_sizes(struct tn_size_histogram *from, struct tn_size_histogram *to)
{
    struct tn_size_count *list;
    size_t count;
    int r = tn_size_histogram_list(from, &list, &count);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = tn_size_histogram_add(to, list[i].size_bytes, list[i].count);
    free(list);
    tn_size_histogram_finish(from);
    return r;
}

/* Add the keys of one set to another, and empty it. */
static int move_keys(struct tn_map *from, struct tn_map *to)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < from->capacity; i++)
        if (from->entries[i].key != 0)
            r = tn_map_put(to, from->entries[i].key, 1);
    tn_map_finish(from);
    return r;
}

/* Make one group of those of two sites. */
static int join(struct presize_state *state, uint32_t one, uint32_t other)
{
    uint32_t leader = find_leader(state, one), follower = find_leader(state, other);
    if (leader == follower)
        return 0;
    if (follower < leader) {
        uint32_t lower = follower;
        follower = leader;
        leader = lower;
    }
    struct presize_site *from = &state->sites[follower], *to = &state->sites[leader];
    state->leaders[follower] = leader;
    to->chains += from->chains;
    to->growth_steps += from->growth_steps;
    to->copy_steps += from->copy_steps;
    to->outgrown_texts += from->outgrown_texts;
    to->other_replacements += from->other_replacements;
    to->moved_bytes += from->moved_bytes;
    int r = move_sizes(&from->steps, &to->steps);
    if (r == 0)
        r = move_sizes(&from->finals, &to->finals);
    if (r == 0)
        r = move_keys(&from->pairs, &to->pairs);
    return r < 0 ? r : move_keys(&from->births, &to->births);
}

/* Count a step; grown: steps in a row, this one included. */
static int note_step(struct presize_site *site, uint64_t before_bytes, uint64_t size_bytes, uint32_t grown)
{
    site->growth_steps++;
    site->moved_bytes += before_bytes;
    site->chains += grown == 1;
    int r = tn_size_histogram_add(&site->steps, size_bytes, 1);
    if (r == 0 && grown > 1)
        r = tn_size_histogram_add(&site->finals, before_bytes, UINT64_MAX);
    return r < 0 ? r : tn_size_histogram_add(&site->finals, size_bytes, 1);
}

static int birth(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct presize_state *state = own;
    const struct tn_block *block = event->block;
    state->sites[block->site].fresh_index = pass->allocation_count;
    if (block->chain_grown == 0)
        return 0;
    return note_step(&state->sites[find_leader(state, block->site)], event->previous_size_bytes,
                     block->size_bytes, block->chain_grown);
}

/* Count a chain that begins with this block, if that is the first of a text. */
static int note_text(struct presize_state *state, const struct tn_pass *pass, struct presize_site *site,
                     const struct tn_block *block)
{
    if (block->chain_grown != 0 || block->stack_id == 0)
        return 0;
    uint64_t *known = tn_map_find(&state->outgrown, block->stack_id);
    if (known != NULL) {
        site->outgrown_texts += *known == 2;
        return 0;
    }
    bool is_first;
    int r = tn_pass_outgrew_inline(pass, block->stack_id, &is_first);
    if (r < 0)
        return r;
    site->outgrown_texts += is_first;
    return tn_map_put(&state->outgrown, block->stack_id, is_first ? 2 : 1);
}

static int death(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct presize_state *state = own;
    const struct tn_block *block = event->block;
    const struct tn_block *next = event->successor != NULL ? event->successor : event->other_successor;
    struct presize_site *seen = &state->sites[block->site];
    bool is_replaced = seen->fresh_index == pass->allocation_count && block->birth_index != seen->fresh_index;
    seen->fresh_index = 0;
    int r = next != NULL ? join(state, block->site, next->site) : 0;
    struct presize_site *site = &state->sites[find_leader(state, block->site)];
    if (next == NULL) {
        site->other_replacements += is_replaced;
        return 0;
    }
    site->copy_steps++;
    uint64_t pair = (uint64_t)next->stack_id << 32 | event->event->stack_id;
    if (r == 0)
        r = tn_map_put(&site->pairs, pair, 1);
    if (r == 0)
        r = tn_map_put(&site->births, (uint64_t)next->stack_id << 32 | block->stack_id, 1);
    if (r == 0)
        r = note_text(state, pass, site, block);
    return r < 0 ? r : note_step(site, block->size_bytes, next->size_bytes, block->chain_grown + 1);
}

/* ---------------------------------------------------------------------------------------- findings */

/* The capacity to advise, from the sizes that buffers ended with. */
struct capacity {
    uint64_t final_bytes; /* largest */
    uint64_t median_bytes;
    uint64_t initial_bytes; /* advised capacity to begin with */
    uint64_t steps_spared;  /* steps that this capacity spares */
    bool is_predictable;    /* it holds most buffers without wasting much */
};

static int weigh(struct presize_site *site, struct capacity *ret_capacity)
{
    struct tn_size_count *list;
    size_t count;
    int r = tn_size_histogram_list(&site->finals, &list, &count);
    if (r < 0)
        return r;
    struct capacity capacity = {.median_bytes = tn_size_histogram_quantile(list, count, 500)};
    capacity.final_bytes = count != 0 ? list[count - 1].size_bytes : 0;
    uint64_t p90_bytes = tn_size_histogram_quantile(list, count, 900);
    bool is_even = capacity.final_bytes <= 4 * capacity.median_bytes;
    capacity.initial_bytes = is_even ? capacity.final_bytes : p90_bytes;
    capacity.is_predictable = is_even || p90_bytes <= 4 * capacity.median_bytes;
    free(list);
    r = tn_size_histogram_list(&site->steps, &list, &count);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count && list[i].size_bytes <= capacity.initial_bytes; i++)
        capacity.steps_spared += list[i].count;
    free(list);
    *ret_capacity = capacity;
    return 0;
}

/* Sites that are one group, the leader first. */
struct growing_lines {
    uint32_t *sites; /* owned */
    size_t count;
    uint64_t allocations;    /* of all */
    uint64_t min_size_bytes; /* likewise */
};

static int find_group(const struct presize_state *state, const struct tn_pass *pass, uint32_t leader,
                      struct growing_lines *ret_group)
{
    *ret_group = (struct growing_lines){.sites = calloc(state->site_count, sizeof(ret_group->sites[0]))};
    if (ret_group->sites == NULL)
        return -ENOMEM;
    ret_group->min_size_bytes = UINT64_MAX;
    for (uint32_t site = leader; site < state->site_count; site++) {
        const struct tn_pass_site *seen = &pass->sites[site];
        if (find_leader(state, site) != leader)
            continue;
        ret_group->sites[ret_group->count++] = site;
        ret_group->allocations += seen->allocations;
        if (seen->min_size_bytes < ret_group->min_size_bytes)
            ret_group->min_size_bytes = seen->min_size_bytes;
    }
    return 0;
}

static bool is_growing(const struct presize_state *state, const struct tn_pass *pass, uint32_t leader)
{
    const struct presize_site *site = &state->sites[leader];
    uint64_t steps = site->growth_steps + site->outgrown_texts;
    return find_leader(state, leader) == leader && !pass->sites[leader].is_runtime &&
           site->chains >= state->min_chains && (double)steps >= state->min_steps * (double)site->chains;
}

static void fill_evidence(const struct presize_site *site, const struct growing_lines *group,
                          const struct capacity *capacity, struct tn_finding *finding)
{
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_count(evidence, "chains", site->chains);
    tn_evidence_add_count(evidence, "growth_steps", site->growth_steps);
    tn_evidence_add_bytes(evidence, "final_bytes", capacity->final_bytes);
    tn_evidence_add_bytes(evidence, "median_final_bytes", capacity->median_bytes);
    tn_evidence_add_bytes(evidence, "initial_bytes", capacity->initial_bytes);
    tn_evidence_add_bytes(evidence, "first_bytes", group->min_size_bytes);
    tn_evidence_add_bytes(evidence, "copied_bytes", site->moved_bytes);
    tn_evidence_add_count(evidence, "outgrown_texts", site->outgrown_texts);
    tn_evidence_add_text(evidence, "by", site->copy_steps * 2 > site->growth_steps ? "copy" : "realloc");
}

static int fill_texts(const struct presize_site *site, const struct capacity *capacity,
                      struct tn_finding *finding)
{
    char place[256], chains[TN_QUANTITY_TEXT_BYTES], steps[TN_QUANTITY_TEXT_BYTES];
    char copied[TN_QUANTITY_TEXT_BYTES], initial[TN_QUANTITY_TEXT_BYTES], final[TN_QUANTITY_TEXT_BYTES];
    tn_print_count(initial, capacity->initial_bytes);
    tn_print_count(final, capacity->final_bytes);
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_count(chains, site->chains);
    tn_print_count(steps, site->growth_steps);
    tn_print_bytes(copied, site->moved_bytes);
    bool is_copy = site->copy_steps * 2 > site->growth_steps;
    int r = tn_finding_set(&finding->title, "%s %s B at %s: %s buffer%s grew there in %s step%s, up to %s B",
                           is_copy ? "Reserve" : "Start with", initial, place, chains,
                           site->chains == 1 ? "" : "s", steps, site->growth_steps == 1 ? "" : "s", final);
    if (r < 0)
        return r;
    return tn_finding_set(&finding->advice,
                          "%s %s B in %s, instead of growing step by step: each step needs the old and the"
                          " new block at once, and %s were copied.",
                          is_copy ? "Reserve (or allocate at first)" : "Start with",
                          tn_count_text(capacity->initial_bytes).text, place, copied);
}

/* The size of an element, where all lines add one after the other: the smallest block had room for one. 0:
 * not known. */
static int find_element(const struct tn_pass *pass, const struct growing_lines *group,
                        uint64_t *ret_element_bytes)
{
    *ret_element_bytes = group->min_size_bytes;
    for (size_t i = 0; i < group->count; i++) {
        struct tn_made_by made_by;
        int r = tn_pass_maker(pass, group->sites[i], &made_by);
        if (r < 0)
            return r;
        if (strcmp(made_by.operation, "push_back") != 0 && strcmp(made_by.operation, "emplace_back") != 0)
            *ret_element_bytes = 0;
    }
    return 0;
}

/* In words of C++, where a container grows. */
static int fill_cplusplus(const struct tn_pass *pass, const struct presize_site *site,
                          const struct growing_lines *group, const struct capacity *capacity,
                          const struct tn_made_by *made_by, struct tn_finding *finding)
{
    char place[TN_FINDING_PLACES_BYTES];
    tn_finding_places(finding->sites, finding->site_count, place, sizeof(place));
    struct tn_cplusplus_scene scene = {.made_by = made_by,
                                       .place = place,
                                       .allocations = site->chains,
                                       .block_bytes = capacity->initial_bytes};
    int r = find_element(pass, group, &scene.element_bytes);
    return r < 0 ? r : tn_cplusplus_presize_words(&scene, finding);
}

static int fill_finding(const struct presize_site *site, const struct tn_pass *pass,
                        const struct growing_lines *group, const struct capacity *capacity,
                        struct tn_finding *finding)
{
    /* if buffers replace each other instead of growing, half of them are larger than the last */
    bool is_growth = site->copy_steps == 0 || site->other_replacements * 10 <= site->copy_steps;
    finding->confidence =
        capacity->is_predictable && is_growth ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
    finding->saving.allocations_removed = capacity->steps_spared;
    finding->apply = TN_APPLY_PRESIZE;
    finding->apply_bytes = capacity->initial_bytes;
    struct tn_made_by made_by = {0};
    int r = tn_pass_maker(pass, group->sites[0], &made_by);
    if (r == 0)
        r = tn_cplusplus_presize_has(made_by.maker)
                ? fill_cplusplus(pass, site, group, capacity, &made_by, finding)
                : fill_texts(site, capacity, finding);
    fill_evidence(site, group, capacity, finding);
    if (r == 0)
        r = tn_finding_add_condition(finding, "largest-seen", NULL, 0,
                                     "later ones grow as large: %s B is what these came to",
                                     tn_count_text(capacity->initial_bytes).text);
    const struct tn_growth_steps steps = {&site->pairs, &site->births};
    return r == 0 ? tn_presize_fill_query(pass, group->sites, group->count, &steps, finding) : r;
}

static int add_finding(const struct presize_state *state, const struct tn_pass *pass,
                       const struct growing_lines *group, struct tn_findings *findings)
{
    struct presize_site *site = &state->sites[group->sites[0]];
    struct capacity capacity;
    struct tn_finding finding;
    int r = weigh(site, &capacity);
    if (r == 0)
        r = tn_finding_begin(pass, &tn_kind_presize, group->sites, group->count, &finding);
    if (r < 0)
        return r;
    r = fill_finding(site, pass, group, &capacity, &finding);
    if (r == 0)
        r = tn_pass_add_finding(pass, group->sites, group->count, &finding, findings);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

static int conclude(void *own, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct presize_state *state = own;
    int r = 0;
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++) {
        if (!is_growing(state, pass, site))
            continue;
        struct growing_lines group;
        r = find_group(state, pass, site, &group);
        if (r == 0 && group.allocations >= pass->options->min_allocations)
            r = add_finding(state, pass, &group, findings);
        free(group.sites);
    }
    return r;
}

static void finish(void *own)
{
    struct presize_state *state = own;
    for (size_t i = 0; state != NULL && state->sites != NULL && i < state->site_count; i++) {
        tn_size_histogram_finish(&state->sites[i].finals);
        tn_size_histogram_finish(&state->sites[i].steps);
        tn_map_finish(&state->sites[i].pairs);
        tn_map_finish(&state->sites[i].births);
    }
    if (state != NULL) {
        free(state->sites);
        free(state->leaders);
        tn_map_finish(&state->outgrown);
    }
    free(state);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("chains", COUNT, COUNT), TN_TOLD("", " buffers grown"), .is_required = true, .is_detail = true,
     .is_summed = true},
    {TN_KEY("growth_steps", COUNT, COUNT), TN_TOLD("in ", " steps"), .is_required = true, .is_detail = true,
     .is_summed = true},
    {TN_KEY("final_bytes", COUNT, BYTES), TN_TOLD("up to ", ""), .is_required = true, .is_detail = true},
    {TN_KEY("median_final_bytes", COUNT, BYTES), TN_TOLD("half up to ", ""), .is_detail = true},
    {TN_KEY("copied_bytes", COUNT, BYTES), TN_TOLD("", " copied on the way"), .is_silent_at_zero = true,
     .is_summed = true},
    {TN_KEY("initial_bytes", COUNT, BYTES)},
    {TN_KEY("first_bytes", COUNT, BYTES)},
    {TN_KEY("outgrown_texts", COUNT, COUNT), .is_summed = true},
    {TN_KEY("by", TEXT, NONE)},
    {TN_KEY("made_by", TEXT, NONE)},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", "combine", "arena", NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .death = death,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_presize = {
    .name = "presize",
    .summary = "buffers that grow in steps: the capacity to start with",
    .tactic = "Parameterize strings and buffers",
    .verify = "Record again: this line makes one block for each buffer, and no larger one that replaces it.",
    .weight = 0.5,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
