/* SPDX-License-Identifier: MIT */
/* The kind `pool`, while events pass: counts each site, groups of sites that ask for one size, and the bins
 * from which general pools are chosen. pool_purpose.c and pool_general.c state what came of it. Also the
 * kind's entry. */
#include "pool.h"

#include "tenure/kinds.h"
#include "tenure/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tn_threshold thresholds[] = {
    {"pool.allocations-share", 0.01, 0, 1,
     "a pool for one purpose: its sites make at least this share of the allocations, or",
     "our choice: below, a general pool does"},
    {"pool.peak-share", 0.05, 0, 1, "hold at their peak at least this share of the process's peak bytes",
     "our choice: below, a general pool does"},
    {"pool.utilisation", 0.2, 0, 1,
     "mean number live to peak: below, the report says that the peak alone asks for the blocks",
     "our choice"},
    {"pool.alignment", 8, 8, 4096, "alignment of blocks for which none was asked for, bytes",
     "a pointer of the recorded program, which a free block holds"},
    {"pool.max-block", 65536, 64, 1e9, "larger blocks stay on the heap, bytes",
     "our choice: a pool of such blocks is an array with a name"},
    {"pool.max-pools", 8, 1, TN_POOL_PLAN_MAX, "general pools, at most",
     "our choice: more are a heap by another name"},
    {"pool.control", 32, 0, 4096, "what the control block of a pool costs, bytes",
     "k_mem_slab, TX_BLOCK_POOL, StaticQueue_t: 28 to 48 bytes"},
    {"pool.knee", 0.05, 0, 1,
     "the fewest general pools that need at most this share more bytes than the best number",
     "our choice: the knee of the curve"},
    {"pool.bins", 64, 8, TN_POOL_BINS_MAX, "different sizes that are told apart at once; more are merged",
     "time grows with the square; 64 lose nothing for most programs"},
    {0},
};

/* ---------------------------------------------------------------------------------------- options */

static int compare_sizes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int take_given_sizes(struct tn_pool_counts *counts, const struct tn_pass *pass)
{
    for (const char *at = pass->options->pool_sizes; at != NULL; at = strchr(at, ',')) {
        char word[32];
        uint64_t size_bytes = 0;
        at += *at == ',';
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, ","), at);
        if (tn_parse_bytes(word, &size_bytes) < 0 || size_bytes == 0 || size_bytes > 1u << 30 ||
            counts->given_count == TN_POOL_PLAN_MAX)
            return tn_error_set(pass->error, -EINVAL,
                                "'%s' is no block size: at most %u sizes up to 1G, separated by commas, as "
                                "in 32,64,256",
                                word, TN_POOL_PLAN_MAX);
        counts->given_sizes_bytes[counts->given_count++] = tn_pool_round(size_bytes, counts->alignment_bytes);
    }
    qsort(counts->given_sizes_bytes, counts->given_count, sizeof(uint64_t), compare_sizes);
    return 0;
}

/* A birth or a death of a size that general pools serve, as the worker gets it. */
struct size_change {
    uint64_t size_bytes : 63; /* rounded up */
    uint64_t is_birth : 1;
};

static int count_changes(void *own, const void *items, size_t count)
{
    struct tn_pool_bins *bins = own;
    const struct size_change *changes = items;
    for (size_t i = 0; i < count; i++)
        if (changes[i].is_birth)
            tn_pool_bins_birth(bins, changes[i].size_bytes);
        else
            tn_pool_bins_death(bins, changes[i].size_bytes);
    return 0;
}

static int begin(const struct tn_pass *pass, void **ret_state)
{
    struct tn_pool_counts *counts = calloc(1, sizeof(*counts));
    if (counts == NULL)
        return -ENOMEM;
    *ret_state = counts;
    counts->max_block_bytes = (uint64_t)tn_pass_threshold(pass, "pool.max-block");
    counts->alignment_bytes = 8;
    while ((double)counts->alignment_bytes < tn_pass_threshold(pass, "pool.alignment"))
        counts->alignment_bytes *= 2;
    counts->site_count = pass->site_count + 1;
    counts->sites = calloc(counts->site_count, sizeof(counts->sites[0]));
    if (counts->sites == NULL)
        return -ENOMEM;
    int r = take_given_sizes(counts, pass);
    if (r == 0)
        r = tn_pool_bins_begin(&counts->bins, (uint32_t)tn_pass_threshold(pass, "pool.bins"));
    return r == 0 ? tn_worker_open(sizeof(struct size_change), count_changes, &counts->bins, &counts->worker)
                  : r;
}

static void finish(void *own)
{
    struct tn_pool_counts *counts = own;
    if (counts == NULL)
        return;
    tn_worker_close(counts->worker);
    tn_pool_bins_finish(&counts->bins);
    tn_map_finish(&counts->group_index);
    free(counts->groups);
    for (size_t i = 0; counts->sites != NULL && i < counts->site_count; i++)
        tn_pool_threads_finish(&counts->sites[i].threads);
    free(counts->sites);
    free(counts);
}

