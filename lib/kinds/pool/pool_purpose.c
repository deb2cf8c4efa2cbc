/* SPDX-License-Identifier: MIT */
/* The kind `pool`, for one purpose: a pool for a site, or for several sites of one size that make one kind of
 * block. Decides which sites may share a pool, estimates the saving, and states each finding. Runs once, at
 * the end. */
#include "pool.h"
#include "pool_code.h"

#include "tenure/cplusplus.h"
#include "tenure/kinds.h"
#include "tenure/releases.h"
#include "tenure/size_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With fewer blocks it is no news that only few are in use on average. */
#define MANY_BLOCKS 16

/* One pool, by the numbers that carry its finding. */
struct purpose {
    const uint32_t *sites; /* borrowed */
    size_t site_count;
    uint64_t size_bytes, block_bytes, alignment_bytes, block_count;
    uint64_t allocations, freed;
    uint64_t peak_live_bytes; /* of all its sites together */
    uint64_t usable_bytes;    /* of a block, on average */
    uint64_t live_at_peak;    /* when the process had most bytes live */
    double mean_live_count;
    struct tn_pool_threads threads; /* owned; of all its sites */
    uint64_t thread_count;          /* in threads */
};

/* Whether a pool could serve a site: blocks of one size that come and go, none of them resized. */
static bool is_poolable(const struct tn_pool_counts *counts, const struct tn_pass *pass, uint32_t site)
{
    const struct tn_pass_site *seen = &pass->sites[site];
    const struct tn_pool_site *own = &counts->sites[site];
    return site != 0 && !seen->is_runtime && own->group != 0 && own->group != TN_POOL_NO_GROUP &&
           seen->allocations != 0 && seen->max_size_bytes <= counts->max_block_bytes && own->resized == 0;
}

static bool is_worth_it(const struct tn_pass *pass, const struct purpose *purpose)
{
    double share = (double)purpose->allocations / (double)pass->allocation_count;
    double peak_share = (double)purpose->peak_live_bytes / (double)(pass->peak_live_bytes + 1);
    return purpose->allocations >= pass->options->min_allocations && purpose->block_count >= 2 &&
           purpose->freed != 0 &&
           (share >= tn_pass_threshold(pass, "pool.allocations-share") ||
            peak_share >= tn_pass_threshold(pass, "pool.peak-share"));
}

static struct purpose measure(const struct tn_pool_counts *counts, const struct tn_pass *pass,
                              const uint32_t *sites, size_t site_count, uint64_t peak_count)
{
    struct purpose purpose = {.sites = sites,
                              .site_count = site_count,
                              .size_bytes = pass->sites[sites[0]].max_size_bytes,
                              .alignment_bytes = counts->alignment_bytes,
                              .block_count = peak_count};
    uint64_t usable_bytes = 0, live_sum = 0;
    for (size_t i = 0; i < site_count; i++) {
        const struct tn_pass_site *seen = &pass->sites[sites[i]];
        purpose.allocations += seen->allocations;
        purpose.freed += seen->freed;
        purpose.live_at_peak += seen->live_count_at_peak;
        usable_bytes += seen->usable_bytes;
        live_sum += counts->sites[sites[i]].live_sum;
        while (purpose.alignment_bytes < seen->max_alignment_bytes)
            purpose.alignment_bytes *= 2;
    }
    purpose.block_bytes = tn_pool_round(purpose.size_bytes, purpose.alignment_bytes);
    purpose.peak_live_bytes = purpose.size_bytes * peak_count;
    purpose.usable_bytes = usable_bytes / purpose.allocations;
    purpose.mean_live_count = (double)live_sum / (double)pass->allocation_count;
    return purpose;
}

/* ---------------------------------------------------------------------------------------- the finding */

