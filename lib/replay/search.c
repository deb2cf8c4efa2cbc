/* SPDX-License-Identifier: MIT */
/* The smallest region that a source survives in. Policies whose placements do not depend on the region
 * need one replay without a limit, and one in the region that it tells, as a proof. For the others, need
 * does not fall evenly as the region grows: regions are tried in even steps, and the two limits found are
 * refined by halving. */
#include "tenure/replay.h"

#include <errno.h>

#define PROOFS_MAX   64   /* regions tried from the one-pass result up; then it counts as not found */
#define TRIES_MIN    16   /* regions that a scan tries at least, however many events there are */
#define TRIES_MAX    2048 /* and at most */
#define WIDENING_MAX 40   /* doublings of the scan's upper end */
#define NARROW_AMPLE 4    /* times what is live at once is room enough */
#define NARROW_PARTS 512  /* a narrow search tells regions apart that differ by more than this part */
#define NARROW_RISE  64   /* and goes up by this part of the region, twice as much each time */

/* A search under way. */
struct region_search {
    const struct tn_replay_source *source;
    struct tn_replay_options options; /* for one try */
    struct tn_replay_minimum minimum;
    struct tn_error *error;
    uint64_t events;   /* replayed so far */
    uint64_t smallest; /* of the last try */
};

/* Replay in a region. Returns 1: it survived; 0: it did not, or the policy cannot be opened in so few
 * bytes; negative errno. */
static int try_region(struct region_search *search, uint64_t heap_bytes, struct tn_replay_result *ret_result)
{
    search->options.heap.heap_bytes = heap_bytes;
    struct tn_replay_result result = {0};
    int r = tn_replay_run(search->source, &search->options, &result, search->error);
    search->minimum.tried_count++;
    if (r == -EINVAL)
        return 0;
    if (r < 0)
        return r;
    bool has_survived = result.has_survived;
    search->events += result.events;
    search->smallest = result.smallest_bytes;
    if (ret_result != NULL)
        *ret_result = result; /* holds no memory: nothing extra was wanted, but for the layout of a failure */
    else
        tn_replay_result_finish(&result);
    return has_survived;
}

/* The region that an unlimited replay needed is the minimum, unless the policy's own structures depend on
 * the size of the region (lwip's headers): so it is proved by a replay, and corrected by what that one
 * needed. */
static int search_one_pass(struct region_search *search, uint64_t needed)
{
    uint64_t heap_bytes = needed;
    for (unsigned i = 0; i < PROOFS_MAX; i++) {
        int r = try_region(search, heap_bytes, NULL);
        if (r < 0)
            return r;
        if (r == 1) {
            search->minimum.first_bytes = search->minimum.safe_bytes = heap_bytes;
            if (search->smallest >= heap_bytes)
                return 0;
            heap_bytes = search->smallest;
            continue;
        }
        if (search->minimum.first_bytes != 0)
            return 0;
        heap_bytes += search->options.heap.pointer_bytes;
    }
    return 0;
}

/* Halve the distance between a region that failed and one that survived, down to a unit. Whether all in
 * between behave evenly is not known, but both results were tried. */
static int halve(struct region_search *search, uint64_t failed, uint64_t *survived, uint64_t unit)
{
    while (*survived - failed > unit) {
        uint64_t units = (*survived - failed) / 2 / unit;
        uint64_t middle = failed + (units > 0 ? units : 1) * unit;
        int r = try_region(search, middle, NULL);
        if (r < 0)
            return r;
        if (r == 1)
            *survived = middle;
        else
            failed = middle;
    }
    return 0;
}

/* Try regions from `low` to `high` in steps: `first` is the smallest that survived, `safe` the smallest
 * with no failure above it. */
static int scan(struct region_search *search, uint64_t low, uint64_t high, uint64_t step, uint64_t unit)
{
    struct tn_replay_minimum *minimum = &search->minimum;
    for (uint64_t heap_bytes = low; heap_bytes <= high; heap_bytes += step) {
        int r = try_region(search, heap_bytes, NULL);
        if (r < 0)
            return r;
        if (r == 1 && minimum->first_bytes == 0)
            minimum->first_bytes = heap_bytes;
        if (r == 1 && minimum->safe_bytes == 0)
            minimum->safe_bytes = heap_bytes;
        if (r == 0)
            minimum->safe_bytes = 0;
    }
    minimum->step_bytes = step;
    bool is_one = minimum->first_bytes == minimum->safe_bytes;
    int r = 0;
    if (minimum->first_bytes > low)
        r = halve(search, minimum->first_bytes - step, &minimum->first_bytes, unit);
    if (is_one)
        minimum->safe_bytes = minimum->first_bytes;
    else if (r == 0 && minimum->safe_bytes > low)
        r = halve(search, minimum->safe_bytes - step, &minimum->safe_bytes, unit);
    return r;
}

/* Find a region that survives: from the least possible on, an eighth more each time. Returns 1 if there is
 * one. */