/* ---------------------------------------------------------------------------------------- groups of one size
 */

/* 1 + index of the group for a size. */
static int find_group(struct tn_pool_counts *counts, uint64_t size_bytes, uint32_t *ret_group)
{
    const uint64_t *known = tn_map_find(&counts->group_index, size_bytes + 1);
    if (known != NULL) {
        *ret_group = (uint32_t)*known;
        return 0;
    }
    if (counts->group_count == counts->group_capacity) {
        size_t capacity = counts->group_capacity != 0 ? 2 * counts->group_capacity : 64;
        struct tn_pool_group *groups = realloc(counts->groups, capacity * sizeof(groups[0]));
        if (groups == NULL)
            return -ENOMEM;
        counts->groups = groups;
        counts->group_capacity = capacity;
    }
    counts->groups[counts->group_count] = (struct tn_pool_group){.size_bytes = size_bytes};
    int r = tn_map_put(&counts->group_index, size_bytes + 1, counts->group_count + 1);
    if (r == 0)
        *ret_group = (uint32_t)++counts->group_count;
    return r;
}

/* A site turns out to ask for several sizes: its blocks leave the group. What the group's peak would have
 * been without them is not known, so that peak is only an upper bound. */
static void leave_group(struct tn_pool_counts *counts, struct tn_pool_site *site)
{
    struct tn_pool_group *group = &counts->groups[site->group - 1];
    if (group->peak_count > group->unsure_count)
        group->unsure_count = group->peak_count;
    group->live_count -= site->live_count;
    group->peak_count = group->live_count;
    site->group = TN_POOL_NO_GROUP;
}

static int join_group(struct tn_pool_counts *counts, struct tn_pool_site *site, uint64_t size_bytes)
{
    int r = site->group == 0 ? find_group(counts, size_bytes, &site->group) : 0;
    if (r < 0)
        return r;
    struct tn_pool_group *group = &counts->groups[site->group - 1];
    if (group->size_bytes != size_bytes) {
        leave_group(counts, site);
        return 0;
    }
    site->live_count++;
    group->live_count++;
    if (group->live_count > group->peak_count)
        group->peak_count = group->live_count;
    return 0;
}

/* Add up the number of live blocks since the site's last event, on the clock of allocations. */
static void sum_live(struct tn_pool_site *site, const struct tn_pass *pass)
{
    site->live_sum += site->live_count * (pass->allocation_count - site->summed_index);
    site->summed_index = pass->allocation_count;
}

int tn_pool_give(char **field, struct tn_buffer *text, int r)
{
    if (r == 0)
        r = tn_buffer_append(text, "", 1);
    if (r < 0) {
        tn_buffer_finish(text);
        return r;
    }
    free(*field);
    *field = (char *)text->data;
    return 0;
}

/* ---------------------------------------------------------------------------------------- events */

static bool is_covered(const struct tn_pool_counts *counts, const struct tn_block *block)
{
    return block->size_bytes <= counts->max_block_bytes && block->alignment_bytes <= counts->alignment_bytes;
}

static void change_bins(struct tn_pool_counts *counts, uint64_t size_bytes, bool is_birth)
{
    struct size_change *change = tn_worker_add(counts->worker);
    change->size_bytes = tn_pool_round(size_bytes, counts->alignment_bytes);
    change->is_birth = is_birth;
}

static void cover_birth(struct tn_pool_counts *counts, const struct tn_block *block)
{
    struct tn_pool_covered *covered = &counts->covered;
    if (!is_covered(counts, block)) {
        covered->excluded++;
        return;
    }
    covered->allocations++;
    covered->live_bytes += block->size_bytes;
    covered->heap_bytes += block->usable_size_bytes + TN_HEADER_BYTES;
    if (covered->live_bytes > covered->peak_live_bytes)
        covered->peak_live_bytes = covered->live_bytes;
    if (covered->heap_bytes > covered->peak_heap_bytes)
        covered->peak_heap_bytes = covered->heap_bytes;
    change_bins(counts, block->size_bytes, true);
}

static int birth(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_pool_counts *counts = own;
    const struct tn_block *block = event->block;
    struct tn_pool_site *site = &counts->sites[block->site];
    if (pass->sites[block->site].is_runtime)
        return 0;
    cover_birth(counts, block);
    if (site->group == TN_POOL_NO_GROUP)
        return 0;
    sum_live(site, pass);
    if (block->chain_steps != 0)
        site->resized++;
    if (tn_pool_threads_note(&site->threads, pass, event->thread) < 0)
        return -ENOMEM;
    return join_group(counts, site, block->size_bytes);
}

