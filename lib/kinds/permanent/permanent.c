/* SPDX-License-Identifier: MIT */
/* The kind `permanent`: sites whose blocks all stay until the end. "init": all were made before
 * initialisation was done. "singleton": one at a time, each for most of the rest of the run. "teardown": the
 * others, made while the program was at work; more may have followed, so they are weak. A resized block lives
 * on in its successor. One finding also lists the sites that allocate after initialisation. */
#include "permanent.h"

#include "tenure/kinds.h"

#include <errno.h>
#include <stdlib.h>

static const struct tn_threshold thresholds[] = {
    {"permanent.rest-share", 0.9, 0.5, 1, "share of the run after its birth that a singleton lives, at least",
     "a block that lives for 90 % of the rest leaves no room worth sharing"},
    {"permanent.init-share", 0.1, 0.01, 0.9,
     "initialisation ends within this share of all allocations, where no mark says when",
     "docs/sites.md, mark `initialisation done`"},
    {"permanent.small-bytes", 256, 0, 1e9,
     "sites whose blocks take no more, in bytes, are one finding together",
     "a cache line or a few: not worth a change, nor a place in a list, of its own"},
    {"permanent.small-share", 0.001, 0, 1, "the same as a share of the peak, where that is more",
     "a thousandth: as for findings that the report tells in one line"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct tn_permanent *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    *ret_state = state;
    state->rest_share = tn_pass_threshold(pass, "permanent.rest-share");
    state->init_ns = pass->marks.initialised_ns;
    state->sites = calloc(pass->site_count, sizeof(state->sites[0]));
    return state->sites != NULL ? 0 : -ENOMEM;
}

static int birth(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_permanent *state = own;
    struct tn_permanent_site *site = &state->sites[event->block->site];
    site->overhead_bytes += event->block->usable_size_bytes - event->block->size_bytes + TN_HEADER_BYTES;
    if (event->block->birth_ns <= state->init_ns)
        state->init_index = pass->allocation_count;
    else
        site->post_init++;
    return 0;
}

static bool is_resize(const struct tn_pass_event *event)
{
    enum tn_function function = event->event->function;
    return function == TN_FUNCTION_REALLOC || function == TN_FUNCTION_REALLOCARRAY ||
           event->successor != NULL;
}

static int death(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_permanent *state = own;
    const struct tn_block *block = event->block;
    struct tn_permanent_site *site = &state->sites[block->site];
    uint64_t rest = pass->birth_total - block->birth_index;
    uint64_t lifetime = pass->allocation_count - block->birth_index;
    if (is_resize(event)) {
        site->resized++;
        site->resized_bytes += block->size_bytes;
        return 0;
    }
    if (pass->is_teardown) {
        if (block->birth_ns > site->last_birth_kept_ns)
            site->last_birth_kept_ns = block->birth_ns;
        return 0;
    }
    site->ended++;
    site->short_lived += (double)lifetime < state->rest_share * (double)rest;
    return 0;
}

static int survivor(void *own, const struct tn_pass *pass, const struct tn_block *block)
{
    struct tn_permanent *state = own;
    struct tn_permanent_site *site = &state->sites[block->site];
    (void)pass;
    if (block->birth_ns > site->last_birth_kept_ns)
        site->last_birth_kept_ns = block->birth_ns;
    return 0;
}

/* ---------------------------------------------------------------------------------------- classes */

/* If no mark tells when initialisation was done: the birth of the youngest block that stayed, of sites that
 * allocate only in the first part of the run. A recording that began later has none. */
static void find_init(struct tn_permanent *state, const struct tn_pass *pass)
{
    uint64_t limit = (uint64_t)(tn_pass_threshold(pass, "permanent.init-share") * (double)pass->birth_total);
    if (state->init_ns != 0 || pass->lacks_start)
        return;
    for (size_t i = 0; i < pass->site_count; i++) {
        const struct tn_pass_site *seen = &pass->sites[i];
        if (seen->allocations == 0 || seen->last_birth_index > limit ||
            state->sites[i].last_birth_kept_ns <= state->init_ns)
            continue;
        state->init_ns = state->sites[i].last_birth_kept_ns;
        state->init_index = seen->last_birth_index;
    }
}

/* Counted only if a mark told when initialisation was done, and told it in time. */
static void count_post_init(struct tn_permanent *state, const struct tn_pass *pass)
{
    if (pass->marks.initialised_ns == 0)
        return;
    for (size_t i = 0; i < pass->site_count; i++) {
        if (pass->sites[i].is_runtime || state->sites[i].post_init == 0)
            continue;
        state->post_init_sites++;
        state->post_init_allocations += state->sites[i].post_init;
    }
}

static enum tn_permanent_class class_of(const struct tn_permanent *state, const struct tn_pass *pass,
                                        uint32_t index)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    const struct tn_permanent_site *site = &state->sites[index];
    if (seen->is_runtime || seen->allocations == 0 || seen->allocations == site->resized)
        return TN_PERMANENT_NONE;
    if (site->ended == 0 && seen->last_birth_index <= state->init_index)
        return TN_PERMANENT_INIT;
    /* a resized block counts twice for a moment; one that came late has shown nothing */
    if (seen->peak_live_count <= (site->resized != 0 ? 2u : 1u) && site->short_lived == 0 &&
        seen->last_birth_index <= pass->birth_total / 2)
        return TN_PERMANENT_SINGLETON;
    return site->ended == 0 ? TN_PERMANENT_TEARDOWN : TN_PERMANENT_NONE;
}

