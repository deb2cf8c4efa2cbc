/* SPDX-License-Identifier: MIT */
/* The kind `fixed-maximum`: strings and buffers of varying size. States the maximum to design for, how far it
 * can be trusted, and what fixed buffers of that size cost. A buffer that realloc changes is one observation,
 * with the largest size that it had. The largest sizes and their order are kept while events pass; the rest
 * follows from a histogram at the end. */
#include "tenure/analysis.h"
#include "tenure/kinds.h"
#include "tenure/maker.h"
#include "tenure/releases.h"
#include "tenure/size_histogram.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct fixed_maximum_site {
    struct tn_size_histogram sizes;
    uint64_t max_bytes; /* so far */
    uint64_t records;   /* times that a new maximum came */
    uint64_t record_at; /* number of the observation that was the newest maximum */
    uint64_t started;   /* observations */
    uint64_t copied;    /* blocks that were copied to a larger one */
    uint64_t resized;   /* blocks that continue another */
    uint64_t overhead_bytes;
};

struct fixed_maximum_state {
    struct fixed_maximum_site *sites; /* owned; by site */
    size_t site_count;
    uint64_t min_distinct;
    double waste;
    double late_share;
};

static const struct tn_threshold thresholds[] = {
    {"fixed-maximum.waste", 8, 1, 1e6, "largest size, in times the mean size, at most",
     "beyond, a rare giant would set the size of all: fixed buffers are mostly empty"},
    {"fixed-maximum.distinct-sizes", 10, 2, 1e6, "different sizes of a site, at least",
     "a few sizes are as many types, not a variable one"},
    {"fixed-maximum.late-share", 0.1, 0.001, 0.9,
     "the maximum is still growing when its last record came within this last share of observations",
     "records of n exchangeable values: the last tenth holds the newest one with probability 0.1"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct fixed_maximum_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    *ret_state = state;
    state->waste = tn_pass_threshold(pass, "fixed-maximum.waste");
    state->min_distinct = (uint64_t)tn_pass_threshold(pass, "fixed-maximum.distinct-sizes");
    state->late_share = tn_pass_threshold(pass, "fixed-maximum.late-share");
    state->site_count = pass->site_count;
    state->sites = calloc(pass->site_count, sizeof(state->sites[0]));
    return state->sites != NULL ? 0 : -ENOMEM;
}

static int birth(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct fixed_maximum_state *state = own;
    const struct tn_block *block = event->block;
    struct fixed_maximum_site *site = &state->sites[block->site];
    uint64_t before_bytes = event->previous_max_size_bytes;
    int r = 0;
    (void)pass;
    site->overhead_bytes += block->usable_size_bytes - block->size_bytes + TN_HEADER_BYTES;
    site->started += block->chain_steps == 0;
    site->resized += block->chain_steps != 0;
    if (block->chain_max_size_bytes > site->max_bytes || site->records == 0) {
        site->max_bytes = block->chain_max_size_bytes;
        site->records++;
        site->record_at = site->started;
    }
    if (block->chain_steps != 0)
        r = tn_size_histogram_add(&site->sizes, before_bytes, UINT64_MAX);
    return r < 0 ? r : tn_size_histogram_add(&site->sizes, block->chain_max_size_bytes, 1);
}

static int death(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct fixed_maximum_state *state = own;
    (void)pass;
    state->sites[event->block->site].copied += event->successor != NULL;
    return 0;
}

/* ---------------------------------------------------------------------------------------- findings */

struct maximum {
    uint64_t observations, distinct, max_bytes, at_maximum, p50_bytes, p90_bytes, p99_bytes;
    uint64_t records;
    uint64_t fixed_peak_bytes;    /* the most that lived at once, each with the maximum size */
    uint64_t variable_peak_bytes; /* what these blocks took, header and rounding included */
    uint64_t break_even_bytes;    /* up to this size, fixed buffers cost no more */
    bool is_growing, is_limit;
};

/* Whether people choose such a size as a limit: a power of two, one less, or a well-known one. */
static bool looks_like_limit(uint64_t size_bytes)
{
    static const uint64_t known[] = {100, 1000, 1280, 1460, 1472, 1500, 1514, 4095, 9000, 10000};
    bool is_power =
        size_bytes >= 32 && ((size_bytes & (size_bytes - 1)) == 0 || (size_bytes & (size_bytes + 1)) == 0 ||
                             ((size_bytes - 1) & (size_bytes - 2)) == 0);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        is_power = is_power || size_bytes == known[i] || size_bytes == known[i] + 1;
    return is_power;
}

static int weigh(struct fixed_maximum_state *state, const struct tn_pass_site *seen, uint32_t index,
                 struct maximum *ret_maximum)
{
    struct fixed_maximum_site *site = &state->sites[index];
    struct tn_size_count *list;
    size_t count;
    int r = tn_size_histogram_list(&site->sizes, &list, &count);
    if (r < 0)
        return r;
    struct maximum maximum = {.observations = site->sizes.total, .distinct = count, .records = site->records};
    maximum.max_bytes = count != 0 ? list[count - 1].size_bytes : 0;
    maximum.at_maximum = count != 0 ? list[count - 1].count : 0;
    maximum.p50_bytes = tn_size_histogram_quantile(list, count, 500);
    maximum.p90_bytes = tn_size_histogram_quantile(list, count, 900);
    maximum.p99_bytes = tn_size_histogram_quantile(list, count, 990);
    free(list);
    double overhead = (double)site->overhead_bytes / (double)seen->allocations;
    double mean = (double)seen->total_bytes / (double)seen->allocations;
    maximum.fixed_peak_bytes = seen->peak_live_count * maximum.max_bytes;
    maximum.variable_peak_bytes =
        seen->peak_live_bytes + (uint64_t)(overhead * (double)seen->peak_live_count);
    maximum.break_even_bytes = (uint64_t)(mean + overhead);
    maximum.is_growing = (double)site->record_at > (1 - state->late_share) * (double)site->started;
    maximum.is_limit =
        !maximum.is_growing && (maximum.at_maximum >= 3 || looks_like_limit(maximum.max_bytes));
    *ret_maximum = maximum;
    return 0;
}

static bool is_candidate(const struct fixed_maximum_state *state, const struct tn_pass *pass, uint32_t index)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    const struct fixed_maximum_site *site = &state->sites[index];
    /* sites that mostly grow in steps belong to `presize` */
    return !seen->is_runtime && seen->min_size_bytes != seen->max_size_bytes &&
           site->sizes.total >= pass->options->min_allocations && site->resized <= site->sizes.total &&
           site->copied * 2 <= site->sizes.total;
}