static int death(void *own, const struct tn_pass *pass, const struct tn_pass_event *event)
{
    struct tn_pool_counts *counts = own;
    const struct tn_block *block = event->block;
    struct tn_pool_site *site = &counts->sites[block->site];
    if (pass->sites[block->site].is_runtime)
        return 0;
    if (is_covered(counts, block)) {
        counts->covered.live_bytes -= block->size_bytes;
        counts->covered.heap_bytes -= block->usable_size_bytes + TN_HEADER_BYTES;
        change_bins(counts, block->size_bytes, false);
    }
    if (site->group == TN_POOL_NO_GROUP)
        return 0;
    sum_live(site, pass);
    site->live_count--;
    counts->groups[site->group - 1].live_count--;
    const struct tn_log_event *release = event->event;
    if (release->function == TN_FUNCTION_REALLOC || release->function == TN_FUNCTION_REALLOCARRAY)
        site->resized++;
    uint32_t free_site = release->stack_id < pass->node_count ? pass->nodes[release->stack_id].site : 0;
    if (site->free_site == 0)
        site->free_site = free_site;
    else if (site->free_site != free_site)
        site->free_site = TN_POOL_SEVERAL;
    return tn_pool_threads_note(&site->threads, pass, event->thread);
}

static int conclude(void *own, const struct tn_pass *pass, struct tn_findings *findings)
{
    struct tn_pool_counts *counts = own;
    int r = tn_worker_wait(counts->worker);
    tn_pool_bins_settle(&counts->bins);
    for (uint32_t site = 0; site < pass->site_count; site++)
        sum_live(&counts->sites[site], pass);
    if (r == 0)
        r = tn_pool_purpose(counts, pass, findings);
    return r == 0 ? tn_pool_general(counts, pass, findings) : r;
}

/* ---------------------------------------------------------------------------------------- the entry */

static const struct tn_evidence_key pool_keys[] = {
    {TN_KEY("block_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("block_count", COUNT, COUNT), .is_required = true},
    {TN_KEY("from_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("allocations", COUNT, COUNT), .is_required = true},
    {0},
};

static const struct tn_evidence_key pricing_keys[] = {
    {TN_KEY("scheme", TEXT, NONE), .is_required = true},
    {TN_KEY("pools", COUNT, COUNT), .is_required = true},
    {TN_KEY("bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("unserved_allocations", COUNT, COUNT), .is_required = true},
    {0},
};

static const struct tn_evidence_key evidence_keys[] = {
    {TN_KEY("pool_count", COUNT, COUNT), TN_TOLD("", " pools"), .is_detail = true},
    {TN_KEY("block_count", COUNT, COUNT), TN_TOLD("", " blocks"), .is_required = true, .is_detail = true},
    {TN_KEY("size_bytes", COUNT, BYTES), TN_TOLD("every block asked for has ", ""), .is_detail = true},
    {TN_KEY("alignment_bytes", COUNT, BYTES), TN_TOLD("aligned to ", ""), .is_required = true,
     .is_detail = true},
    {TN_KEY("pool_bytes", COUNT, BYTES), TN_TOLD("", " in all"), .is_detail = true},
    {TN_KEY("waste_bytes", COUNT, BYTES), TN_TOLD("", " of that unused even when most is in use"),
     .is_silent_at_zero = true, .is_required = true},
    {TN_KEY("mean_live_count", REAL, COUNT), TN_TOLD("on average ", " in use")},
    {TN_KEY("thread_count", COUNT, COUNT), TN_TOLD("used by ", " threads"), .is_silent_at_zero = true},
    {TN_KEY("threads", TEXT, NONE), TN_TOLD("namely ", "")},
    {TN_KEY("scope", TEXT, NONE)},
    {TN_KEY("block_bytes", COUNT, BYTES), .is_required = true},
    {TN_KEY("allocations", COUNT, COUNT), .is_summed = true},
    {TN_KEY("peak_live_bytes", COUNT, BYTES)},
    {TN_KEY("covered_allocations", COUNT, COUNT)},
    {TN_KEY("excluded_allocations", COUNT, COUNT)},
    {TN_KEY("pools", LIST, NONE), .members = pool_keys},
    {TN_KEY("pricing", LIST, NONE), .members = pricing_keys},
    {TN_KEY("made_by", TEXT, NONE)},
    {0},
};

static const char *const yields_to[] = {"stack-buffer", "combine", "permanent", "growth", "arena", NULL};

/* A pool is right whatever becomes of a block: what it has no room for comes from the heap. */
static const char *const before_conditional[] = {"stack-buffer", "combine", "arena", NULL};

static const struct tn_analysis analysis = {
    .begin = begin,
    .birth = birth,
    .death = death,
    .conclude = conclude,
    .finish = finish,
};

const struct tn_kind tn_kind_pool = {
    .name = "pool",
    .summary = "blocks of one size, or the best set of sizes: how many, and what they cost",
    .tactic = "use memory pools",
    .verify =
        "Record again: these lines allocate no more. Count in the program how often a pool was empty: it has "
        "to stay 0.",
    .program_tactic = "use generalized memory pools",
    .program_verify = "Record again: only what these pools do not serve is allocated.",
    .weight = 0.5,
    .yields_to = yields_to,
    .before_conditional = before_conditional,
    .evidence = evidence_keys,
    .thresholds = thresholds,
    .analysis = &analysis,
};
