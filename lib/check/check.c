/* SPDX-License-Identifier: MIT */

/* Evaluates limits: what each metric comes to, which sites and findings it is made of, and which of these are
 * excepted. Called by `tenure check` with everything that the limits need. */

#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* While one limit is evaluated. */
struct evaluation {
    const struct tn_check_policy *policy;
    const struct tn_check_subject *subject;
    bool *is_used; /* by exception */
    struct tn_check_verdict *verdict;
    size_t capacity; /* of verdict->parts */
};

/* ---------------------------------------------------------------------------------------- exceptions */

/* Whether FILE:LINE names a place, with as much of the path as is there. */
static bool is_line(const char *place, const char *file, uint32_t line)
{
    char number[16];
    const char *colon = strrchr(place, ':');
    snprintf(number, sizeof(number), "%" PRIu32, line);
    if (colon == NULL || strcmp(colon + 1, number) != 0)
        return false;
    size_t wanted = (size_t)(colon - place), length = strlen(file);
    return wanted != 0 && wanted <= length && strncmp(file + length - wanted, place, wanted) == 0 &&
           (wanted == length || file[length - wanted - 1] == '/' || place[0] == '/');
}

static bool is_place(const char *place, const char *function, const char *file, uint32_t line)
{
    return (function[0] != '\0' && strcmp(place, function) == 0) || (line != 0 && is_line(place, file, line));
}

/* A finding about the program as a whole is at `program`. */
static bool is_part_at(const struct tn_check_part *part, const char *place)
{
    if (part->finding == NULL)
        return is_place(place, part->site->function, part->site->file, part->site->line);
    char key[TN_FINDING_KEY_BYTES];
    if (strcmp(place, tn_finding_key_print(part->finding, key)) == 0)
        return true;
    if (part->finding->site_count == 0)
        return strcmp(place, "program") == 0;
    const struct tn_finding_site *site = &part->finding->sites[0];
    return is_place(place, site->function, site->file, site->line);
}

/* The first exception for a part; all that apply count as used. */
static const struct tn_check_exception *find_exception(struct evaluation *evaluation,
                                                       const struct tn_check_part *part)
{
    const struct tn_check_policy *policy = evaluation->policy;
    const struct tn_check_exception *found = NULL;
    for (size_t i = 0; i < policy->exception_count; i++) {
        const struct tn_check_exception *exception = &policy->exceptions[i];
        if (exception->metric != evaluation->verdict->limit->metric || !is_part_at(part, exception->place))
            continue;
        if (exception->part[0] != '\0' && part->finding != NULL &&
            strcmp(exception->part, part->finding->kind) != 0)
            continue;
        evaluation->is_used[i] = true;
        found = found != NULL ? found : exception;
    }
    return found;
}

/* ---------------------------------------------------------------------------------------- parts */

static int add_part(struct evaluation *evaluation, struct tn_check_part part)
{
    struct tn_check_verdict *verdict = evaluation->verdict;
    if (verdict->part_count == evaluation->capacity) {
        size_t capacity = 2 * evaluation->capacity + 16;
        struct tn_check_part *parts = realloc(verdict->parts, capacity * sizeof(parts[0]));
        if (parts == NULL)
            return -ENOMEM;
        verdict->parts = parts;
        evaluation->capacity = capacity;
    }
    verdict->parts[verdict->part_count++] = part;
    return 0;
}

/* Add what a site or a finding contributes, or what would, were it not for an exception. */
static int add_counted(struct evaluation *evaluation, struct tn_check_part part)
{
    if (part.amount == 0)
        return 0;
    part.exception = find_exception(evaluation, &part);
    if (part.exception != NULL)
        evaluation->verdict->excepted += part.amount;
    return add_part(evaluation, part);
}

/* Those that count first, the largest first; equals as they came, which the amounts' owners tell. */
static int compare_parts(const void *a, const void *b)
{
    const struct tn_check_part *left = a, *right = b;
    if ((left->exception == NULL) != (right->exception == NULL))
        return left->exception == NULL ? -1 : 1;
    if (left->finding != NULL && right->finding != NULL)
        return (left->finding->rank > right->finding->rank) - (left->finding->rank < right->finding->rank);
    if (left->amount != right->amount)
        return left->amount > right->amount ? -1 : 1;
    return (left->site > right->site) - (left->site < right->site);
}

