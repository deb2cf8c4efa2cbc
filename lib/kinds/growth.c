/* SPDX-License-Identifier: MIT */
/* The kind `growth`: sites whose number of live blocks only rises. The run is cut into windows of equally
 * many allocations; the lowest live count of each window and of all that follow counts, so that neither waves
 * matter nor what is thrown away as a whole now and then. It must rise in most steps from window to window (a
 * warm-up stops), with a positive slope by Theil and Sen, which single jumps do not move, and at the end no
 * slower than on the whole. */
#include "tenure/analysis.h"
#include "tenure/kinds.h"
#include "tenure/releases.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FINE_WINDOWS 48u /* kept while events pass; four make a window */
#define WINDOWS      12u

#define RATE_SPAN_MIN_NS 60000000000u

/* Only for sites that ever had some blocks at once. */
struct troughs {
    uint64_t live_counts[FINE_WINDOWS];
};

struct growth_site {
    struct troughs *troughs; /* owned; NULL: there were never enough blocks */
    uint32_t window;         /* fine window of the last event */
    uint64_t live_count;     /* at the end of the run, before teardown */
};

struct growth_state {
    struct growth_site *sites; /* owned; by site */
    size_t site_count;
    uint64_t window_length;            /* allocations of the process */
    uint64_t late_births, late_deaths; /* of the process, in the second half of the run */
    uint64_t min_blocks;
    double rising_share, late_share, bytes_share;
    uint64_t many;
};

static const struct tn_threshold thresholds[] = {
    {"growth.blocks", 24, 2, 1e12, "blocks that the lowest live count rises by, at least",
     "two for each of twelve windows: fewer are an arena's chunks"},
    {"growth.rising-share", 2.0 / 3, 0.1, 1, "share of steps between windows in which it rises, at least",
     "growth in two thirds of windows: a trend test alone is prone to false alarms (Machida et al. 2013)"},
    {"growth.late-share", 0.5, 0, 10, "rise of the last third, in times an even share of the whole, at least",
     "a cache that fills rises ever more slowly"},
    {"growth.share", 0.01, 0, 1, "rise in bytes, as a share of the process's peak of live bytes, at least",
     "a thousandth of a program's memory that still rises in a short run may be late warm-up"},
    {"growth.many", 1000, 1, 1e12, "blocks that it rises by, with which it need not be that share",
     "a thousand blocks in step with the work are no warm-up, however small"},
    {0},
};

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct growth_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    *ret_state = state;
    state->min_blocks = (uint64_t)tn_pass_threshold(pass, "growth.blocks");
    state->rising_share = tn_pass_threshold(pass, "growth.rising-share");
    state->late_share = tn_pass_threshold(pass, "growth.late-share");
    state->bytes_share = tn_pass_threshold(pass, "growth.share");
    state->many = (uint64_t)tn_pass_threshold(pass, "growth.many");
    state->window_length = pass->birth_total / FINE_WINDOWS + 1;
    state->site_count = pass->site_count;
    state->sites = calloc(pass->site_count, sizeof(state->sites[0]));
    return state->sites != NULL ? 0 : -ENOMEM;
}

/* Enter a window; those in between began with what was live since the last event. */
static void enter_window(struct growth_site *site, uint32_t window, uint64_t live_count)
{
    while (site->window < window)
        site->troughs->live_counts[++site->window] = live_count;
}

static int birth(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct growth_state *state = own;
    struct growth_site *site = &state->sites[event->block->site];
    uint64_t live_count = pass->sites[event->block->site].live_count;
    uint32_t window = (uint32_t)((pass->allocation_count - 1) / state->window_length);
    state->late_births += pass->allocation_count > pass->birth_total / 2;
    site->live_count = live_count;
    if (site->troughs == NULL) {
        if (live_count < state->min_blocks)
            return 0;
        /* Few were live in the windows before, so their lowest counts, left at 0, are nearly right. */
        site->troughs = calloc(1, sizeof(*site->troughs));
        if (site->troughs == NULL)
            return -ENOMEM;
        site->window = window;
        bool began_here =
            (pass->sites[event->block->site].first_birth_index - 1) / state->window_length == window;
        site->troughs->live_counts[window] = began_here ? 0 : live_count - 1;
        return 0;
    }
    enter_window(site, window, live_count - 1);
    return 0;
}