static void fill_evidence(const struct maximum *maximum, const struct tn_pass_site *seen,
                          struct tn_finding *finding)
{
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_bytes(evidence, "max_bytes", maximum->max_bytes);
    tn_evidence_add_bytes(evidence, "p50_bytes", maximum->p50_bytes);
    tn_evidence_add_bytes(evidence, "p90_bytes", maximum->p90_bytes);
    tn_evidence_add_bytes(evidence, "p99_bytes", maximum->p99_bytes);
    tn_evidence_add_count(evidence, "observations", maximum->observations);
    tn_evidence_add_count(evidence, "distinct_sizes", maximum->distinct);
    tn_evidence_add_count(evidence, "at_maximum", maximum->at_maximum);
    tn_evidence_add_count(evidence, "records", maximum->records);
    tn_evidence_add_bool(evidence, "still_growing", maximum->is_growing);
    tn_evidence_add_bool(evidence, "looks_like_limit", maximum->is_limit);
    tn_evidence_add_real(evidence, "exceed_probability", TN_UNIT_RATIO,
                         1.0 / ((double)maximum->observations + 1), 6);
    tn_evidence_add_text(evidence, "overflow",
                         maximum->is_limit     ? "reject"
                         : maximum->is_growing ? "chain"
                                               : "truncate");
    tn_evidence_add_count(evidence, "peak_count", seen->peak_live_count);
    tn_evidence_add_bytes(evidence, "break_even_bytes", maximum->break_even_bytes);
    tn_evidence_add_bytes(evidence, "fixed_peak_bytes", maximum->fixed_peak_bytes);
    tn_evidence_add_bytes(evidence, "variable_peak_bytes", maximum->variable_peak_bytes);
}