static void fill_evidence(const struct purpose *purpose, struct tn_finding *finding)
{
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_text(evidence, "scope", "purpose");
    tn_evidence_add_bytes(evidence, "block_bytes", purpose->block_bytes);
    tn_evidence_add_count(evidence, "block_count", purpose->block_count);
    tn_evidence_add_bytes(evidence, "alignment_bytes", purpose->alignment_bytes);
    tn_evidence_add_bytes(evidence, "pool_bytes", purpose->block_bytes * purpose->block_count);
    tn_evidence_add_bytes(evidence, "waste_bytes",
                          (purpose->block_bytes - purpose->size_bytes) * purpose->block_count);
    tn_evidence_add_bytes(evidence, "size_bytes", purpose->size_bytes);
    tn_evidence_add_count(evidence, "allocations", purpose->allocations);
    tn_evidence_add_real(evidence, "mean_live_count", TN_UNIT_COUNT, purpose->mean_live_count, 3);
}

static int fill_query(const struct tn_pass *pass, const struct purpose *purpose, struct tn_finding *finding)
{
    char *head = NULL, *where = NULL;
    uint64_t mask = purpose->alignment_bytes - 1;
    int r = tn_finding_live_query(pass, purpose->sites, purpose->site_count, &head);
    if (r == 0)
        r = tn_finding_where(pass, purpose->sites, purpose->site_count, &where);
    if (r == 0)
        r = tn_finding_set(&finding->query,
                           "%s, pool AS (SELECT max(size_bytes) AS size_bytes,"
                           " (max(max(size_bytes), 1) + %" PRIu64 ") & ~%" PRIu64
                           " AS block_bytes,"
                           " (SELECT max(live_count) FROM live) AS block_count, count(*) AS allocations"
                           " FROM allocation WHERE %s) SELECT block_bytes, block_count,"
                           " block_bytes * block_count AS pool_bytes,"
                           " (block_bytes - size_bytes) * block_count AS waste_bytes, size_bytes,"
                           " allocations FROM pool",
                           head, mask, mask, where);
    free(head);
    free(where);
    return r;
}

/* "open (net.c:12) and 2 more lines" */
static void print_places(const struct purpose *purpose, const struct tn_finding *finding, char *ret_text,
                         size_t text_bytes)
{
    tn_finding_place(&finding->sites[0], ret_text, text_bytes);
    size_t length = strlen(ret_text);
    if (purpose->site_count > 1)
        snprintf(ret_text + length, text_bytes - length, " and %zu more line%s", purpose->site_count - 1,
                 purpose->site_count == 2 ? "" : "s");
}

static int fill_texts(const struct purpose *purpose, struct tn_finding *finding)
{
    char places[320], count[TN_QUANTITY_TEXT_BYTES], allocations[TN_QUANTITY_TEXT_BYTES];
    print_places(purpose, finding, places, sizeof(places));
    tn_print_count(count, purpose->block_count);
    tn_print_count(allocations, purpose->allocations);
    const char *s = purpose->block_count == 1 ? "" : "s";
    int r = tn_finding_set(
        &finding->title, "Give %s a pool of %s block%s of %s B: it serves all %s allocation%s", places, count,
        s, tn_count_text(purpose->block_bytes).text, allocations, purpose->allocations == 1 ? "" : "s");
    if (r == 0)
        r = tn_finding_set(&finding->advice,
                           "Take the blocks of %s from a pool of their own, of %s block%s of %s bytes, and "
                           "decide what happens when it is empty: fragmentation can no longer "
                           "make these requests fail.",
                           places, count, s, tn_count_text(purpose->block_bytes).text);
    return r;
}

/* Whether a function allocates as much as a text needs. */
static bool makes_text(const char *via)
{
    static const char *const parts[] = {"strdup", "strndup", "printf", "string", "getline", "String"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strstr(via, parts[i]) != NULL)
            return true;
    return false;
}