static int death(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct growth_state *state = own;
    struct growth_site *site = &state->sites[event->block->site];
    uint64_t live_count = pass->sites[event->block->site].live_count;
    if (pass->is_teardown)
        return 0;
    state->late_deaths += pass->allocation_count > pass->birth_total / 2;
    site->live_count = live_count;
    if (site->troughs == NULL)
        return 0;
    enter_window(site, (uint32_t)((pass->allocation_count - 1) / state->window_length), live_count + 1);
    if (live_count < site->troughs->live_counts[site->window])
        site->troughs->live_counts[site->window] = live_count;
    return 0;
}

/* ---------------------------------------------------------------------------------------- the test */

struct trend {
    uint64_t first_count, last_count; /* lowest live count in the first window, and in the last */
    uint32_t rising_steps;
    double slope; /* blocks a window, by Theil and Sen */
    bool is_growing, is_late;
};

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The median of the slopes between all pairs of windows. */
static double slope_of(const uint64_t *lows)
{
    double slopes[WINDOWS * (WINDOWS - 1) / 2];
    size_t count = 0;
    for (size_t i = 0; i < WINDOWS; i++)
        for (size_t j = i + 1; j < WINDOWS; j++)
            slopes[count++] = ((double)lows[j] - (double)lows[i]) / (double)(j - i);
    qsort(slopes, count, sizeof(slopes[0]), compare);
    return (slopes[(count - 1) / 2] + slopes[count / 2]) / 2;
}

/* What the count never comes below again, from each window on. */
static void join_windows(const struct troughs *troughs, uint64_t *ret_lows)
{
    for (size_t i = 0; i < WINDOWS; i++) {
        const uint64_t *fine = &troughs->live_counts[i * (FINE_WINDOWS / WINDOWS)];
        ret_lows[i] = fine[0];
        for (size_t k = 1; k < FINE_WINDOWS / WINDOWS; k++)
            ret_lows[i] = fine[k] < ret_lows[i] ? fine[k] : ret_lows[i];
    }
    for (size_t i = WINDOWS - 1; i > 0; i--)
        if (ret_lows[i] < ret_lows[i - 1])
            ret_lows[i - 1] = ret_lows[i];
}

static struct trend weigh(const struct growth_state *state, const struct tn_pass *pass, uint32_t index)
{
    struct trend trend = {0};
    struct growth_site *site = &state->sites[index];
    uint64_t lows[WINDOWS];
    if (site->troughs == NULL)
        return trend;
    enter_window(site, FINE_WINDOWS - 1, site->live_count);
    join_windows(site->troughs, lows);
    for (size_t i = 1; i < WINDOWS; i++)
        trend.rising_steps += lows[i] > lows[i - 1];
    trend.first_count = lows[0];
    trend.last_count = lows[WINDOWS - 1];
    trend.slope = slope_of(lows);
    double rise = (double)trend.last_count - (double)trend.first_count;
    double late_rise = (double)trend.last_count - (double)lows[WINDOWS - 1 - WINDOWS / 3];
    trend.is_late = late_rise >= state->late_share * rise / 3;
    trend.is_growing = rise >= (double)state->min_blocks && trend.slope > 0 &&
                       (double)trend.rising_steps >= state->rising_share * (WINDOWS - 1) &&
                       pass->sites[index].allocations >= pass->options->min_allocations;
    return trend;
}

/* ---------------------------------------------------------------------------------------- findings */

static uint64_t bytes_per_hour(const struct tn_pass *pass, const struct trend *trend, uint32_t index)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    double mean_bytes = (double)seen->total_bytes / (double)seen->allocations;
    double duration_ns = (double)(pass->sites[index].last_birth_ns - pass->sites[index].first_birth_ns);
    return duration_ns > 0 ? (uint64_t)(trend->slope * WINDOWS * mean_bytes * 3.6e12 / duration_ns) : 0;
}

/* A rate by the hour says something only of a rise that took a while: a minute at least. */
static void print_rate(const struct tn_pass *pass, const struct trend *trend, uint32_t index, char *ret_text,
                       size_t text_bytes)
{
    char hour[TN_QUANTITY_TEXT_BYTES];
    ret_text[0] = '\0';
    if (pass->sites[index].last_birth_ns - pass->sites[index].first_birth_ns < RATE_SPAN_MIN_NS)
        return;
    tn_print_bytes(hour, bytes_per_hour(pass, trend, index));
    snprintf(ret_text, text_bytes, ", by %s an hour", hour);
}

