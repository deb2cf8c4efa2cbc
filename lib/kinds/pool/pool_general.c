/* SPDX-License-Identifier: MIT */
/* The kind `pool`, for the whole program: chooses the set of general pools that takes the heap's place,
 * prices other sets beside it, and states the finding. Runs once, at the end. */
#include "pool.h"
#include "pool_code.h"

#include "tenure/kinds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What the finding is written from. */
struct general {
    const struct tn_pool_counts *counts;
    const struct tn_pass *pass;
    struct tn_pool_plan best;
    uint64_t control_bytes; /* of one pool */
};

static uint64_t total_bytes(const struct general *general, const struct tn_pool_plan *plan)
{
    return plan->pool_bytes + plan->count * general->control_bytes;
}

/* The fewest pools that need hardly more bytes than the best number of them. */
static void choose(struct general *general)
{
    uint32_t most = (uint32_t)tn_pass_threshold(general->pass, "pool.max-pools");
    double knee = tn_pass_threshold(general->pass, "pool.knee");
    uint64_t least_bytes = UINT64_MAX;
    struct tn_pool_plan plan;
    for (uint32_t count = 1; count <= most; count++) {
        tn_pool_plan_best(&general->counts->bins, count, &plan);
        if (total_bytes(general, &plan) < least_bytes)
            least_bytes = total_bytes(general, &plan);
    }
    for (uint32_t count = 1; count <= most; count++) {
        tn_pool_plan_best(&general->counts->bins, count, &general->best);
        if ((double)total_bytes(general, &general->best) <= (1 + knee) * (double)least_bytes)
            return;
    }
}

/* ---------------------------------------------------------------------------------------- evidence */

static void add_price(struct tn_evidence_set *pricing, const char *scheme, const struct general *general,
                      const struct tn_pool_plan *plan)
{
    struct tn_evidence_set *evidence = tn_evidence_add_object(pricing, NULL);
    tn_evidence_add_text(evidence, "scheme", scheme);
    tn_evidence_add_count(evidence, "pools", plan->count);
    tn_evidence_add_bytes(evidence, "bytes", total_bytes(general, plan));
    tn_evidence_add_count(evidence, "unserved_allocations", plan->unserved);
}

/* What other sets cost, control blocks included, beside a heap without any hole. */
static void add_pricing(struct tn_evidence_set *all, const struct general *general)
{
    const struct tn_pool_counts *counts = general->counts;
    uint32_t most = (uint32_t)tn_pass_threshold(general->pass, "pool.max-pools");
    uint64_t sizes_bytes[TN_POOL_PLAN_MAX];
    struct tn_pool_plan plan;
    struct tn_evidence_set *pricing = tn_evidence_add_list(all, "pricing");
    for (uint32_t count = 1; count <= most && count <= counts->bins.count; count++) {
        tn_pool_plan_best(&counts->bins, count, &plan);
        add_price(pricing, "best", general, &plan);
    }
    tn_pool_plan_sizes(&counts->bins, sizes_bytes, tn_pool_sizes_power(&counts->bins, sizes_bytes), &plan);
    add_price(pricing, "power-of-two", general, &plan);
    tn_pool_plan_sizes(&counts->bins, sizes_bytes, tn_pool_sizes_geometric(&counts->bins, sizes_bytes),
                       &plan);
    add_price(pricing, "geometric", general, &plan);
    if (counts->given_count != 0) {
        tn_pool_plan_sizes(&counts->bins, counts->given_sizes_bytes, counts->given_count, &plan);
        add_price(pricing, "given", general, &plan);
    }
    struct tn_evidence_set *evidence = tn_evidence_add_object(pricing, NULL);
    tn_evidence_add_text(evidence, "scheme", "heap-without-holes");
    tn_evidence_add_count(evidence, "pools", 0);
    tn_evidence_add_bytes(evidence, "bytes", counts->covered.peak_heap_bytes);
    tn_evidence_add_count(evidence, "unserved_allocations", 0);
}

