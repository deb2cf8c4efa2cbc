/* SPDX-License-Identifier: MIT */
/* The kind `preallocate`: sites with a bounded number of live blocks, again and again for the whole run. The
 * number that was seen stands beside the one that queueing theory asks for: the load is the average number in
 * use on the clock of allocations, its variation what arrivals find in use. */
#include "erlang.h"
#include "preallocate_holder.h"

#include "tenure/analysis.h"
#include "tenure/kinds.h"
#include "tenure/maker.h"
#include "tenure/releases.h"
#include "tenure/size_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EPOCHS 16u

struct preallocate_site {
    double load_area;                /* sum of live count times allocations of the process */
    double found_sum, found_squares; /* sum of live counts that arrivals found; and of their squares */
    uint64_t changed_index;          /* allocations of the process at its last event */
    uint64_t peak_count;             /* highest so far */
    uint64_t times_at_peak;          /* arrivals that brought it to the highest number */
    uint64_t peak_index;             /* the first of these, in allocations of the process */
    uint64_t epochs;                 /* a bit for each part of the run in which it allocated */
    uint64_t overhead_bytes;
    uint32_t thread_1; /* 1 + thread of its first birth; 0: none yet */
    bool is_shared;    /* several threads made its blocks */
    bool is_resized;   /* realloc made some of them */
    uint32_t
        carried_to;   /* another site whose realloc took the last one that was resized elsewhere; 0: none */
    bool is_contrary; /* another process of the program had more at once than this one */
};

struct preallocate_state {
    struct preallocate_site *sites; /* owned; by site */
    uint32_t *resized;              /* owned; by thread: site of the block that realloc took; 0: none */
    uint64_t epoch_length;          /* allocations of the process */
    double probability, recurring;
    uint64_t max_count, reached;
    double waste;
};

static const struct tn_threshold thresholds[] = {
    {"preallocate.probability", 1e-9, 1e-15, 0.5,
     "share of requests that may find no buffer free, for the Erlang count",
     "one in a thousand million: a few hundred requests a second, for a month"},
    {"preallocate.max-count", 1024, 1, 1e9, "buffers at once, at most", "more are the business of a pool"},
    {"preallocate.reached", 3, 1, 1e9, "times that the peak was reached, at least",
     "a peak that was reached once may not be the last"},
    {"preallocate.recurring", 0.75, 0.05, 1,
     "share of sixteen parts of the run in which the site allocates, at least",
     "recurring for the whole run, by the kind's definition"},
    {"preallocate.waste", 8, 1, 1e9,
     "one buffer, kept: its size, in times the mean size asked for, up to which a finding is not weak",
     "as for combine.waste: beyond, a rare giant sets the size"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct preallocate_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    *ret_state = state;
    state->probability = tn_pass_threshold(pass, "preallocate.probability");
    state->max_count = (uint64_t)tn_pass_threshold(pass, "preallocate.max-count");
    state->reached = (uint64_t)tn_pass_threshold(pass, "preallocate.reached");
    state->recurring = tn_pass_threshold(pass, "preallocate.recurring");
    state->waste = tn_pass_threshold(pass, "preallocate.waste");
    state->epoch_length = pass->birth_total / EPOCHS + 1;
    state->sites = calloc(pass->site_count, sizeof(state->sites[0]));
    state->resized = calloc(pass->thread_count, sizeof(state->resized[0]));
    return state->sites != NULL && state->resized != NULL ? 0 : -ENOMEM;
}

/* Add up the load while live_count blocks are in use. */
static void advance(struct preallocate_site *site, uint64_t live_count, uint64_t now)
{
    site->load_area += (double)live_count * (double)(now - site->changed_index);
    site->changed_index = now;
}

static int birth(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct preallocate_state *state = own;
    struct preallocate_site *site = &state->sites[event->block->site];
    const struct tn_pass_site *seen = &pass->sites[event->block->site];
    uint64_t found = seen->live_count - 1;
    advance(site, found, pass->allocation_count);
    if (site->thread_1 == 0)
        site->thread_1 = event->thread + 1;
    site->is_shared |= site->thread_1 != event->thread + 1;
    site->is_resized |= event->event->previous_id != 0;
    if (event->event->previous_id != 0 && state->resized[event->thread] != event->block->site)
        state->sites[state->resized[event->thread]].carried_to = event->block->site;
    state->resized[event->thread] = 0;
    site->found_sum += (double)found;
    site->found_squares += (double)found * (double)found;
    site->overhead_bytes += event->block->usable_size_bytes - event->block->size_bytes + TN_HEADER_BYTES;
    site->epochs |= UINT64_C(1) << (pass->allocation_count - 1) / state->epoch_length;
    if (seen->live_count != seen->peak_live_count)
        return 0;
    /* the pass has raised the peak already: it is a new one if it differs from the one noted here */
    if (site->times_at_peak == 0 || site->peak_count != seen->peak_live_count) {
        site->times_at_peak = 0;
        site->peak_count = seen->peak_live_count;
        site->peak_index = pass->allocation_count;
    }
    site->times_at_peak++;
    return 0;
}

static int death(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct preallocate_state *state = own;
    bool is_resize =
        event->event->function == TN_FUNCTION_REALLOC || event->event->function == TN_FUNCTION_REALLOCARRAY;
    state->resized[event->thread] = is_resize ? event->block->site : 0;
    advance(&state->sites[event->block->site], pass->sites[event->block->site].live_count + 1,
            pass->allocation_count);
    return 0;
}

/* A number that another process of the program exceeds is none that the program sets. */
static int consult(void *own, const struct tn_pass *other, const void *other_state)
{
    struct preallocate_state *state = own;
    const struct preallocate_state *theirs = other_state;
    for (size_t i = 0; i < other->site_count; i++)
        state->sites[i].is_contrary |= theirs->sites[i].peak_count > state->sites[i].peak_count;
    return 0;
}

/* ---------------------------------------------------------------------------------------- findings */

struct need {
    double load, peakedness;
    uint64_t erlang_count;
    uint64_t count; /* advised: as many as were in use at once */
    bool is_closed; /* the number varies less than chance would make it: the program itself bounds it */
};

static struct need weigh(const struct preallocate_state *state, const struct tn_pass *pass, uint32_t index)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    struct preallocate_site *site = &state->sites[index];
    struct need need = {0};
    double arrivals = (double)seen->allocations,
           span = (double)(pass->birth_total - seen->first_birth_index + 1);
    double mean = site->found_sum / arrivals;
    advance(site, seen->live_count, pass->allocation_count);
    need.load = site->load_area / (span > 1 ? span : 1);
    need.peakedness = mean > 0 ? (site->found_squares / arrivals - mean * mean) / mean : 0;
    need.erlang_count = tn_erlang_count(need.load, need.peakedness, state->probability);
    need.is_closed = need.peakedness <= 1 && site->times_at_peak >= state->reached;
    need.count = seen->peak_live_count;
    return need;
}