static int fill_notes(const struct tn_pass *pass, const struct purpose *purpose, uint64_t other_sites,
                      struct tn_finding *finding)
{
    bool is_reused = purpose->allocations >= 2 * purpose->block_count;
    struct tn_buffer text = {0};
    char count[TN_QUANTITY_TEXT_BYTES];
    int r = tn_buffer_print(&text, "%s live at once is what this run needed; the bound is yours to set.",
                            tn_print_count(count, purpose->block_count));
    if (r == 0 && makes_text(finding->sites[0].via))
        r = tn_buffer_print(&text,
                            "\nThis is text: that all of it had one length may be chance. A pool needs a "
                            "maximum that the program holds to.");
    if (r == 0 && !is_reused)
        r = tn_buffer_print(&text, "\nHardly a block is used twice: what is allocated once needs no pool.");
    if (r == 0 && is_reused && purpose->block_count >= MANY_BLOCKS &&
        purpose->mean_live_count < tn_pass_threshold(pass, "pool.utilisation") * (double)purpose->block_count)
        r = tn_buffer_print(
            &text,
            "\nOn average %.3g are in use: the peak alone asks for so many. To turn some away "
            "at the peak would save most of them.",
            purpose->mean_live_count);
    if (r == 0 && purpose->thread_count > 1)
        r = tn_buffer_print(&text,
                            "\n%s threads take and give back these blocks: the pool needs a lock, "
                            "or one pool a thread where each gives back its own.",
                            tn_count_text(purpose->thread_count).text);
    if (r == 0 && other_sites != 0)
        r = tn_buffer_print(&text, "\n%s other line%s for this size only, too: one pool may serve all.",
                            tn_count_text(other_sites).text, other_sites == 1 ? " asks" : "s ask");
    if (r == 0 && !pass->is_complete)
        r = tn_buffer_print(&text, "\nThe recording is not over: all numbers are so far.");
    return tn_pool_give(&finding->notes, &text, r);
}

/* More than one thread needs a lock; who they are tells whether that is so by design. */
static int fill_threads(const struct tn_pass *pass, const struct purpose *purpose, struct tn_finding *finding)
{
    struct tn_buffer names = {0};
    if (purpose->thread_count < 2)
        return 0;
    int r = tn_pass_name_threads(pass, purpose->threads.set, &names);
    if (r == 0 && names.size_bytes != 0) {
        tn_evidence_add_count(&finding->evidence, "thread_count", purpose->thread_count);
        tn_evidence_add_text(&finding->evidence, "threads", (const char *)names.data);
    }
    tn_buffer_finish(&names);
    return r;
}

static int fill_code(const struct purpose *purpose, struct tn_finding *finding)
{
    char name[TN_POOL_NAME_BYTES];
    struct tn_buffer text = {0};
    int r = tn_pool_code(tn_pool_name(finding->sites[0].function, purpose->size_bytes, name),
                         purpose->block_bytes, purpose->block_count, purpose->alignment_bytes,
                         purpose->thread_count > 1, &text);
    return tn_pool_give(&finding->code, &text, r);
}

/* Before, the heap held what was live at the peak, with header and rounding; after, the whole pool is always
 * there. */
static struct tn_finding_saving estimate(const struct purpose *purpose)
{
    uint64_t heap_bytes = purpose->usable_bytes + TN_HEADER_BYTES;
    uint64_t excess_bytes = heap_bytes - purpose->size_bytes;
    return (struct tn_finding_saving){
        .allocations_removed = purpose->allocations,
        .bytes_removed = (int64_t)(purpose->block_count * excess_bytes),
        .peak_bytes_delta = (int64_t)(purpose->block_bytes * purpose->block_count) -
                            (int64_t)(purpose->live_at_peak * heap_bytes),
        .outside = "pool",
    };
}

/* In words of C++, where its library or a new expression makes the blocks. */
static int fill_cplusplus(const struct purpose *purpose, const struct tn_made_by *made_by,
                          struct tn_finding *finding)
{
    char places[320], name[TN_POOL_NAME_BYTES];
    print_places(purpose, finding, places, sizeof(places));
    struct tn_cplusplus_scene scene = {
        .made_by = made_by,
        .name = tn_pool_name(finding->sites[0].function, purpose->size_bytes, name),
        .place = places,
        .allocations = purpose->allocations,
        .block_bytes = purpose->block_bytes,
        .block_count = purpose->block_count,
        .alignment_bytes = purpose->alignment_bytes,
        .is_shared = purpose->thread_count > 1,
    };
    return tn_cplusplus_pool_words(&scene, finding);
}