/* The site whose finding carries the list: the largest that stays, those of start-up before others. */
static uint32_t find_largest(const struct tn_permanent *state, const struct tn_pass *pass)
{
    uint32_t largest = 0;
    enum tn_permanent_class largest_class = TN_PERMANENT_NONE;
    for (uint32_t site = 1; site < pass->site_count; site++) {
        enum tn_permanent_class class = class_of(state, pass, site);
        bool is_first = largest == 0 || (class == TN_PERMANENT_INIT && largest_class != TN_PERMANENT_INIT);
        bool is_larger = (class == TN_PERMANENT_INIT || largest_class != TN_PERMANENT_INIT) &&
                         (largest == 0 || pass->sites[site].total_bytes > pass->sites[largest].total_bytes);
        if (class == TN_PERMANENT_NONE || (!is_first && !is_larger))
            continue;
        largest = site;
        largest_class = class;
    }
    return largest;
}

/* Whether a site's blocks are too few and too small to be worth a change of their own. */
static bool is_small(const struct tn_permanent *state, const struct tn_pass *pass, uint32_t site)
{
    double share_bytes = tn_pass_threshold(pass, "permanent.small-share") * (double)pass->peak_live_bytes;
    double limit_bytes = tn_pass_threshold(pass, "permanent.small-bytes");
    uint64_t kept_bytes = pass->sites[site].total_bytes - state->sites[site].resized_bytes;
    return (double)kept_bytes <= (share_bytes > limit_bytes ? share_bytes : limit_bytes);
}

/* State the small ones together, if there are several, and each of the others for itself. */
static int state_all(const struct tn_permanent *state, const struct tn_pass *pass, uint32_t *small,
                     struct tn_findings *findings)
{
    uint32_t largest = find_largest(state, pass);
    size_t small_count = 0;
    bool has_list = state->post_init_allocations != 0, is_listed_small = false;
    int r = 0;
    for (uint32_t site = 1; site < pass->site_count; site++) {
        enum tn_permanent_class class = class_of(state, pass, site);
        if ((class == TN_PERMANENT_INIT || class == TN_PERMANENT_SINGLETON) && is_small(state, pass, site)) {
            small[small_count++] = site;
            is_listed_small |= site == largest;
        }
    }
    if (small_count == 1)
        small_count = 0;
    for (uint32_t site = 1, next = 0; r == 0 && site < pass->site_count; site++) {
        enum tn_permanent_class class = class_of(state, pass, site);
        bool is_together = next < small_count && small[next] == site;
        next += is_together;
        if (class != TN_PERMANENT_NONE && !is_together)
            r = tn_permanent_state(state, pass, &site, 1, class, has_list && site == largest, findings);
    }
    if (r == 0 && small_count != 0)
        r = tn_permanent_state(state, pass, small, small_count, TN_PERMANENT_SMALL,
                               has_list && is_listed_small, findings);
    return r;
}

static int conclude(void *own, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct tn_permanent *state = own;
    find_init(state, pass);
    count_post_init(state, pass);
    uint32_t *small = calloc(pass->site_count + 1, sizeof(small[0]));
    int r = small != NULL ? state_all(state, pass, small, findings) : -ENOMEM;
    free(small);
    return r;
}

/* A block that another process released while it was at work is not permanent. */
static int consult(void *own, const struct tn_pass *other, const void *other_state)
{
    struct tn_permanent *state = own;
    const struct tn_permanent *theirs = other_state;
    for (size_t i = 0; i < other->site_count; i++) {
        state->sites[i].ended += theirs->sites[i].ended;
        state->sites[i].short_lived += theirs->sites[i].short_lived;
    }
    return 0;
}

static void finish(void *own)
{
    struct tn_permanent *state = own;
    if (state != NULL)
        free(state->sites);
    free(state);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key post_init_keys[] = {
    {TN_KEY("function", TEXT, NONE), .is_required = true},
    {TN_KEY("file", TEXT, NONE), .is_required = true},
    {TN_KEY("line", COUNT, NONE), .is_required = true},
    {TN_KEY("module", TEXT, NONE), .is_required = true},
    {TN_KEY("allocations", COUNT, COUNT), .is_required = true},
    {0},
};

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("count", COUNT, COUNT), TN_TOLD("", " blocks"), .is_required = true, .is_detail = true},
    {TN_KEY("total_bytes", COUNT, BYTES), TN_TOLD("", " together"), .is_required = true, .is_detail = true},
    {TN_KEY("class", TEXT, NONE), .is_required = true},
    {TN_KEY("max_size_bytes", COUNT, BYTES)},
    {TN_KEY("resizes", COUNT, COUNT)},
    {TN_KEY("first_birth_ns", COUNT, NS)},
    {TN_KEY("last_birth_ns", COUNT, NS)},
    {TN_KEY("initialised_ns", COUNT, NS)},
    {TN_KEY("post_init_sites", COUNT, COUNT)},
    {TN_KEY("post_init_allocations", COUNT, COUNT)},
    {TN_KEY("post_init", LIST, NONE), .members = post_init_keys},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", "combine", NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .death = death,
    .consult = consult,
    .survivor = survivor,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_permanent = {
    .name = "permanent",
    .summary = "allocated while starting, or once, and never released",
    .tactic = "Use static and permanent allocations",
    .verify = "Record again: these lines allocate no more (static), or only while the program starts.",
    .weight = 1,
    .is_refuted_by_release = true,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
