/* SPDX-License-Identifier: MIT */
/* The kind `permanent`: sites whose blocks all stay until the end. "init": all were made before
 * initialisation was done. "singleton": one at a time, each for most of the rest of the run. "teardown": the
 * others, made while the program was at work; more may have followed, so they are weak. A resized block lives
 * on in its successor. One finding also lists the sites that allocate after initialisation. */
#include "tenure/analysis.h"
#include "tenure/kinds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_MAX 20u

struct permanent_site {
    uint64_t ended;         /* released before teardown, and not resized */
    uint64_t resized;       /* ended by becoming another block */
    uint64_t resized_bytes; /* of those */
    uint64_t short_lived; /* of those that ended: lived for less than the threshold's share of the rest of the
                             run */
    uint64_t post_init;   /* births after initialisation was done */
    uint64_t overhead_bytes;     /* header and rounding of all */
    uint64_t last_birth_kept_ns; /* birth of the youngest block that lived to teardown */
};

struct permanent_state {
    struct permanent_site *sites; /* owned; by site */
    uint64_t init_ns;             /* when initialisation was done; 0: not known */
    uint64_t init_index;          /* births until then */
    double rest_share;
    uint64_t post_init_sites, post_init_allocations;
};

enum class { CLASS_NONE, CLASS_INIT, CLASS_SINGLETON, CLASS_TEARDOWN };

static const char *const class_names[] = {"", "init", "singleton", "teardown"};

