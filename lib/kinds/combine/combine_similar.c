/* SPDX-License-Identifier: MIT */
/* The kind `combine`: sites that never meet but ask for blocks of like size, live as long and are as many:
 * candidates for one common type. Looks only at sites in no group, at the end. */
#include "combine.h"

#include <errno.h>
#include <stdlib.h>

/* A common type pays from this size on; smaller blocks are strings and list nodes that are alike by chance.
 */
#define STRUCTURE_SIZE_MIN 32u

/* And up to this one; larger blocks are buffers of the same round size. */
#define STRUCTURE_SIZE_MAX 4096u

/* Mean lifetimes and peak live counts of like sites differ by at most half. */
#define LIKE_RATIO 1.5

/* And their numbers by at most a quarter. */
#define RATE_RATIO 1.25

struct candidate {
    uint32_t site;
    uint64_t size_bytes;
    uint32_t function; /* index in tn_source_frames.functions: holds the site's line */
    uint32_t module_id;
};

static bool is_like(double a, double b, double ratio)
{
    double low = a < b ? a : b, high = a < b ? b : a;
    return high <= low * ratio;
}

/* Whether a site may be listed: one size, released as a rule, and several live at once. Roles are none: they
 * are of one type already. */
static bool is_candidate(const struct tn_combine *combine, const struct tn_pass *pass,
                         const struct tn_findings *findings, uint32_t site)
{
    const struct tn_combine_site *own = &combine->sites[site];
    const struct tn_pass_site *seen = &pass->sites[site];
    return !seen->is_runtime && own->resizes == 0 && seen->min_size_bytes == seen->max_size_bytes &&
           seen->max_size_bytes >= STRUCTURE_SIZE_MIN && seen->max_size_bytes <= STRUCTURE_SIZE_MAX &&
           (double)own->deaths >= tn_pass_threshold(pass, "combine.support") && seen->peak_live_count > 1 &&
           own->stack_id != 0 && tn_pass_role(pass, site) == NULL && !tn_combine_is_taken(findings, site);
}

static int by_size(const void *a, const void *b)
{
    const struct candidate *one = a, *other = b;
    if (one->size_bytes != other->size_bytes)
        return one->size_bytes < other->size_bytes ? -1 : 1;
    return one->site < other->site ? -1 : 1;
}

static bool is_alike(const struct tn_combine *combine, const struct tn_pass *pass,
                     const struct candidate *one, const struct candidate *other)
{
    const struct tn_combine_site *a = &combine->sites[one->site], *b = &combine->sites[other->site];
    double size = tn_pass_threshold(pass, "combine.similar-size");
    double life_a = (double)a->lifetime / (double)a->deaths, life_b = (double)b->lifetime / (double)b->deaths;
    return one->module_id == other->module_id &&
           (double)(other->size_bytes - one->size_bytes) <= size * (double)other->size_bytes &&
           is_like(life_a + 1, life_b + 1, LIKE_RATIO) &&
           is_like((double)a->births, (double)b->births, RATE_RATIO) &&
           is_like((double)pass->sites[one->site].peak_live_count,
                   (double)pass->sites[other->site].peak_live_count, LIKE_RATIO);
}

static bool is_grouped(const struct tn_combine_group *groups, size_t count, uint32_t site)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < groups[i].member_count; k++)
            if (groups[i].sites[k] == site)
                return true;
    return false;
}

static int add_group(struct tn_combine_group **groups, size_t *count, const struct tn_combine_group *group)
{
    void *wider = realloc(*groups, (*count + 1) * sizeof(**groups));
    if (wider == NULL)
        return -ENOMEM;
    *groups = wider;
    (*groups)[(*count)++] = *group;
    return 0;
}

/* The candidates after `from` that are like it, in order of size. */
static struct tn_combine_group gather(const struct tn_combine *combine, const struct tn_pass *pass,
                                      const struct candidate *candidates, size_t count, size_t from,
                                      const struct tn_combine_group *groups, size_t group_count)
{
    struct tn_combine_group group = {.relation = TN_COMBINE_SIMILAR, .member_count = 1};
    double size = tn_pass_threshold(pass, "combine.similar-size");
    group.sites[0] = candidates[from].site;
    group.per_group[0] = 1;
    for (size_t i = from + 1; i < count && group.member_count < TN_COMBINE_MEMBERS; i++) {
        uint64_t more_bytes = candidates[i].size_bytes - candidates[from].size_bytes;
        if ((double)more_bytes > size * (double)candidates[i].size_bytes)
            break;
        if (!is_alike(combine, pass, &candidates[from], &candidates[i]) ||
            is_grouped(groups, group_count, candidates[i].site))
            continue;
        group.sites[group.member_count] = candidates[i].site;
        group.per_group[group.member_count++] = 1;
    }
    for (size_t i = 0; i < group.member_count; i++)
        group.group_count += combine->sites[group.sites[i]].births;
    return group;
}

static size_t list_candidates(const struct tn_combine *combine, const struct tn_pass *pass,
                              const struct tn_findings *findings, struct candidate *candidates)
{
    size_t count = 0;
    for (uint32_t site = 1; site < combine->site_count; site++) {
        if (!is_candidate(combine, pass, findings, site))
            continue;
        uint32_t frame_id = pass->nodes[combine->sites[site].stack_id].frame_id;
        uint32_t function = combine->frames.frames[frame_id].source.function;
        candidates[count++] = (struct candidate){site, pass->sites[site].max_size_bytes, function,
                                                 combine->frames.functions[function].module_id};
    }
    qsort(candidates, count, sizeof(candidates[0]), by_size);
    return count;
}

int tn_combine_similar(const struct tn_combine *combine, const struct tn_pass *pass,
                       const struct tn_findings *findings, struct tn_combine_group **groups, size_t *count)
{
    struct candidate *candidates = calloc(combine->site_count, sizeof(candidates[0]));
    if (candidates == NULL)
        return -ENOMEM;
    size_t candidate_count = list_candidates(combine, pass, findings, candidates);
    int r = 0;
    for (size_t i = 0; r == 0 && i < candidate_count; i++) {
        if (is_grouped(*groups, *count, candidates[i].site))
            continue;
        struct tn_combine_group group =
            gather(combine, pass, candidates, candidate_count, i, *groups, *count);
        if (group.member_count > 1)
            r = add_group(groups, count, &group);
    }
    free(candidates);
    return r;
}