/* The quantiles are by nearest rank, as in tn_size_histogram_quantile. */
#define QUERY                                                                                                \
    "WITH own AS (SELECT size_bytes, row_number() OVER (ORDER BY size_bytes) AS rank, count(*) OVER () AS n" \
    " FROM allocation WHERE %s) SELECT max(size_bytes) AS max_bytes,"                                        \
    " min(size_bytes) FILTER (WHERE rank * 100 >= n * 50) AS p50_bytes,"                                     \
    " min(size_bytes) FILTER (WHERE rank * 100 >= n * 90) AS p90_bytes,"                                     \
    " min(size_bytes) FILTER (WHERE rank * 100 >= n * 99) AS p99_bytes, count(*) AS observations,"           \
    " count(DISTINCT size_bytes) AS distinct_sizes FROM own"

static int fill_query(const struct tn_pass *pass, const struct fixed_maximum_site *site, uint32_t index,
                      const struct maximum *maximum, struct tn_finding *finding)
{
    char *where = NULL;
    int r = tn_finding_where(pass, &index, 1, &where);
    bool is_plain = site->resized == 0 && maximum->distinct < TN_SIZE_HISTOGRAM_MAX;
    if (r == 0 && is_plain)
        r = tn_finding_set(&finding->query, QUERY, where);
    else if (r == 0)
        r = tn_finding_set(&finding->query, "SELECT max(size_bytes) AS max_bytes FROM allocation WHERE %s",
                           where);
    free(where);
    return r;
}

static int fill_notes(const struct maximum *maximum, struct tn_finding *finding)
{
    char fixed[TN_QUANTITY_TEXT_BYTES], variable[TN_QUANTITY_TEXT_BYTES];
    char all[TN_QUANTITY_TEXT_BYTES], most[TN_QUANTITY_TEXT_BYTES];
    tn_print_count(all, maximum->observations);
    tn_print_count(most, maximum->at_maximum);
    tn_print_bytes(fixed, maximum->fixed_peak_bytes);
    tn_print_bytes(variable, maximum->variable_peak_bytes);
    const char *trust = maximum->is_growing ? "the largest came near the end: more are to be expected"
                        : maximum->is_limit
                            ? "it looks like a real limit"
                            : "a limit that was never reached is none: look for it in the source";
    return tn_finding_set(&finding->notes,
                          "At the peak, fixed buffers take %s where %s are taken now; up to %s B they would "
                          "cost no more.\nOf %s seen, %s had the maximum; %s.",
                          fixed, variable, tn_count_text(maximum->break_even_bytes).text, all, most, trust);
}

static int fill_texts(const struct maximum *maximum, const struct tn_pass_site *seen,
                      struct tn_finding *finding)
{
    char place[256], count[TN_QUANTITY_TEXT_BYTES];
    const char *policy = maximum->is_limit ? "refuse what is longer"
                         : maximum->is_growing
                             ? "decide what happens to longer ones: this maximum is not the last"
                             : "cut or refuse what is longer, and count it";
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_count(count, maximum->observations);
    int r = tn_finding_set(
        &finding->title, "Give %s a fixed size of %s B: %s block%s had %s to %s B, 99 %% of them up to %s B",
        place, tn_count_text(maximum->max_bytes).text, count, maximum->observations == 1 ? "" : "s",
        tn_count_text(seen->min_size_bytes).text, tn_count_text(maximum->max_bytes).text,
        tn_count_text(maximum->p99_bytes).text);
    if (r == 0)
        r = tn_finding_set(&finding->advice,
                           "Give what %s allocates a fixed maximum of %s B, in the structure that holds it "
                           "or as buffers of one size, and %s.",
                           place, tn_count_text(maximum->max_bytes).text, policy);
    return r < 0 ? r : fill_notes(maximum, finding);
}