/* Bytes of the rise, whether the process had its peak before it or after. */
static uint64_t risen_bytes(const struct tn_pass *pass, const struct trend *trend, uint32_t index)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    return (trend->last_count - trend->first_count) * (seen->total_bytes / seen->allocations);
}

/* Bytes of the process's peak that would be missing with no more blocks than in the first window. */
static uint64_t peak_share_bytes(const struct tn_pass *pass, const struct trend *trend, uint32_t index)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    if (seen->live_count_at_peak <= trend->first_count)
        return 0;
    return (seen->live_count_at_peak - trend->first_count) * (seen->total_bytes / seen->allocations);
}

static void fill_evidence(const struct tn_pass *pass, const struct growth_site *site,
                          const struct trend *trend, uint32_t index, struct tn_finding *finding)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_count(evidence, "allocations", seen->allocations);
    tn_evidence_add_count(evidence, "live_count", site->live_count);
    tn_evidence_add_count(evidence, "live_at_end", seen->live_count);
    tn_evidence_add_bytes(evidence, "live_bytes_at_end", seen->live_bytes);
    tn_evidence_add_count(evidence, "first_count", trend->first_count);
    tn_evidence_add_count(evidence, "last_count", trend->last_count);
    tn_evidence_add_bytes(evidence, "risen_bytes", risen_bytes(pass, trend, index));
    tn_evidence_add_count(evidence, "rising_windows", trend->rising_steps);
    tn_evidence_add_count(evidence, "windows", WINDOWS - 1);
    tn_evidence_add_real(evidence, "blocks_per_window", TN_UNIT_COUNT, trend->slope, 6);
    tn_evidence_add_number(evidence, "bytes_per_hour", TN_UNIT_BYTES_PER_HOUR,
                           bytes_per_hour(pass, trend, index));
}

static int fill_query(const struct tn_pass *pass, uint32_t site, struct tn_finding *finding)
{
    char *where = NULL;
    int r = tn_finding_where(pass, &site, 1, &where);
    if (r == 0)
        r = tn_finding_set(
            &finding->query,
            "SELECT count(*) AS allocations, count(*) - count(death_ns) AS live_at_end,"
            " coalesce(sum(size_bytes) FILTER (WHERE death_ns IS NULL), 0) AS live_bytes_at_end"
            " FROM allocation WHERE %s",
            where);
    free(where);
    return r;
}

static int fill_texts(const struct tn_pass *pass, const struct trend *trend, uint32_t index, bool has_work,
                      struct tn_finding *finding)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    char place[256], last[TN_QUANTITY_TEXT_BYTES], first[TN_QUANTITY_TEXT_BYTES], rate[64];
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_count(first, trend->first_count);
    tn_print_count(last, trend->last_count);
    print_rate(pass, trend, index, rate, sizeof(rate));
    int r = tn_finding_set(&finding->title,
                           "Release or bound what %s makes: its low-water mark rose from %s to %s blocks",
                           place, first, last);
    if (r == 0)
        r = tn_finding_set(
            &finding->advice,
            "Find what should release the blocks of %s, or set a bound: the fewest that live at once (the"
            " low-water mark) rose in %" PRIu32 " of %u steps through the run%s.",
            place, trend->rising_steps, WINDOWS - 1, rate);
    if (r < 0)
        return r;
    const char *end = seen->live_count == 0
                          ? "All were released at the end of the run: it is growth, no leak."
                          : "What lives at the end is not called a leak: a longer recording tells.";
    return tn_finding_set(&finding->notes, "%s%s%s", end,
                          has_work ? ""
                                   : "\nThe program releases next to nothing: it may just be building up.",
                          trend->is_late ? "" : "\nThe growth slows down: it may be a cache that fills.");
}

/* Whether the rise is too large for a program that is still warming up. */
static bool is_large(const struct growth_state *state, const struct tn_pass *pass, uint32_t index,
                     const struct trend *trend)
{
    const struct tn_pass_site *seen = &pass->sites[index];
    uint64_t rise = trend->last_count - trend->first_count;
    double rise_bytes = (double)rise * (double)seen->total_bytes / (double)seen->allocations;
    return rise >= state->many || rise_bytes >= state->bytes_share * (double)pass->peak_live_bytes;
}