static void order_parts(struct tn_check_verdict *verdict)
{
    size_t counted = 0;
    if (verdict->part_count == 0)
        return;
    qsort(verdict->parts, verdict->part_count, sizeof(verdict->parts[0]), compare_parts);
    while (counted < verdict->part_count && verdict->parts[counted].exception == NULL)
        counted++;
    if (counted <= TN_CHECK_PARTS_MAX)
        return;
    verdict->parts_left = counted - TN_CHECK_PARTS_MAX;
    memmove(&verdict->parts[TN_CHECK_PARTS_MAX], &verdict->parts[counted],
            (verdict->part_count - counted) * sizeof(verdict->parts[0]));
    verdict->part_count -= verdict->parts_left;
}

/* ---------------------------------------------------------------------------------------- metrics */

static const struct tn_summary_sites *sites_of(const struct evaluation *evaluation)
{
    return &evaluation->subject->summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
}

static double life_s(const struct tn_summary *summary)
{
    for (size_t i = 0; i < summary->process_count; i++) {
        const struct tn_summary_process *process = &summary->processes[i];
        if (process->id == summary->process_id && process->end_ns > process->start_ns)
            return (double)(process->end_ns - process->start_ns) / 1e9;
    }
    return 1e-9; /* a process that no time passed in: one tick of the clock */
}

static double site_amount(const struct evaluation *evaluation, const struct tn_summary_site *site)
{
    const struct tn_check_subject *subject = evaluation->subject;
    switch (evaluation->verdict->limit->metric) {
    case TN_METRIC_AFTER_INIT:
        return site->site_id < subject->after_init->site_count && site->site_id != 0
                   ? (double)subject->after_init->by_site[site->site_id]
                   : 0;
    case TN_METRIC_SHORT_LIVED:
        return (double)site->small_short_lived / life_s(subject->summary);
    default:
        return (double)site->live_at_end;
    }
}

static int count_sites(struct evaluation *evaluation, double total)
{
    const struct tn_summary_sites *sites = sites_of(evaluation);
    int r = 0;
    for (size_t i = 0; i < sites->count && r == 0; i++) {
        const struct tn_summary_site *site = &sites->sites[i];
        r = add_counted(evaluation, (struct tn_check_part){site_amount(evaluation, site), site, NULL, NULL});
    }
    evaluation->verdict->value = total - evaluation->verdict->excepted;
    return r;
}

/* The finding's first site as the summary has it; NULL: only the finding knows it. */
static const struct tn_summary_site *summary_site(const struct evaluation *evaluation,
                                                  const struct tn_finding *finding)
{
    const struct tn_summary_sites *sites = sites_of(evaluation);
    for (size_t i = 0; i < sites->count && finding->site_count != 0; i++)
        if (sites->sites[i].site_id == finding->sites[0].site_id && sites->sites[i].site_id != 0)
            return &sites->sites[i];
    return NULL;
}

static int count_findings(struct evaluation *evaluation)
{
    const struct tn_findings *findings = evaluation->subject->findings;
    const char *kind = evaluation->verdict->limit->part;
    int r = 0;
    for (size_t i = 0; i < findings->count && r == 0; i++) {
        const struct tn_finding *finding = &findings->items[i];
        if (finding->confidence == TN_CONFIDENCE_WEAK ||
            (kind[0] != '\0' && strcmp(kind, finding->kind) != 0))
            continue;
        evaluation->verdict->value += 1;
        r = add_counted(evaluation,
                        (struct tn_check_part){1, summary_site(evaluation, finding), finding, NULL});
    }
    evaluation->verdict->value -= evaluation->verdict->excepted;
    return r;
}

/* What the program as a whole has: the site with the highest peak is where to look. */
static int point_at_peak(struct evaluation *evaluation)
{
    const struct tn_summary_sites *sites = sites_of(evaluation);
    const struct tn_summary_site *highest = NULL;
    for (size_t i = 0; i < sites->count; i++)
        if (highest == NULL || sites->sites[i].peak_live_bytes > highest->peak_live_bytes)
            highest = &sites->sites[i];
    if (highest == NULL)
        return 0;
    return add_part(evaluation,
                    (struct tn_check_part){(double)highest->peak_live_bytes, highest, NULL, NULL});
}