static int complete(const struct fixed_maximum_state *state, const struct tn_pass *pass, uint32_t index,
                    const struct maximum *maximum, struct tn_finding *finding)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    const struct fixed_maximum_site *site = &state->sites[index];
    uint64_t mean_overhead_bytes = site->overhead_bytes / seen->allocations;
    bool costs_more = maximum->fixed_peak_bytes > maximum->variable_peak_bytes;
    /* a maximum that was seen once and costs memory is a guess that somebody pays for */
    bool is_guess = maximum->at_maximum == 1 && !maximum->is_limit && costs_more;
    finding->confidence = is_guess ? TN_CONFIDENCE_WEAK : TN_CONFIDENCE_CONSISTENT;
    /* a fixed size alone removes no call; but a buffer inside its holder's structure needs no header */
    finding->saving.bytes_removed =
        costs_more ? 0 : (int64_t)(maximum->variable_peak_bytes - maximum->fixed_peak_bytes);
    finding->saving.peak_bytes_delta =
        (int64_t)(seen->live_count_at_peak * maximum->max_bytes) -
        (int64_t)(seen->live_bytes_at_peak + seen->live_count_at_peak * mean_overhead_bytes);
    finding->apply = TN_APPLY_FIXED;
    finding->apply_bytes = maximum->max_bytes;
    fill_evidence(maximum, seen, finding);
    int r = fill_texts(maximum, seen, finding);
    if (r == 0)
        r = tn_finding_add_condition(finding, "largest-seen", NULL, 0,
                                     "%s B is made the limit: it is the largest that was seen",
                                     tn_count_text(maximum->max_bytes).text);
    return r < 0 ? r : fill_query(pass, site, index, maximum, finding);
}

static int add_finding(struct fixed_maximum_state *state, const struct tn_pass *pass, uint32_t index,
                       struct tn_findings *findings)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    struct maximum maximum;
    struct tn_finding finding;
    int r = weigh(state, seen, index, &maximum);
    if (r < 0)
        return r;
    double mean = (double)seen->total_bytes / (double)seen->allocations;
    if (maximum.distinct < state->min_distinct || (double)maximum.max_bytes > state->waste * mean)
        return 0;
    /* A container's capacities are steps of its own, no limits of what the program keeps in it. */
    struct tn_made_by made_by;
    r = tn_pass_maker(pass, index, &made_by);
    if (r < 0 || tn_maker_is_library(made_by.maker))
        return r;
    r = tn_finding_begin(pass, &tn_kind_fixed_maximum, &index, 1, &finding);
    if (r < 0)
        return r;
    r = complete(state, pass, index, &maximum, &finding);
    if (r == 0)
        r = tn_pass_add_finding(pass, &index, 1, &finding, findings);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

static int conclude(void *own, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct fixed_maximum_state *state = own;
    int r = 0;
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++)
        if (is_candidate(state, pass, site))
            r = add_finding(state, pass, site, findings);
    return r;
}

static void finish(void *own)
{
    struct fixed_maximum_state *state = own;
    for (size_t i = 0; state != NULL && state->sites != NULL && i < state->site_count; i++)
        tn_size_histogram_finish(&state->sites[i].sizes);
    if (state != NULL)
        free(state->sites);
    free(state);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("observations", COUNT, COUNT), TN_TOLD("", " sizes seen"), .is_required = true, .is_detail = true,
     .is_summed = true},
    {TN_KEY("distinct_sizes", COUNT, COUNT), TN_TOLD("", " different sizes")},
    {TN_KEY("p50_bytes", COUNT, BYTES), TN_TOLD("half up to ", "")},
    {TN_KEY("p99_bytes", COUNT, BYTES), TN_TOLD("99 % up to ", ""), .is_required = true, .is_detail = true},
    {TN_KEY("max_bytes", COUNT, BYTES), TN_TOLD("all up to ", ""), .is_required = true, .is_detail = true},
    {TN_KEY("at_maximum", COUNT, COUNT), TN_TOLD("", " of exactly the largest"), .is_summed = true},
    {TN_KEY("still_growing", BOOL, NONE), TN_TOLD("still growing: ", ""), .is_required = true,
     .is_detail = true},
    {TN_KEY("p90_bytes", COUNT, BYTES)},
    {TN_KEY("records", COUNT, COUNT)},
    {TN_KEY("looks_like_limit", BOOL, NONE)},
    {TN_KEY("exceed_probability", REAL, RATIO)},
    {TN_KEY("overflow", TEXT, NONE)},
    {TN_KEY("peak_count", COUNT, COUNT)},
    {TN_KEY("break_even_bytes", COUNT, BYTES)},
    {TN_KEY("fixed_peak_bytes", COUNT, BYTES)},
    {TN_KEY("variable_peak_bytes", COUNT, BYTES)},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", "combine", "arena", "preallocate", NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .death = death,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_fixed_maximum = {
    .name = "fixed-maximum",
    .summary = "strings and buffers of varying size: the maximum to design for",
    .tactic = "Parameterize strings and buffers",
    .verify = "Record again: this line asks for one size. Count in the program what the limit turned away.",
    .weight = 0.25,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