static int find_upper(struct region_search *search, uint64_t least, uint64_t *ret_bytes)
{
    uint64_t heap_bytes = least > 64 ? least : 64;
    for (unsigned i = 0; i < WIDENING_MAX * 4 && heap_bytes < TN_HEAP_UNLIMITED; i++) {
        int r = try_region(search, heap_bytes, NULL);
        if (r < 0)
            return r;
        if (r == 1) {
            *ret_bytes = heap_bytes;
            return 1;
        }
        heap_bytes += heap_bytes / 8;
    }
    return 0;
}

/* Scan from the least possible region to one and a half times one that survives. */
static int search_scan(struct region_search *search, const struct tn_replay_result *free_run,
                       uint64_t max_events)
{
    uint64_t upper = 0;
    int r = find_upper(search, free_run->used_peak_bytes, &upper);
    if (r <= 0)
        return r;
    uint64_t low = free_run->peak_live_bytes > 0 ? free_run->peak_live_bytes : 1;
    uint64_t high = upper + upper / 2, events = free_run->events > 0 ? free_run->events : 1;
    uint64_t tries = max_events / events;
    tries = tries < TRIES_MIN ? TRIES_MIN : tries > TRIES_MAX ? TRIES_MAX : tries;
    uint64_t step = (high - low) / tries + 1;
    uint64_t unit = 1;
    while (unit < step && unit < search->options.heap.pointer_bytes)
        unit *= 2;
    step = (step + unit - 1) / unit * unit;
    return scan(search, (low + step - 1) / step * step, high, step, unit);
}

static void begin(struct region_search *search, const struct tn_replay_source *source,
                  const struct tn_replay_options *options, struct tn_error *error)
{
    *search = (struct region_search){.source = source, .options = *options, .error = error};
    search->options.after = TN_REPLAY_STOP;
    search->options.wants_offsets = search->options.wants_pins = search->options.wants_samples = false;
    search->options.observe = NULL;
}

/* What a replay in ample room needs is close to what a limited one does, because a policy takes untouched
 * memory last; not in a region without end, of which tlsf makes several blocks of the largest size that its
 * lists know, and takes the last one. Returns as try_region; *ret_bytes is what it needed. */
static int try_ample(struct region_search *search, uint64_t used_bytes, uint64_t *ret_bytes)
{
    int r = try_region(search, NARROW_AMPLE * used_bytes, NULL);
    *ret_bytes = r == 1 ? search->smallest : used_bytes;
    return r;
}

/* From there up to a region that survives, and down again by halving. */
static int search_narrow(struct region_search *search, uint64_t used_bytes)
{
    struct tn_replay_minimum *minimum = &search->minimum;
    uint64_t unit = search->options.heap.pointer_bytes, heap_bytes = 0;
    uint64_t failed = used_bytes > unit ? used_bytes - unit : 0;
    int r = try_ample(search, used_bytes + unit, &heap_bytes);
    if (r < 0)
        return r;
    heap_bytes = heap_bytes > failed ? heap_bytes : failed + unit;
    uint64_t rise = (heap_bytes / NARROW_RISE / unit + 1) * unit;
    r = 0;
    for (unsigned i = 0; r == 0 && i < WIDENING_MAX && heap_bytes < TN_HEAP_UNLIMITED; i++) {
        r = try_region(search, heap_bytes, NULL);
        if (r != 0)
            break;
        failed = heap_bytes;
        heap_bytes += rise;
        rise *= 2;
    }
    if (r <= 0)
        return r;
    uint64_t step = (used_bytes / NARROW_PARTS / unit + 1) * unit;
    r = halve(search, failed, &heap_bytes, step);
    minimum->first_bytes = minimum->safe_bytes = heap_bytes;
    minimum->step_bytes = step;
    return r;
}

int tn_replay_search_narrow(const struct tn_replay_source *source, const struct tn_replay_options *options,
                            struct tn_replay_minimum *ret_minimum, struct tn_error *error)
{
    struct region_search search;
    struct tn_replay_result free_run = {0};
    begin(&search, source, options, error);
    int r = try_region(&search, TN_HEAP_UNLIMITED, &free_run);
    bool can_search = r == 1;
    if (can_search && tn_policy_is_one_pass(options->policy))
        r = search_one_pass(&search, free_run.smallest_bytes);
    else if (can_search)
        r = search_narrow(&search, free_run.used_peak_bytes);
    tn_replay_result_finish(&free_run);
    if (r < 0)
        return r;
    *ret_minimum = search.minimum;
    return 0;
}

int tn_replay_search(const struct tn_replay_source *source, const struct tn_replay_options *options,
                     uint64_t max_events, struct tn_replay_minimum *ret_minimum, struct tn_error *error)
{
    struct region_search search;
    struct tn_replay_result free_run = {0};
    begin(&search, source, options, error);
    int r = try_region(&search, TN_HEAP_UNLIMITED, &free_run);
    bool can_search = r == 1;
    if (can_search && tn_policy_is_one_pass(options->policy))
        r = search_one_pass(&search, free_run.smallest_bytes);
    else if (can_search)
        r = search_scan(&search, &free_run, max_events);
    tn_replay_result_finish(&free_run);
    if (r < 0)
        return r;
    *ret_minimum = search.minimum;
    return 0;
}