static int measure_heap(struct evaluation *evaluation, struct tn_error *error)
{
    const struct tn_check_subject *subject = evaluation->subject;
    struct tn_check_verdict *verdict = evaluation->verdict;
    for (size_t i = 0; i < subject->heap_count; i++) {
        const struct tn_check_heap *heap = &subject->heaps[i];
        if (strcmp(heap->policy, verdict->limit->part) != 0)
            continue;
        if (heap->smallest_bytes == 0)
            return tn_error_set(error, -ENODATA,
                                "cannot check %s: no heap was found in which the process survives; "
                                "'tenure simulate' says why",
                                verdict->limit->name);
        verdict->value = verdict->limit->metric == TN_METRIC_SMALLEST_HEAP ? (double)heap->smallest_bytes
                                                                           : heap->fragmentation_percent;
        return point_at_peak(evaluation);
    }
    return tn_error_set(error, -ENODATA, "cannot check %s: this model was not measured",
                        verdict->limit->name);
}

static int count_after_init(struct evaluation *evaluation, struct tn_error *error)
{
    const struct tn_check_subject *subject = evaluation->subject;
    if (subject->after_init == NULL || !subject->after_init->has_mark)
        return tn_error_set(error, -ENODATA,
                            "cannot check %s, %s: the process has no mark 'initialisation done'; let the "
                            "program set one (tenure/mark.h)",
                            evaluation->verdict->limit->name, subject->summary->path);
    return count_sites(evaluation, (double)subject->after_init->total);
}

static int evaluate(struct evaluation *evaluation, struct tn_error *error)
{
    const struct tn_summary *summary = evaluation->subject->summary;
    switch (evaluation->verdict->limit->metric) {
    case TN_METRIC_AFTER_INIT:
        return count_after_init(evaluation, error);
    case TN_METRIC_SHORT_LIVED:
        return count_sites(evaluation, (double)summary->totals.small_short_lived / life_s(summary));
    case TN_METRIC_FINDINGS:
        return count_findings(evaluation);
    case TN_METRIC_SMALLEST_HEAP:
    case TN_METRIC_FRAGMENTATION:
        return measure_heap(evaluation, error);
    case TN_METRIC_PEAK:
        evaluation->verdict->value = (double)summary->totals.peak_live_bytes;
        return point_at_peak(evaluation);
    default:
        return count_sites(evaluation, (double)summary->totals.live_count);
    }
}

/* ---------------------------------------------------------------------------------------- the whole */

bool tn_check_is_lossy(const struct tn_summary *summary)
{
    const struct tn_summary_losses *losses = &summary->losses;
    return !summary->is_complete || !summary->is_finished || losses->events_lost != 0 ||
           losses->unmatched_births != 0 || losses->unmatched_frees != 0;
}

static int check_limits(struct tn_check_result *result, struct tn_error *error)
{
    const struct tn_check_policy *policy = result->policy;
    int r = 0;
    for (size_t i = 0; i < policy->limit_count && r == 0; i++) {
        struct tn_check_verdict *verdict = &result->verdicts[result->verdict_count++];
        struct evaluation evaluation = {policy, result->subject, result->is_used, verdict, 0};
        verdict->limit = &policy->limits[i];
        r = evaluate(&evaluation, error);
        order_parts(verdict);
        /* Sums of seconds are not exact: what is a rounding error above the limit is at it. */
        verdict->is_violated = verdict->value > verdict->limit->max * (1 + 1e-12);
        result->violated_count += verdict->is_violated;
    }
    return r == -ENOMEM ? tn_error_set(error, r, "cannot check: out of memory") : r;
}

int tn_check(const struct tn_check_policy *policy, const struct tn_check_subject *subject,
             struct tn_check_result *ret_result, struct tn_error *error)
{
    struct tn_check_result result = {
        .subject = subject,
        .policy = policy,
        .verdicts = calloc(policy->limit_count + 1, sizeof(result.verdicts[0])),
        .is_used = calloc(policy->exception_count + 1, sizeof(result.is_used[0])),
    };
    int r = result.verdicts != NULL && result.is_used != NULL
                ? check_limits(&result, error)
                : tn_error_set(error, -ENOMEM, "cannot check: out of memory");
    if (r < 0)
        tn_check_result_finish(&result);
    else
        *ret_result = result;
    return r;
}

void tn_check_result_finish(struct tn_check_result *result)
{
    for (size_t i = 0; i < result->verdict_count; i++)
        free(result->verdicts[i].parts);
    free(result->verdicts);
    free(result->is_used);
    *result = (struct tn_check_result){0};
}