static int add_finding(const struct growth_state *state, const struct tn_pass *pass, uint32_t index,
                       const struct trend *trend, struct tn_findings *findings)
{
    struct tn_finding finding;
    int r = tn_finding_begin(pass, &tn_kind_growth, &index, 1, &finding);
    if (r < 0)
        return r;
    bool has_work = state->late_deaths * 10 >= state->late_births;
    finding.confidence = has_work && trend->is_late && is_large(state, pass, index, trend)
                             ? TN_CONFIDENCE_CONSISTENT
                             : TN_CONFIDENCE_WEAK;
    finding.saving.peak_bytes_delta = -(int64_t)peak_share_bytes(pass, trend, index);
    finding.rise_bytes = risen_bytes(pass, trend, index);
    finding.apply = TN_APPLY_NONE;
    r = fill_texts(pass, trend, index, has_work, &finding);
    /* Data that a program builds up, uses and leaves to exit rise as a leak does. */
    if (r == 0 && !pass->is_cut_off)
        r = tn_finding_add_condition(&finding, "runs-on", NULL, 0,
                                     "the program is meant to run on: this run ended by itself, and may just"
                                     " have built up its data");
    fill_evidence(pass, &state->sites[index], trend, index, &finding);
    if (r == 0)
        r = fill_query(pass, index, &finding);
    if (r == 0)
        r = tn_pass_add_finding(pass, &index, 1, &finding, findings);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

/* Sites of a program that ended by itself, and released all of their blocks then: the parts of what it has
 * built up, such as a tree. They are one finding. */
struct built_up {
    uint32_t *sites; /* owned; indices in tn_pass.sites; the one that rose by most bytes first */
    size_t count;
    struct trend largest; /* of the first one */
    uint64_t risen_bytes; /* of all */
    uint64_t peak_bytes;  /* of the process's peak, likewise */
    uint64_t allocations; /* likewise */
};

static bool is_built_up(const struct growth_state *state, const struct tn_pass *pass, uint32_t site,
                        const struct trend *trend)
{
    return !pass->is_cut_off && pass->sites[site].live_count == 0 && trend->is_late &&
           state->late_deaths * 10 >= state->late_births && is_large(state, pass, site, trend);
}

static void add_part(const struct tn_pass *pass, uint32_t site, const struct trend *trend,
                     struct built_up *built_up)
{
    uint64_t bytes = risen_bytes(pass, trend, site);
    bool is_largest =
        built_up->count == 0 || bytes > risen_bytes(pass, &built_up->largest, built_up->sites[0]);
    built_up->sites[built_up->count] = site;
    if (is_largest) {
        built_up->sites[built_up->count] = built_up->sites[0];
        built_up->sites[0] = site;
        built_up->largest = *trend;
    }
    built_up->count++;
    built_up->risen_bytes += bytes;
    built_up->peak_bytes += peak_share_bytes(pass, trend, site);
    built_up->allocations += pass->sites[site].allocations;
}

static int fill_built_up(const struct tn_pass *pass, const struct built_up *built_up,
                         struct tn_finding *finding)
{
    char places[TN_FINDING_PLACES_BYTES], bytes[TN_QUANTITY_TEXT_BYTES];
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_finding_places(finding->sites, finding->site_count, places, sizeof(places));
    int r = tn_finding_set(&finding->title,
                           "Release or bound what %s build up: %s more in all, to the end of the run", places,
                           tn_print_bytes(bytes, built_up->risen_bytes));
    if (r == 0)
        r = tn_finding_set(
            &finding->advice,
            "Find what could release the blocks of these lines while the program runs, or set a"
            " bound: the fewest that live at once (the low-water mark) rose through the run.");
    if (r == 0)
        r = tn_finding_set(&finding->notes,
                           "All were released at the end of the run: it is growth, no leak.");
    if (r == 0)
        r = tn_finding_add_condition(finding, "runs-on", NULL, 0,
                                     "the program is meant to run on: this run ended by itself, and has just"
                                     " built up its data");
    tn_evidence_add_count(evidence, "allocations", built_up->allocations);
    tn_evidence_add_count(evidence, "live_at_end", 0);
    tn_evidence_add_count(evidence, "first_count", built_up->largest.first_count);
    tn_evidence_add_count(evidence, "last_count", built_up->largest.last_count);
    tn_evidence_add_bytes(evidence, "risen_bytes", built_up->risen_bytes);
    tn_evidence_add_count(evidence, "rising_windows", built_up->largest.rising_steps);
    char *where = NULL;
    if (r == 0)
        r = tn_finding_where(pass, built_up->sites, built_up->count, &where);
    if (r == 0)
        r = tn_finding_set(&finding->query,
                           "SELECT count(*) AS allocations, count(*) - count(death_ns) AS live_at_end"
                           " FROM allocation WHERE %s",
                           where);
    free(where);
    return r;
}

static int state_built_up(const struct growth_state *state, const struct tn_pass *pass,
                          const struct built_up *built_up, struct tn_findings *findings)
{
    struct tn_finding finding;
    if (built_up->count == 0)
        return 0;
    if (built_up->count == 1)
        return add_finding(state, pass, built_up->sites[0], &built_up->largest, findings);
    int r = tn_finding_begin(pass, &tn_kind_growth, built_up->sites, built_up->count, &finding);
    if (r < 0)
        return r;
    finding.confidence = TN_CONFIDENCE_CONSISTENT;
    finding.saving.peak_bytes_delta = -(int64_t)built_up->peak_bytes;
    finding.rise_bytes = built_up->risen_bytes;
    finding.apply = TN_APPLY_NONE;
    r = fill_built_up(pass, built_up, &finding);
    if (r == 0)
        r = tn_pass_add_finding(pass, built_up->sites, built_up->count, &finding, findings);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

static int conclude(void *own, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct growth_state *state = own;
    struct built_up built_up = {.sites = calloc(pass->site_count + 1, sizeof(built_up.sites[0]))};
    int r = built_up.sites != NULL ? 0 : -ENOMEM;
    for (uint32_t site = 1; r == 0 && site < pass->site_count; site++) {
        struct trend trend = weigh(state, pass, site);
        if (pass->sites[site].is_runtime || !trend.is_growing)
            continue;
        if (is_built_up(state, pass, site, &trend))
            add_part(pass, site, &trend, &built_up);
        else
            r = add_finding(state, pass, site, &trend, findings);
    }
    if (r == 0)
        r = state_built_up(state, pass, &built_up, findings);
    free(built_up.sites);
    return r;
}

static void finish(void *own)
{
    struct growth_state *state = own;
    for (size_t i = 0; state != NULL && state->sites != NULL && i < state->site_count; i++)
        free(state->sites[i].troughs);
    if (state != NULL)
        free(state->sites);
    free(state);
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("live_at_end", COUNT, COUNT), TN_TOLD("", " live at the end"), .is_silent_at_zero = true,
     .is_required = true},
    {TN_KEY("live_bytes_at_end", COUNT, BYTES), TN_TOLD("of ", " together"), .is_silent_at_zero = true},
    {TN_KEY("first_count", COUNT, COUNT), TN_TOLD("at least ", " in the first part of the run"),
     .is_required = true, .is_detail = true},
    {TN_KEY("last_count", COUNT, COUNT), TN_TOLD("", " in the last"), .is_required = true, .is_detail = true},
    {TN_KEY("rising_windows", COUNT, COUNT), TN_TOLD("the low-water mark rose ", " times"),
     .is_required = true},
    {TN_KEY("risen_bytes", COUNT, BYTES), TN_TOLD("", " more in all"), .is_silent_at_zero = true,
     .is_required = true},
    {TN_KEY("allocations", COUNT, COUNT), .is_summed = true},
    {TN_KEY("live_count", COUNT, COUNT)},
    {TN_KEY("windows", COUNT, COUNT)},
    {TN_KEY("blocks_per_window", REAL, COUNT)},
    {TN_KEY("bytes_per_hour", COUNT, BYTES_PER_HOUR)},
    {0},
};

static const char *const yields_to[] = {NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .death = death,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_growth = {
    .name = "growth",
    .summary = "live count that only rises",
    .tactic = "Release, or set a maximum",
    .verify = "Record a longer run: the number of live blocks of this line has to stop rising.",
    .is_never_minor = true,
    .weight = 1,
    .yields_to = yields_to,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