static int fill(const struct tn_pass *pass, const struct purpose *purpose, const struct tn_made_by *made_by,
                uint64_t other_sites, struct tn_finding *finding)
{
    bool is_cplusplus = tn_cplusplus_pool_has(made_by->maker);
    bool is_reused = purpose->allocations >= 2 * purpose->block_count;
    bool is_text = makes_text(finding->sites[0].via);
    finding->confidence = is_reused && !is_text ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
    finding->saving = estimate(purpose);
    finding->apply = TN_APPLY_POOL;
    finding->apply_bytes = purpose->block_bytes;
    finding->apply_count = purpose->block_count;
    int r = is_cplusplus ? fill_cplusplus(purpose, made_by, finding) : fill_texts(purpose, finding);
    fill_evidence(purpose, finding);
    if (r == 0)
        r = fill_threads(pass, purpose, finding);
    if (r == 0)
        r = fill_query(pass, purpose, finding);
    if (r == 0)
        r = fill_notes(pass, purpose, other_sites, finding);
    return r == 0 && !is_cplusplus ? fill_code(purpose, finding) : r;
}

/* What makes the blocks of all sites; where they differ and a type of the library is among them, it stands
 * for all, since no pool serves both. */
static int find_maker(const struct tn_pass *pass, const struct purpose *purpose,
                      struct tn_made_by *ret_made_by)
{
    int r = tn_pass_maker(pass, purpose->sites[0], ret_made_by);
    for (size_t i = 1; i < purpose->site_count && r == 0; i++) {
        struct tn_made_by other;
        r = tn_pass_maker(pass, purpose->sites[i], &other);
        if (r == 0 && other.maker != ret_made_by->maker)
            ret_made_by->maker = tn_maker_is_library(other.maker) || tn_maker_is_library(ret_made_by->maker)
                                     ? TN_MAKER_LIBRARY
                                     : TN_MAKER_CALL;
    }
    return r;
}

static int state_purpose(const struct tn_pass *pass, const struct purpose *purpose, uint64_t other_sites,
                         struct tn_findings *findings)
{
    struct tn_finding finding;
    struct tn_made_by made_by;
    int r = find_maker(pass, purpose, &made_by);
    /* No pool serves what a type takes as it likes. */
    if (r < 0 || (tn_maker_is_library(made_by.maker) && !tn_cplusplus_pool_has(made_by.maker)))
        return r;
    r = tn_finding_begin(pass, &tn_kind_pool, purpose->sites, purpose->site_count, &finding);
    if (r < 0)
        return r;
    r = fill(pass, purpose, &made_by, other_sites, &finding);
    if (r == 0)
        r = tn_size_source_add_computed(pass, purpose->sites, purpose->site_count, purpose->size_bytes,
                                        &finding);
    if (r == 0)
        r = tn_pass_add_finding(pass, purpose->sites, purpose->site_count, &finding, findings);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}

/* State a pool that is worth it. */
static int add_finding(const struct tn_pool_counts *counts, const struct tn_pass *pass,
                       struct purpose *purpose, uint64_t other_sites, struct tn_findings *findings)
{
    int r = 0;
    if (!is_worth_it(pass, purpose))
        return 0;
    for (size_t i = 0; i < purpose->site_count && r == 0; i++)
        r = tn_pool_threads_join(&purpose->threads, pass, &counts->sites[purpose->sites[i]].threads);
    purpose->thread_count = tn_pool_threads_count(&purpose->threads, pass);
    if (r == 0)
        r = state_purpose(pass, purpose, other_sites, findings);
    tn_pool_threads_finish(&purpose->threads);
    return r;
}

/* ---------------------------------------------------------------------------------------- groups */

/* Whether sites make one kind of block: one place releases them all, or they are in one function. Equal size
 * alone is chance. */