static void add_pools(struct tn_evidence_set *all, const struct general *general)
{
    struct tn_evidence_set *pools = tn_evidence_add_list(all, "pools");
    for (uint32_t i = 0; i < general->best.count; i++) {
        const struct tn_pool_choice *pool = &general->best.pools[i];
        uint64_t births = 0;
        for (uint32_t bin = pool->first; bin <= pool->last; bin++)
            births += general->counts->bins.births[bin];
        struct tn_evidence_set *evidence = tn_evidence_add_object(pools, NULL);
        tn_evidence_add_bytes(evidence, "block_bytes", pool->block_bytes);
        tn_evidence_add_count(evidence, "block_count", pool->block_count);
        tn_evidence_add_bytes(evidence, "from_bytes",
                              i == 0 ? 0 : general->best.pools[i - 1].block_bytes + 1);
        tn_evidence_add_count(evidence, "allocations", births);
    }
}

static uint64_t count_blocks(const struct tn_pool_plan *plan)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < plan->count; i++)
        count += plan->pools[i].block_count;
    return count;
}

static void fill_evidence(const struct general *general, struct tn_finding *finding)
{
    const struct tn_pool_covered *covered = &general->counts->covered;
    const struct tn_pool_plan *best = &general->best;
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_text(evidence, "scope", "general");
    tn_evidence_add_count(evidence, "pool_count", best->count);
    tn_evidence_add_bytes(evidence, "block_bytes", best->pools[best->count - 1].block_bytes);
    tn_evidence_add_count(evidence, "block_count", count_blocks(best));
    tn_evidence_add_bytes(evidence, "alignment_bytes", general->counts->alignment_bytes);
    tn_evidence_add_bytes(evidence, "pool_bytes", best->pool_bytes);
    tn_evidence_add_bytes(evidence, "waste_bytes", best->pool_bytes - covered->peak_live_bytes);
    tn_evidence_add_bytes(evidence, "peak_live_bytes", covered->peak_live_bytes);
    tn_evidence_add_count(evidence, "covered_allocations", covered->allocations);
    tn_evidence_add_count(evidence, "excluded_allocations", covered->excluded);
    add_pools(evidence, general);
    add_pricing(evidence, general);
}

/* ---------------------------------------------------------------------------------------- query */

/* Blocks that the program's code did not ask for cannot be moved into its pools. */
static int print_runtime(const struct tn_pass *pass, struct tn_buffer *text)
{
    uint32_t *sites = calloc(pass->site_count + 1, sizeof(sites[0]));
    char *where = NULL;
    size_t count = 0;
    if (sites == NULL)
        return -ENOMEM;
    for (uint32_t site = 0; site < pass->site_count; site++)
        if (pass->sites[site].is_runtime)
            sites[count++] = site;
    int r = count != 0 ? tn_finding_where(pass, sites, count, &where) : 0;
    free(sites);
    if (r == 0)
        r = where != NULL ? tn_buffer_print(text, "(%s) IS TRUE", where) : tn_buffer_print(text, "0");
    free(where);
    return r;
}

static int print_query(const struct general *general, struct tn_buffer *text)
{
    const struct tn_pool_plan *best = &general->best;
    unsigned long long process = (unsigned long long)general->pass->process_id;
    int r = tn_buffer_print(text,
                            "WITH birth AS (SELECT size_bytes, alignment_bytes, lifetime_allocations, "
                            "death_ns, row_number() OVER (ORDER BY id) AS number, ");
    if (r == 0)
        r = print_runtime(general->pass, text);
    if (r == 0)
        r = tn_buffer_print(text,
                            " AS is_runtime FROM allocation WHERE process_id = %llu), own AS (SELECT number, "
                            "lifetime_allocations, death_ns, size_bytes, CASE",
                            process);
    for (uint32_t i = 0; i < best->count && r == 0; i++)
        r = tn_buffer_print(text, " WHEN size_bytes <= %" PRIu64 " THEN %" PRIu64, best->pools[i].block_bytes,
                            best->pools[i].block_bytes);
    if (r < 0)
        return r;
    return tn_buffer_print(
        text,
        " END AS block_bytes FROM birth WHERE NOT is_runtime AND size_bytes <= %" PRIu64
        " AND alignment_bytes <= %" PRIu64
        "), change AS (SELECT number, 0 AS is_death, 1 AS count, size_bytes AS bytes, block_bytes FROM own"
        " UNION ALL SELECT number + lifetime_allocations, 1, -1, -size_bytes, block_bytes FROM own"
        " WHERE death_ns IS NOT NULL),"
        " live AS (SELECT block_bytes, sum(count) OVER (PARTITION BY block_bytes ORDER BY number, is_death"
        " ROWS UNBOUNDED PRECEDING) AS live_count FROM change),"
        " pool AS (SELECT block_bytes, max(live_count) AS block_count FROM live GROUP BY block_bytes),"
        " payload AS (SELECT sum(bytes) OVER (ORDER BY number, is_death ROWS UNBOUNDED PRECEDING) AS"
        " live_bytes FROM change)"
        " SELECT count(*) AS pool_count, max(block_bytes) AS block_bytes, sum(block_count) AS block_count,"
        " sum(block_bytes * block_count) AS pool_bytes,"
        " sum(block_bytes * block_count) - (SELECT max(live_bytes) FROM payload) AS waste_bytes,"
        " (SELECT max(live_bytes) FROM payload) AS peak_live_bytes,"
        " (SELECT count(*) FROM own) AS covered_allocations FROM pool",
        general->counts->max_block_bytes, general->counts->alignment_bytes);
}