static bool is_recurring(const struct preallocate_state *state, const struct tn_pass *pass, uint32_t index)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    uint64_t parts = (pass->birth_total + state->epoch_length - 1) / state->epoch_length;
    return !seen->is_runtime && seen->allocations >= pass->options->min_allocations &&
           seen->peak_live_count <= state->max_count && seen->allocations >= 2 * seen->peak_live_count &&
           (double)__builtin_popcountll(state->sites[index].epochs) >= state->recurring * (double)parts;
}

/* Never more than one lives: a buffer that is kept, whatever its size. What grows by realloc is `presize`'s,
 * and what a realloc at another line carries on, several at once, has not ended. */
static bool is_one_at_a_time(const struct preallocate_state *state, const struct tn_pass *pass,
                             uint32_t index)
{
    const struct preallocate_site *site = &state->sites[index];
    return pass->sites[index].peak_live_count == 1 && !site->is_resized &&
           (site->carried_to == 0 || pass->sites[site->carried_to].peak_live_count == 1);
}

/* Erlang's formula is about requests that come by chance; one that waits for the release of the one before
 * does not. */
static void fill_evidence(const struct preallocate_state *state, const struct tn_pass_site *seen,
                          const struct preallocate_site *site, const struct need *need,
                          struct tn_finding *finding)
{
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_count(evidence, "peak_count", seen->peak_live_count);
    if (seen->peak_live_count > 1) {
        tn_evidence_add_count(evidence, "erlang_count", need->erlang_count);
        tn_evidence_add_real(evidence, "probability", TN_UNIT_RATIO, state->probability, 6);
    }
    tn_evidence_add_count(evidence, "count", need->count);
    tn_evidence_add_count(evidence, "times_at_peak", site->times_at_peak);
    tn_evidence_add_count(evidence, "allocations", seen->allocations);
    tn_evidence_add_bytes(evidence, "buffer_bytes", seen->max_size_bytes);
    tn_evidence_add_real(evidence, "load", TN_UNIT_COUNT, need->load, 6);
    tn_evidence_add_real(evidence, "peakedness", TN_UNIT_RATIO, need->peakedness, 6);
}

static int fill_query(const struct tn_pass *pass, uint32_t site, struct tn_finding *finding)
{
    char *head = NULL, *where = NULL;
    int r = tn_finding_live_query(pass, &site, 1, &head);
    if (r == 0)
        r = tn_finding_where(pass, &site, 1, &where);
    if (r == 0)
        r = tn_finding_set(
            &finding->query,
            "%s, peak AS (SELECT max(live_count) AS count FROM live) SELECT peak.count AS peak_count,"
            " (SELECT count(*) FROM live WHERE live_count = peak.count AND is_death = 0)"
            " AS times_at_peak, (SELECT count(*) FROM allocation WHERE %s) AS allocations,"
            " (SELECT max(size_bytes) FROM allocation WHERE %s) AS buffer_bytes FROM peak",
            head, where, where);
    free(head);
    free(where);
    return r;
}