static int check_kinship(const struct tn_pool_counts *counts, const struct tn_pass *pass,
                         const uint32_t *sites, size_t site_count, bool *ret_is_one)
{
    uint32_t free_site = counts->sites[sites[0]].free_site;
    bool same_release = free_site != 0 && free_site != TN_POOL_SEVERAL;
    for (size_t i = 1; i < site_count; i++)
        same_release = same_release && counts->sites[sites[i]].free_site == free_site;
    *ret_is_one = same_release;
    if (same_release)
        return 0;
    struct tn_finding names;
    int r = tn_finding_begin(pass, &tn_kind_pool, sites, site_count, &names);
    if (r < 0)
        return r;
    bool same_function = names.sites[0].function[0] != '\0';
    for (size_t i = 1; i < site_count; i++)
        same_function = same_function && strcmp(names.sites[i].function, names.sites[0].function) == 0 &&
                        strcmp(names.sites[i].file, names.sites[0].file) == 0;
    tn_finding_finish(&names);
    *ret_is_one = same_function;
    return 0;
}

static bool has_role(const struct tn_pass *pass, const uint32_t *sites, size_t site_count)
{
    for (size_t i = 0; i < site_count; i++)
        if (tn_pass_role(pass, sites[i]) != NULL)
            return true;
    return false;
}

/* State the sites of one size: one pool for all if they are of one kind and the peak of just these is known;
 * else a pool each, as for roles: something better is said of one of them, or there would be none.
 *
 * is_whole  the group has no other sites */
static int add_group(const struct tn_pool_counts *counts, const struct tn_pass *pass, const uint32_t *sites,
                     size_t site_count, bool is_whole, struct tn_findings *findings)
{
    const struct tn_pool_group *group = &counts->groups[counts->sites[sites[0]].group - 1];
    bool is_one = false;
    int r = 0;
    if (site_count > 1 && is_whole && !has_role(pass, sites, site_count) &&
        group->peak_count >= group->unsure_count)
        r = check_kinship(counts, pass, sites, site_count, &is_one);
    if (r == 0 && is_one) {
        struct purpose purpose = measure(counts, pass, sites, site_count, group->peak_count);
        return add_finding(counts, pass, &purpose, 0, findings);
    }
    for (size_t i = 0; i < site_count && r == 0; i++) {
        struct purpose purpose = measure(counts, pass, &sites[i], 1, pass->sites[sites[i]].peak_live_count);
        r = add_finding(counts, pass, &purpose, site_count - 1, findings);
    }
    return r;
}

struct member {
    uint32_t group, site;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->site > y->site) - (x->site < y->site);
}

/* List all sites that ask for one size, by group. */
static size_t list_members(const struct tn_pool_counts *counts, const struct tn_pass *pass,
                           struct member *ret_members)
{
    size_t count = 0;
    for (uint32_t site = 0; site < pass->site_count; site++) {
        uint32_t group = counts->sites[site].group;
        if (group != 0 && group != TN_POOL_NO_GROUP)
            ret_members[count++] = (struct member){group, site};
    }
    qsort(ret_members, count, sizeof(ret_members[0]), compare_members);
    return count;
}

/* State one group, or that part of it which a pool could serve. */
static int add_members(const struct tn_pool_counts *counts, const struct tn_pass *pass,
                       const struct member *members, size_t count, uint32_t *sites,
                       struct tn_findings *findings)
{
    size_t poolable = 0;
    for (size_t i = 0; i < count; i++)
        if (is_poolable(counts, pass, members[i].site))
            sites[poolable++] = members[i].site;
    if (poolable == 0)
        return 0;
    return add_group(counts, pass, sites, poolable, poolable == count, findings);
}

int tn_pool_purpose(struct tn_pool_counts *counts, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct member *members = calloc(pass->site_count + 1, sizeof(members[0]));
    uint32_t *sites = calloc(pass->site_count + 1, sizeof(sites[0]));
    int r = members != NULL && sites != NULL ? 0 : -ENOMEM;
    size_t count = r == 0 ? list_members(counts, pass, members) : 0;
    for (size_t at = 0, end; at < count && r == 0; at = end) {
        for (end = at + 1; end < count && members[end].group == members[at].group;)
            end++;
        r = add_members(counts, pass, &members[at], end - at, sites, findings);
    }
    free(members);
    free(sites);
    return r;
}