/* ---------------------------------------------------------------------------------------- texts */

static int print_sizes(const struct tn_pool_plan *plan, struct tn_buffer *text)
{
    char count[TN_QUANTITY_TEXT_BYTES], size[TN_QUANTITY_TEXT_BYTES];
    int r = 0;
    for (uint32_t i = 0; i < plan->count && r == 0; i++)
        r = tn_buffer_print(text, "%s%s x %s B", i == 0 ? "" : ", ",
                            tn_print_count(count, plan->pools[i].block_count),
                            tn_print_count(size, plan->pools[i].block_bytes));
    return r;
}

static int fill_texts(const struct general *general, struct tn_finding *finding)
{
    const struct tn_pool_plan *best = &general->best;
    char bytes[TN_QUANTITY_TEXT_BYTES], allocations[TN_QUANTITY_TEXT_BYTES], all[TN_QUANTITY_TEXT_BYTES];
    struct tn_buffer sizes = {0};
    tn_print_bytes(bytes, best->pool_bytes);
    tn_print_count(allocations, general->counts->covered.allocations);
    int r = print_sizes(best, &sizes);
    if (r == 0)
        r = tn_finding_set(
            &finding->title,
            "Serve the whole program from %u pool%s of fixed blocks, %s together: %s of its %s "
            "allocations fit",
            best->count, best->count == 1 ? "" : "s", bytes, allocations,
            tn_print_count(all, general->pass->allocation_count));
    if (r == 0)
        r = tn_finding_set(
            &finding->advice,
            "Serve each request from the "
            "smallest block that holds it, of %s. Use it after the changes of the other findings, or where "
            "these cannot "
            "be made. Pools have no holes: whether a request can be served depends on how many blocks are in "
            "use, and on nothing else.",
            (const char *)sizes.data);
    tn_buffer_finish(&sizes);
    return r;
}

/* The table of prices, a line for each scheme. */
static int print_price(const char *scheme, const struct general *general, const struct tn_pool_plan *plan,
                       struct tn_buffer *text)
{
    char bytes[TN_QUANTITY_TEXT_BYTES], count[TN_QUANTITY_TEXT_BYTES];
    int r = tn_buffer_print(text, "\n  %s%u pool%s, %s", scheme, plan->count, plan->count == 1 ? "" : "s",
                            tn_print_bytes(bytes, total_bytes(general, plan)));
    if (r == 0 && plan->unserved != 0)
        r = tn_buffer_print(text, ", and %s allocation%s too large for it",
                            tn_print_count(count, plan->unserved), plan->unserved == 1 ? " is" : "s are");
    return r;
}

static int print_prices(const struct general *general, struct tn_buffer *text)
{
    const struct tn_pool_counts *counts = general->counts;
    uint32_t most = (uint32_t)tn_pass_threshold(general->pass, "pool.max-pools");
    uint64_t sizes_bytes[TN_POOL_PLAN_MAX];
    struct tn_pool_plan plan;
    int r = tn_buffer_print(text, "\nWhat other sets of block sizes would take:");
    for (uint32_t count = 1; count <= most && count <= counts->bins.count && r == 0; count++) {
        tn_pool_plan_best(&counts->bins, count, &plan);
        r = print_price(count == general->best.count ? "best set (chosen): " : "best set: ", general, &plan,
                        text);
    }
    tn_pool_plan_sizes(&counts->bins, sizes_bytes, tn_pool_sizes_power(&counts->bins, sizes_bytes), &plan);
    if (r == 0)
        r = print_price("powers of two: ", general, &plan, text);
    tn_pool_plan_sizes(&counts->bins, sizes_bytes, tn_pool_sizes_geometric(&counts->bins, sizes_bytes),
                       &plan);
    if (r == 0)
        r = print_price("steps of 1.25: ", general, &plan, text);
    tn_pool_plan_sizes(&counts->bins, counts->given_sizes_bytes, counts->given_count, &plan);
    return r == 0 && counts->given_count != 0 ? print_price("sizes given: ", general, &plan, text) : r;
}