static int fill_texts(const struct preallocate_state *state, const struct tn_pass_site *seen,
                      const struct preallocate_site *site, const struct need *need,
                      struct tn_finding *finding)
{
    char place[256], calls[TN_QUANTITY_TEXT_BYTES], rare[TN_QUANTITY_TEXT_BYTES],
        reached[TN_QUANTITY_TEXT_BYTES];
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_count(calls, seen->allocations);
    tn_print_count(reached, site->times_at_peak);
    tn_print_count(rare, (uint64_t)(1 / state->probability + 0.5));
    const char *s = need->count == 1 ? "" : "s";
    int r = tn_finding_set(&finding->title,
                           "Allocate %s buffer%s of %s B at start-up for %s: %s all its %s calls",
                           tn_count_text(need->count).text, s, tn_count_text(seen->max_size_bytes).text,
                           place, need->count == 1 ? "it serves" : "they serve", calls);
    if (r == 0)
        r = tn_finding_set(&finding->advice,
                           "Allocate %s buffer%s of %s B at start-up, and let %s take a free one instead of "
                           "calling the heap.",
                           tn_count_text(need->count).text, s, tn_count_text(seen->max_size_bytes).text,
                           place);
    if (r == 0)
        r = tn_finding_set(
            &finding->notes,
            "At most %s %s in use at once, reached %s%s;"
            " %.3g on average. If requests come by chance, a longer run may need more: by"
            " Erlang's formula, %s leave%s one in %s without a buffer%s.",
            tn_count_text(seen->peak_live_count).text, seen->peak_live_count == 1 ? "was" : "were",
            site->times_at_peak == 1 ? "once" : reached, site->times_at_peak == 1 ? "" : " times", need->load,
            tn_count_text(need->erlang_count).text, need->erlang_count == 1 ? "s" : "", rare,
            need->is_closed ? ". The number is steadier than chance would have it: a limit in the program"
                              " sets it; use that limit"
                            : "");
    return r;
}

static int fill_one_texts(const struct tn_pass_site *seen, struct tn_finding *finding)
{
    char place[256], calls[TN_QUANTITY_TEXT_BYTES], bytes[TN_QUANTITY_TEXT_BYTES];
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_count(calls, seen->allocations);
    tn_print_count(bytes, seen->max_size_bytes);
    int r = tn_finding_set(&finding->title, "Keep one buffer of %s B for %s: it serves all its %s calls",
                           bytes, place, calls);
    return r < 0 ? r
                 : tn_finding_set(&finding->advice,
                                  "Make one buffer of %s B, static or at start-up, and let %s use it again"
                                  " instead of calling the heap: never more than one was in use.",
                                  bytes, place);
}

static struct tn_finding_line line_of(const struct tn_finding_site *site)
{
    return (struct tn_finding_line){.function = site->function,
                                    .file = site->file,
                                    .line = site->line,
                                    .module = site->module,
                                    .offset_bytes = site->offset_bytes};
}

/* What one buffer for all calls relies on, whatever its size: a limit would not make one enough. */
static int add_one_conditions(const struct preallocate_state *state, const struct tn_pass *pass,
                              uint32_t index, struct tn_finding *finding)
{
    struct tn_finding_line line = line_of(&finding->sites[0]);
    const struct tn_release_sites sites = {&index, 1, 1};
    int r = tn_pass_add_release_conditions(pass, &sites, (struct tn_release_range){0}, "the kept buffer",
                                           finding);
    if (r == 0)
        r = tn_pass_add_held_condition(pass, &sites, (struct tn_release_range){0}, finding);
    if (r == 0)
        r = tn_preallocate_add_holder_condition(pass, index, finding);
    if (r == 0)
        r = tn_preallocate_add_round_condition(pass, index, finding);
    if (r == 0 && state->sites[index].is_shared)
        r = tn_finding_add_condition(finding, "number", &line, 1,
                                     "no two threads need one at the same time, as none did");
    return r;
}

static int add_largest_condition(const struct tn_pass *pass, uint32_t index, struct tn_finding *finding)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    struct tn_finding_line line = line_of(&finding->sites[0]);
    if (finding->condition.kind != NULL || seen->min_size_bytes == seen->max_size_bytes)
        return 0;
    return tn_finding_add_condition(finding, "largest-seen", &line, 1,
                                    "a limit is set: sizes vary, and the largest seen is %s bytes",
                                    tn_count_text(seen->max_size_bytes).text);
}