static const struct tn_threshold thresholds[] = {
    {"permanent.rest-share", 0.9, 0.5, 1, "share of the run after its birth that a singleton lives, at least",
     "a block that lives for 90 % of the rest leaves no room worth sharing"},
    {"permanent.init-share", 0.1, 0.01, 0.9,
     "initialisation ends within this share of all allocations, where no mark says when",
     "docs/sites.md, mark `initialisation done`"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct permanent_state *state = calloc(1, sizeof(*state));
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
    struct permanent_state *state = own;
    struct permanent_site *site = &state->sites[event->block->site];
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
    struct permanent_state *state = own;
    const struct tn_block *block = event->block;
    struct permanent_site *site = &state->sites[block->site];
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
    struct permanent_state *state = own;
    struct permanent_site *site = &state->sites[block->site];
    (void)pass;
    if (block->birth_ns > site->last_birth_kept_ns)
        site->last_birth_kept_ns = block->birth_ns;
    return 0;
}

/* ---------------------------------------------------------------------------------------- classes */

/* If no mark tells when initialisation was done: the birth of the youngest block that stayed, of sites that
 * allocate only in the first part of the run. */
static void find_init(struct permanent_state *state, const struct tn_pass *pass)
{
    uint64_t limit = (uint64_t)(tn_pass_threshold(pass, "permanent.init-share") * (double)pass->birth_total);
    if (state->init_ns != 0)
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
static void count_post_init(struct permanent_state *state, const struct tn_pass *pass)
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

static enum class class_of(const struct permanent_state *state, const struct tn_pass *pass, uint32_t index) {
    const struct tn_pass_site *seen = &pass->sites[index];
    const struct permanent_site *site = &state->sites[index];
    if (seen->is_runtime || seen->allocations == 0 || seen->allocations == site->resized) return CLASS_NONE;
    if (site->ended == 0 && seen->last_birth_index <= state->init_index) return CLASS_INIT;
    /* a resized block counts twice for a moment; one that came late has shown nothing */
    if (seen->peak_live_count <= (site->resized != 0 ? 2u : 1u) && site->short_lived == 0 &&
        seen->last_birth_index <= pass->birth_total / 2) return CLASS_SINGLETON;
    return site->ended == 0 ? CLASS_TEARDOWN : CLASS_NONE;
}

/* ---------------------------------------------------------------------------------------- findings */

/* A site that allocates after initialisation, and how often. */
struct listed {
    uint32_t site;
    uint64_t count;
};

static int compare_listed(const void *a, const void *b)
{
    uint64_t left = ((const struct listed *)a)->count, right = ((const struct listed *)b)->count;
    return (left < right) - (left > right);
}

static int list_post_init(const struct permanent_state *state, const struct tn_pass *pass,
                          struct listed **ret_list, size_t *ret_count)
{
    struct listed *list = calloc(pass->site_count + 1, sizeof(list[0]));
    size_t count = 0;
    if (list == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < pass->site_count; i++)
        if (!pass->sites[i].is_runtime && state->sites[i].post_init != 0)
            list[count++] = (struct listed){i, state->sites[i].post_init};
    if (count != 0)
        qsort(list, count, sizeof(list[0]), compare_listed);
    *ret_list = list;
    *ret_count = count < LISTED_MAX ? count : LISTED_MAX;
    return 0;
}

static void add_listed(struct tn_evidence_set *list, const struct tn_finding_site *site, uint64_t count)
{
    struct tn_evidence_set *evidence = tn_evidence_add_object(list, NULL);
    tn_evidence_add_text(evidence, "function", site->function);
    tn_evidence_add_text(evidence, "file", site->file);
    tn_evidence_add_number(evidence, "line", TN_UNIT_NONE, site->line);
    tn_evidence_add_text(evidence, "module", site->module);
    tn_evidence_add_count(evidence, "allocations", count);
}

/* The list that reviewers of MISRA C and AUTOSAR code ask for: which sites allocate after initialisation. */
static int fill_list(const struct permanent_state *state, const struct tn_pass *pass,
                     struct tn_finding *finding)
{
    struct listed *list = NULL;
    size_t count = 0;
    struct tn_finding named = {0};
    struct tn_buffer notes = {0};
    int r = list_post_init(state, pass, &list, &count);
    uint32_t sites[LISTED_MAX];
    for (size_t i = 0; r == 0 && i < count; i++)
        sites[i] = list[i].site;
    if (r == 0)
        r = tn_finding_begin(pass, &tn_kind_permanent, sites, count, &named);
    if (r == 0)
        r = tn_buffer_print(&notes,
                            "post-init allocations: %" PRIu64 " sites, %" PRIu64
                            " calls (MISRA C:2012 Dir 4.12 and Rule 21.3, AUTOSAR A18-5-7 want none):",
                            state->post_init_sites, state->post_init_allocations);
    struct tn_evidence_set *entries = tn_evidence_add_list(&finding->evidence, "post_init");
    for (size_t i = 0; r == 0 && i < count; i++) {
        char place[256];
        add_listed(entries, &named.sites[i], list[i].count);
        r = tn_buffer_print(&notes, "\n  %" PRIu64 " by %s", list[i].count,
                            tn_finding_place(&named.sites[i], place, sizeof(place)));
    }
    if (r == 0)
        r = tn_finding_set(&finding->notes, "%s", (const char *)notes.data);
    tn_finding_finish(&named);
    tn_buffer_finish(&notes);
    free(list);
    return r;
}

static int fill_evidence(const struct permanent_state *state, const struct tn_pass *pass, uint32_t site,
                         enum class class, bool has_list, struct tn_finding *finding)
{
    const struct tn_pass_site *seen = &pass->sites[site];
    const struct permanent_site *own = &state->sites[site];
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_count(evidence, "count", seen->allocations - own->resized);
    tn_evidence_add_bytes(evidence, "total_bytes", seen->total_bytes - own->resized_bytes);
    tn_evidence_add_text(evidence, "class", class_names[class]);
    tn_evidence_add_bytes(evidence, "max_size_bytes", seen->max_size_bytes);
    tn_evidence_add_count(evidence, "resizes", own->resized);
    tn_evidence_add_ns(evidence, "first_birth_ns", seen->first_birth_ns);
    tn_evidence_add_ns(evidence, "last_birth_ns", seen->last_birth_ns);
    if (state->init_ns != 0)
        tn_evidence_add_ns(evidence, "initialised_ns", state->init_ns);
    if (pass->marks.initialised_ns != 0) {
        tn_evidence_add_count(evidence, "post_init_sites", state->post_init_sites);
        tn_evidence_add_count(evidence, "post_init_allocations", state->post_init_allocations);
    }
    if (has_list)
        return fill_list(state, pass, finding);
    return 0;
}

static int fill_query(const struct tn_pass *pass, uint32_t site, bool has_resizes, struct tn_finding *finding)
{
    char *where = NULL;
    int r = tn_finding_where(pass, &site, 1, &where);
    /* one row cannot tell that a container copied a block; that realloc moved it, it can */
    const char *last_of_chain = " AND coalesce(free_function, '') NOT IN ('realloc', 'reallocarray')";
    if (r == 0)
        r = tn_finding_set(&finding->query,
                           has_resizes
                               ? "SELECT max(size_bytes) AS max_size_bytes, min(birth_ns) AS first_birth_ns,"
                                 " max(birth_ns) AS last_birth_ns FROM allocation WHERE %s"
                               : "SELECT count(*) AS count, sum(size_bytes) AS total_bytes,"
                                 " max(size_bytes) AS max_size_bytes, min(birth_ns) AS first_birth_ns,"
                                 " max(birth_ns) AS last_birth_ns FROM allocation WHERE %s%s",
                           where, has_resizes ? "" : last_of_chain);
    free(where);
    return r;
}

static int fill_advice(enum class class, const char *count, const char *bytes, const char *place,
                       struct tn_finding *finding)
{
    if (class == CLASS_TEARDOWN)
        return tn_finding_set(&finding->advice,
                              "If no more than these %s"
                              " can come, allocate the blocks of %s at start-up"
                              " or statically: %s that are never released hold the heap open around them.",
                              count, place, bytes);
    if (strcmp(count, "1") == 0)
        return tn_finding_set(
            &finding->advice,
            "Make the block of %s (%s) a static object, or allocate it before anything that is"
            " released again: it stays for the whole run.",
            place, bytes);
    return tn_finding_set(&finding->advice,
                          "Make the %s"
                          " blocks of %s (%s) static, an array for instance, or take them from"
                          " an arena that is filled at start-up and never released.",
                          count, place, bytes);
}

static int fill_texts(uint64_t count, uint64_t total_bytes, enum class class, struct tn_finding *finding)
{
    static const char *const words[] = {"", "made at start-up", "the only one of its kind",
                                        "made while at work"};
    char place[256], bytes[TN_QUANTITY_TEXT_BYTES], number[TN_QUANTITY_TEXT_BYTES];
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_bytes(bytes, total_bytes);
    tn_print_count(number, count);
    int r = tn_finding_set(&finding->title, "%s in %s block%s that stayed to the end, %s, from %s", bytes,
                           number, count == 1 ? "" : "s", words[class], place);
    return r < 0 ? r : fill_advice(class, number, bytes, place, finding);
}

static int add_finding(const struct permanent_state *state, const struct tn_pass *pass, uint32_t site,
                       enum class class, bool has_list, struct tn_findings *findings)
{
    const struct tn_pass_site *seen = &pass->sites[site];
    const struct permanent_site *own = &state->sites[site];
    struct tn_finding finding;
    uint64_t count = seen->allocations - own->resized;
    int r = tn_finding_begin(pass, &tn_kind_permanent, &site, 1, &finding);
    if (r < 0)
        return r;
    finding.confidence =
        pass->is_complete && class != CLASS_TEARDOWN ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
    finding.saving.allocations_removed = seen->allocations;
    finding.saving.bytes_removed = (int64_t)(own->overhead_bytes * count / seen->allocations);
    finding.saving.peak_bytes_delta =
        -(int64_t)(own->overhead_bytes * seen->live_count_at_peak / seen->allocations);
    finding.saving.outside = "static";
    finding.apply = TN_APPLY_REMOVE;
    r = fill_texts(count, seen->total_bytes - own->resized_bytes, class, &finding);
    if (r == 0)
        r = fill_evidence(state, pass, site, class, has_list, &finding);
    if (r == 0 && !pass->is_complete)
        r = tn_finding_set(&finding.notes, "The recording is not over: these blocks may still be released.");
    if (r == 0)
        r = fill_query(pass, site, own->resized != 0, &finding);
    if (r == 0)
        r = tn_findings_add(findings, &finding);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

/* The site whose finding carries the list: the largest that stays, those of start-up before others. */
static uint32_t find_largest(const struct permanent_state *state, const struct tn_pass *pass)
{
    uint32_t largest = 0;
    enum class largest_class = CLASS_NONE;
    for (uint32_t site = 1; site < pass->site_count; site++) {
        enum class class = class_of(state, pass, site);
        bool is_first = largest == 0 || (class == CLASS_INIT && largest_class != CLASS_INIT);
        bool is_larger = (class == CLASS_INIT || largest_class != CLASS_INIT) &&
                         (largest == 0 || pass->sites[site].total_bytes > pass->sites[largest].total_bytes);
        if (class == CLASS_NONE || (!is_first && !is_larger))
            continue;
        largest = site;
        largest_class = class;
    }
    return largest;
}

static int conclude(void *own, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct permanent_state *state = own;
    int r = 0;
    find_init(state, pass);
    count_post_init(state, pass);
    uint32_t largest = find_largest(state, pass);
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++) {
        enum class class = class_of(state, pass, site);
        bool has_list = site == largest && state->post_init_allocations != 0;
        if (class != CLASS_NONE)
            r = add_finding(state, pass, site, class, has_list, findings);
    }
    return r;
}

static void finish(void *own)
{
    struct permanent_state *state = own;
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
    {TN_KEY("count", COUNT, COUNT), TN_TOLD("", " blocks"), .is_required = true},
    {TN_KEY("total_bytes", COUNT, BYTES), TN_TOLD("", " together"), .is_required = true},
    {TN_KEY("class", TEXT, NONE), TN_TOLD("class ", ""), .is_required = true},
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
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