static int print_notes(const struct general *general, struct tn_buffer *text)
{
    const struct tn_pool_covered *covered = &general->counts->covered;
    char a[TN_QUANTITY_TEXT_BYTES], b[TN_QUANTITY_TEXT_BYTES];
    uint64_t pools_bytes = total_bytes(general, &general->best), heap_bytes = covered->peak_heap_bytes;
    int r = tn_buffer_print(
        text, "The pools take %s at all times; a heap without any hole would take %s at the peak. %s",
        tn_print_bytes(a, pools_bytes), tn_print_bytes(b, heap_bytes),
        pools_bytes > heap_bytes ? "The difference is the price of never being broken up."
                                 : "Headers and rounding alone cost it more than pools leave unused.");
    if (r == 0)
        r = print_prices(general, text);
    if (r == 0)
        r = tn_buffer_print(text, "\nThe counts are what this run needed; the bounds are yours to set.");
    if (r == 0 && covered->excluded != 0)
        r = tn_buffer_print(
            text, "\n%s allocation%s outside: larger than %s, or aligned to more than %s bytes.",
            tn_print_count(a, covered->excluded), covered->excluded == 1 ? " stays" : "s stay",
            tn_print_bytes(b, general->counts->max_block_bytes),
            tn_count_text(general->counts->alignment_bytes).text);
    if (r == 0 && general->counts->bins.merged != 0)
        r = tn_buffer_print(text,
                            "\nThere are more different sizes than were told apart: a better set may "
                            "exist (pool.bins).");
    if (r == 0 && !general->pass->is_complete)
        r = tn_buffer_print(text, "\nThe recording is not over: all numbers are so far.");
    return r;
}

/* Whether more than one thread allocates or releases. */
static bool has_threads(const struct tn_pass *pass)
{
    size_t active = 0;
    for (size_t i = 0; i < pass->thread_count; i++)
        active += pass->threads[i].event_count != 0;
    return active > 1;
}

static int fill_rest(const struct general *general, struct tn_finding *finding)
{
    struct tn_buffer query = {0}, notes = {0}, code = {0};
    int r = tn_pool_give(&finding->query, &query, print_query(general, &query));
    if (r == 0)
        r = tn_pool_give(&finding->notes, &notes, print_notes(general, &notes));
    if (r == 0)
        r = tn_pool_give(&finding->code, &code,
                         tn_pool_code_set(&general->best, general->counts->alignment_bytes,
                                          has_threads(general->pass), &code));
    return r;
}

int tn_pool_general(struct tn_pool_counts *counts, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct general general = {
        .counts = counts, .pass = pass, .control_bytes = (uint64_t)tn_pass_threshold(pass, "pool.control")};
    struct tn_finding finding;
    if (counts->covered.allocations < pass->options->min_allocations || counts->bins.count == 0)
        return 0;
    choose(&general);
    int r = tn_finding_begin(pass, &tn_kind_pool, NULL, 0, &finding);
    if (r < 0)
        return r;
    finding.confidence = TN_CONFIDENCE_CONSISTENT;
    finding.saving = (struct tn_finding_saving){
        .allocations_removed = counts->covered.allocations,
        .bytes_removed = (int64_t)(counts->covered.peak_heap_bytes - counts->covered.peak_live_bytes),
        .peak_bytes_delta =
            (int64_t)total_bytes(&general, &general.best) - (int64_t)counts->covered.peak_heap_bytes,
    };
    r = fill_texts(&general, &finding);
    fill_evidence(&general, &finding);
    if (r == 0)
        r = fill_rest(&general, &finding);
    if (r == 0)
        r = tn_findings_add(findings, &finding);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}