static enum tn_confidence confidence_of(const struct preallocate_state *state, const struct tn_pass *pass,
                                        uint32_t index)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    const struct preallocate_site *site = &state->sites[index];
    uint64_t run = seen->last_birth_index - seen->first_birth_index;
    bool is_settled =
        site->times_at_peak >= state->reached && site->peak_index - seen->first_birth_index <= run / 4 * 3;
    double mean_bytes = (double)seen->total_bytes / (double)seen->allocations;
    bool is_wasteful = (double)seen->max_size_bytes > state->waste * mean_bytes;
    return is_settled && !is_wasteful && !site->is_contrary ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
}

static int add_finding(const struct preallocate_state *state, const struct tn_pass *pass, uint32_t index,
                       struct tn_findings *findings)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    const struct preallocate_site *site = &state->sites[index];
    struct need need = weigh(state, pass, index);
    struct tn_finding finding;
    bool is_one = is_one_at_a_time(state, pass, index);
    /* What a type of the library makes, it makes itself: a pool behind it is another kind's advice. */
    struct tn_made_by made_by;
    int r = tn_pass_maker(pass, index, &made_by);
    if (r < 0 || tn_maker_is_library(made_by.maker))
        return r;
    r = tn_finding_begin(pass, &tn_kind_preallocate, &index, 1, &finding);
    if (r < 0)
        return r;
    finding.confidence = confidence_of(state, pass, index);
    uint64_t mean_overhead_bytes = site->overhead_bytes / seen->allocations;
    finding.saving.allocations_removed = seen->allocations;
    finding.saving.bytes_removed = (int64_t)(seen->peak_live_count * mean_overhead_bytes);
    finding.saving.peak_bytes_delta =
        (int64_t)(need.count * seen->max_size_bytes) -
        (int64_t)(seen->live_bytes_at_peak + seen->live_count_at_peak * mean_overhead_bytes);
    finding.saving.outside = is_one ? "static" : "pool";
    finding.apply = TN_APPLY_POOL;
    finding.apply_bytes = seen->max_size_bytes;
    finding.apply_count = need.count;
    r = is_one ? fill_one_texts(seen, &finding) : fill_texts(state, seen, site, &need, &finding);
    fill_evidence(state, seen, site, &need, &finding);
    if (r == 0)
        r = fill_query(pass, index, &finding);
    if (r == 0 && is_one)
        r = add_one_conditions(state, pass, index, &finding);
    if (r == 0)
        r = tn_size_source_add_computed(pass, &index, 1, seen->max_size_bytes, &finding);
    if (r == 0 && is_one)
        r = add_largest_condition(pass, index, &finding);
    if (r == 0)
        r = tn_pass_add_finding(pass, &index, 1, &finding, findings);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

static int conclude(void *own, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct preallocate_state *state = own;
    int r = 0;
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++) {
        const struct tn_pass_site *seen = &pass->sites[site];
        /* buffers of one size must not be mostly empty: that is `fixed-maximum`'s to weigh */
        bool is_even = seen->peak_live_count > 1 && seen->max_size_bytes <= 2 * seen->min_size_bytes;
        if ((is_even || is_one_at_a_time(state, pass, site)) && is_recurring(state, pass, site))
            r = add_finding(state, pass, site, findings);
    }
    return r;
}

static void finish(void *own)
{
    struct preallocate_state *state = own;
    if (state == NULL)
        return;
    free(state->sites);
    free(state->resized);
    free(state);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("peak_count", COUNT, COUNT), TN_TOLD("", " live at once"), .is_required = true,
     .is_detail = true},
    {TN_KEY("times_at_peak", COUNT, COUNT), TN_TOLD("reached ", " times"), .is_summed = true,
     .is_detail = true},
    {TN_KEY("erlang_count", COUNT, COUNT), TN_TOLD("Erlang's formula asks for ", ""), .is_detail = true},
    {TN_KEY("probability", REAL, RATIO), TN_TOLD("to refuse at most a share of ", ""), .is_detail = true},
    {TN_KEY("buffer_bytes", COUNT, BYTES), TN_TOLD("of ", " each"), .is_detail = true},
    {TN_KEY("count", COUNT, COUNT)},
    {TN_KEY("allocations", COUNT, COUNT), .is_summed = true},
    {TN_KEY("load", REAL, COUNT)},
    {TN_KEY("peakedness", REAL, RATIO)},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", "combine", "permanent", "growth",
                                        "arena",        "pool",    NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .death = death,
    .consult = consult,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_preallocate = {
    .name = "preallocate",
    .summary = "a bounded number live at once, for the whole run: allocate at start-up, or keep the one",
    .tactic = "Preallocate buffers",
    .verify = "Record again: all allocations of these lines come while the program starts.",
    .weight = 0.5,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
