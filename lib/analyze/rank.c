/* SPDX-License-Identifier: MIT */
/* Which findings lead, and in which order. First kinds compete for sites: they are taken in the order of
 * their table, in which each stands after all that it yields to, and a finding gives way where findings of
 * those kinds lead at all its sites, or a larger arena serves them. Then all are sorted by what they save,
 * numbered, and given keys; only after that some are left out. Called by tn_analyze. */
#include "rank.h"
#include "finding_key.h"

#include "tenure/analyze.h"
#include "tenure/map.h"
#include "tenure/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- competition */

struct competition {
    struct tn_findings *findings;
    const struct tn_kind *const *kinds;
    size_t kind_count;
    struct tn_map index; /* key of a site -> 1 + its row in leaders */
    size_t *leaders;   /* by site and kind: 1 + index of the finding of that kind that leads there; 0: none */
    size_t site_count; /* rows in leaders that are in use */
};

static size_t count_kinds(const struct tn_kind *const *kinds)
{
    size_t count = 0;
    while (kinds[count] != NULL)
        count++;
    return count;
}

/* Index of a kind in the table, which is its precedence; the count of kinds if it is not there. */
static size_t find_kind(const struct tn_kind *const *kinds, const char *name)
{
    size_t kind = 0;
    while (kinds[kind] != NULL && strcmp(kinds[kind]->name, name) != 0)
        kind++;
    return kind;
}

/* names: may be NULL. */
static bool is_listed(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* A hash of its names, because not every site has a row: neither does one of a log without sites, nor one
 * that only this report knows. A role is no rival of its whole site: there is more to say of that. */
static uint64_t site_key(const struct tn_finding_site *site)
{
    uint64_t hash = tn_hash_text(site->line, site->function);
    hash = tn_hash_text(hash, site->file);
    hash = tn_hash_text(hash ^ site->offset_bytes, site->module);
    if (site->call.is_told)
        hash = tn_hash_text(hash ^ (site->call.number + 1), "call");
    for (size_t i = 0; i < site->caller_count; i++)
        hash = tn_hash_text(hash ^ site->callers[i].line, site->callers[i].function);
    return tn_hash_text(hash, site->via) | 1;
}

/* Who leads at a site, by kind; NULL: no finding has claimed it yet. */
static size_t *leaders_at(const struct competition *competition, const struct tn_finding_site *site)
{
    const uint64_t *row = tn_map_find(&competition->index, site_key(site));
    return row != NULL ? &competition->leaders[(*row - 1) * competition->kind_count] : NULL;
}

/* The strongest finding at a site that one of this kind yields to; to a weak one only a weak one yields.
 * Returns 1 + its index; 0: there is none. */
static size_t find_leader(const struct competition *competition, const struct tn_finding_site *site,
                          const struct tn_kind *kind, enum tn_confidence confidence)
{
    const size_t *leaders = leaders_at(competition, site);
    for (size_t i = 0; leaders != NULL && i < competition->kind_count; i++) {
        size_t leader = leaders[i];
        if (leader == 0 || competition->findings->items[leader - 1].has_given_way ||
            !is_listed(kind->yields_to, competition->kinds[i]->name))
            continue;
        if (competition->findings->items[leader - 1].confidence != TN_CONFIDENCE_WEAK ||
            confidence == TN_CONFIDENCE_WEAK)
            return leader;
    }
    return 0;
}

/* The finding leads at all its sites for its kind; of one kind, the surest does. */
static int claim(struct competition *competition, size_t index, size_t kind)
{
    const struct tn_finding *finding = &competition->findings->items[index];
    for (size_t i = 0; i < finding->site_count; i++) {
        size_t *leaders = leaders_at(competition, &finding->sites[i]);
        if (leaders == NULL) {
            leaders = &competition->leaders[competition->site_count++ * competition->kind_count];
            int r = tn_map_put(&competition->index, site_key(&finding->sites[i]), competition->site_count);
            if (r < 0)
                return r;
        }
        if (leaders[kind] == 0 ||
            competition->findings->items[leaders[kind] - 1].confidence < finding->confidence)
            leaders[kind] = index + 1;
    }
    return 0;
}

/* Whether a list such as "pool, presize" contains a word. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at != NULL && (at = strstr(at, word)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static int name_alternative(struct tn_finding *leader, const char *kind)
{
    char *list = NULL;
    if (has_word(leader->alternatives, kind))
        return 0;
    const char *old = leader->alternatives != NULL ? leader->alternatives : "";
    if (asprintf(&list, "%s%s%s", old, old[0] != '\0' ? ", " : "", kind) < 0)
        return -ENOMEM;
    free(leader->alternatives);
    leader->alternatives = list;
    return 0;
}

/* What speaks against a buffer on the stack here speaks against every place that is not the heap's: realloc
 * must not get such a block. */
static bool is_for_all(const struct tn_finding_condition *condition)
{
    return condition->kind != NULL && strcmp(condition->kind, "resized") == 0;
}

/* A sure finding comes before one with a condition that speaks of the same sites and of no others: that one
 * becomes the alternative. Returns whether it did, or a negative errno. */
static int displace(struct competition *competition, size_t index, size_t kind)
{
    struct tn_finding *finding = &competition->findings->items[index];
    struct tn_finding *leader = NULL;
    for (size_t i = 0; i < finding->site_count; i++) {
        size_t at =
            find_leader(competition, &finding->sites[i], competition->kinds[kind], finding->confidence);
        if (at == 0 || (leader != NULL && leader != &competition->findings->items[at - 1]))
            return 0;
        leader = &competition->findings->items[at - 1];
    }
    if (leader == NULL || leader->site_count != finding->site_count ||
        finding->confidence <= TN_CONFIDENCE_CONDITIONAL || is_for_all(&leader->condition) ||
        leader->confidence != TN_CONFIDENCE_CONDITIONAL ||
        !is_listed(competition->kinds[kind]->before_conditional, leader->kind))
        return 0;
    leader->has_given_way = true;
    int r = name_alternative(finding, leader->kind);
    return r < 0 ? r : 1;
}

/* A finding gives way when others lead at each of its sites; else it leads as well. */
static int settle(struct competition *competition, size_t index, size_t kind)
{
    struct tn_findings *findings = competition->findings;
    const struct tn_kind *own = competition->kinds[kind];
    const struct tn_finding *finding = &findings->items[index];
    bool gives_way = finding->site_count != 0;
    for (size_t i = 0; i < finding->site_count && gives_way; i++)
        gives_way = find_leader(competition, &finding->sites[i], own, finding->confidence) != 0;
    int r = gives_way ? displace(competition, index, kind) : 1;
    if (r != 0)
        return r < 0 ? r : claim(competition, index, kind);
    findings->items[index].has_given_way = true;
    for (size_t i = 0; i < finding->site_count && r == 0; i++) {
        size_t leader = find_leader(competition, &finding->sites[i], own, finding->confidence);
        r = name_alternative(&findings->items[leader - 1], finding->kind);
    }
    return r;
}

/* ---------------------------------------------------------------------------------------- arenas */

static bool has_site(const struct tn_finding *finding, uint64_t key)
{
    for (size_t i = 0; i < finding->site_count; i++)
        if (site_key(&finding->sites[i]) == key)
            return true;
    return false;
}

/* Whether an arena serves all that a finding is about, and saves more. What is certain stays, and so does
 * what only a longer run would show. */
static bool is_covered(const struct tn_finding *finding, const struct tn_finding *arena)
{
    if (finding->has_given_way || finding->site_count == 0 || finding->apply == TN_APPLY_ARENA ||
        finding->confidence != TN_CONFIDENCE_CONDITIONAL || finding->rise_bytes != 0 ||
        finding->saving.allocations_removed > arena->saving.allocations_removed)
        return false;
    for (size_t i = 0; i < finding->site_count; i++)
        if (!has_site(arena, site_key(&finding->sites[i])))
            return false;
    return true;
}

/* Many findings about the parts of one transaction say the same as the arena, line by line, and each of them
 * has to take out releases that the arena may leave. They are no rivals of it.
 *
 * ret_arenas  by finding: 1 + index of the arena that serves it; 0: none; room for all */
static int yield_to_arenas(struct tn_findings *findings, size_t *ret_arenas)
{
    int r = 0;
    for (size_t i = 0; i < findings->count; i++) {
        struct tn_finding *arena = &findings->items[i];
        if (arena->apply != TN_APPLY_ARENA || arena->has_given_way ||
            arena->confidence < TN_CONFIDENCE_CONDITIONAL)
            continue;
        for (size_t k = 0; k < findings->count && r == 0; k++)
            if (is_covered(&findings->items[k], arena)) {
                findings->items[k].has_given_way = true;
                ret_arenas[k] = i + 1;
                r = name_alternative(arena, findings->items[k].kind);
            }
    }
    return r;
}

/* Where sure ones lead at all sites of an arena, it has given way itself: what it would have served is there
 * again. */
static void return_from_arenas(struct tn_findings *findings, const size_t *arenas)
{
    for (size_t i = 0; i < findings->count; i++)
        if (arenas[i] != 0 && findings->items[arenas[i] - 1].has_given_way)
            findings->items[i].has_given_way = false;
}

static int begin_competition(struct tn_findings *findings, const struct tn_kind *const *kinds,
                             struct competition *ret_competition)
{
    size_t site_count = 0, kind_count = count_kinds(kinds);
    for (size_t i = 0; i < findings->count; i++) {
        site_count += findings->items[i].site_count;
        findings->items[i].has_given_way = false;
        free(findings->items[i].alternatives);
        findings->items[i].alternatives = NULL;
    }
    *ret_competition = (struct competition){
        .findings = findings,
        .kinds = kinds,
        .kind_count = kind_count,
        .leaders = calloc(site_count + 1, kind_count * sizeof(size_t)),
    };
    return ret_competition->leaders != NULL ? 0 : -ENOMEM;
}

/* By precedence: what a finding could give way to has been settled before it. */
static int compete(struct competition *competition)
{
    const struct tn_findings *findings = competition->findings;
    int r = 0;
    for (size_t kind = 0; kind < competition->kind_count && r == 0; kind++)
        for (size_t i = 0; i < findings->count && r == 0; i++)
            if (!findings->items[i].has_given_way &&
                strcmp(findings->items[i].kind, competition->kinds[kind]->name) == 0)
                r = settle(competition, i, kind);
    return r;
}

int tn_findings_compete(struct tn_findings *findings, const struct tn_kind *const *kinds)
{
    struct competition competition;
    int r = begin_competition(findings, kinds, &competition);
    size_t *arenas = calloc(findings->count + 1, sizeof(arenas[0]));
    if (r == 0)
        r = arenas != NULL ? yield_to_arenas(findings, arenas) : -ENOMEM;
    if (r == 0)
        r = compete(&competition);
    if (r == 0)
        return_from_arenas(findings, arenas);
    free(arenas);
    tn_map_finish(&competition.index);
    free(competition.leaders);
    return r;
}

/* ---------------------------------------------------------------------------------------- order */

/* A finding is small if it saves less than this share of the process's calls, and of its peak. */
#define SMALL_SHARE 0.01
/* Where even the best one saves little, what is small is measured by that. */
#define SMALL_BEST_SHARE 0.5

struct ranked {
    struct tn_finding finding;
    size_t kind_order; /* index in the table of kinds */
    double share;      /* of the process's allocations, plus of its peak; weighted by kind */
};

/* What grows counts by its whole rise, even if the process had its peak before it. */
static struct ranked weigh(const struct tn_findings *findings, const struct tn_kind *const *kinds,
                           const struct tn_finding *finding)
{
    struct ranked ranked = {.finding = *finding, .kind_order = find_kind(kinds, finding->kind)};
    const struct tn_kind *kind = kinds[ranked.kind_order];
    const struct tn_finding_saving *saving = &finding->saving;
    if (findings->allocations != 0)
        ranked.share = (double)saving->allocations_removed / (double)findings->allocations;
    double bytes = saving->peak_bytes_delta < 0 ? -(double)saving->peak_bytes_delta : 0;
    double rise_bytes = (double)finding->rise_bytes;
    if (findings->peak_live_bytes != 0)
        ranked.share += (rise_bytes > bytes ? rise_bytes : bytes) / (double)findings->peak_live_bytes;
    ranked.share *= (kind != NULL ? kind->weight : 1) * (1 - finding->discount);
    return ranked;
}

/* Those that gave way last; weak ones before them; those about the whole program after those that name a
 * line; then by the share of heap calls and of the peak that goes away. What a replay measures is no part of
 * it: the numbers of findings must be there before, and must not depend on the models. */
static int compare(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->finding.has_given_way != right->finding.has_given_way)
        return left->finding.has_given_way ? 1 : -1;
    bool left_weak = left->finding.confidence == TN_CONFIDENCE_WEAK;
    bool right_weak = right->finding.confidence == TN_CONFIDENCE_WEAK;
    if (left_weak != right_weak)
        return left_weak ? 1 : -1;
    bool left_whole = left->finding.site_count == 0, right_whole = right->finding.site_count == 0;
    if (left_whole != right_whole)
        return left_whole ? 1 : -1;
    if (left->share != right->share)
        return left->share < right->share ? 1 : -1;
    if (left->kind_order != right->kind_order)
        return left->kind_order > right->kind_order ? 1 : -1;
    uint64_t left_site = left_whole ? 0 : left->finding.sites[0].site_id;
    uint64_t right_site = right_whole ? 0 : right->finding.sites[0].site_id;
    return (left_site > right_site) - (left_site < right_site);
}

static double larger(double one, double other)
{
    return one > other ? one : other;
}

/* The larger one of its shares of the calls and of the peak, less the share that the peak rises by. Headers
 * that go away count as what they spare at the peak. */
static double share_of(const struct tn_findings *findings, const struct tn_finding *finding)
{
    const struct tn_finding_saving *saving = &finding->saving;
    double peak_bytes = larger(1, (double)findings->peak_live_bytes);
    double calls = (double)saving->allocations_removed / larger(1, (double)findings->allocations);
    double bytes = larger((double)saving->bytes_removed, -(double)saving->peak_bytes_delta);
    double cost_bytes = larger(0, (double)saving->peak_bytes_delta);
    return larger(calls, larger(bytes, (double)finding->rise_bytes) / peak_bytes) - cost_bytes / peak_bytes;
}

/* Findings about the whole program are few. */
static void mark_small(struct tn_findings *findings, const struct tn_kind *const *kinds)
{
    double best = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct tn_finding *finding = &findings->items[i];
        if (!finding->has_given_way && finding->site_count != 0 && finding->confidence != TN_CONFIDENCE_WEAK)
            best = larger(best, share_of(findings, finding));
    }
    double limit = best * SMALL_BEST_SHARE < SMALL_SHARE ? best * SMALL_BEST_SHARE : SMALL_SHARE;
    for (size_t i = 0; i < findings->count; i++) {
        struct tn_finding *finding = &findings->items[i];
        const struct tn_kind *kind = kinds[find_kind(kinds, finding->kind)];
        finding->is_small = finding->site_count != 0 && (kind == NULL || !kind->is_never_minor) &&
                            share_of(findings, finding) < limit;
    }
}

static int put_in_order(struct tn_findings *findings, const struct tn_kind *const *kinds)
{
    struct ranked *ranked = calloc(findings->count + 1, sizeof(ranked[0]));
    if (ranked == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < findings->count; i++)
        ranked[i] = weigh(findings, kinds, &findings->items[i]);
    qsort(ranked, findings->count, sizeof(ranked[0]), compare);
    for (size_t i = 0; i < findings->count; i++) {
        findings->items[i] = ranked[i].finding;
        findings->items[i].rank = (uint32_t)i + 1;
    }
    free(ranked);
    return 0;
}

static bool is_part(const struct tn_findings *findings, const struct tn_finding *finding)
{
    const struct tn_plan *plan = findings->program_plan;
    for (size_t i = 0; plan != NULL && i < plan->step_count; i++)
        if (tn_plan_step_has(&plan->steps[i], finding->key))
            return true;
    return false;
}

int tn_findings_keep(struct tn_findings *findings, const char *only)
{
    size_t kept = 0;
    void *aside =
        realloc(findings->aside, (findings->aside_count + findings->count + 1) * sizeof(findings->aside[0]));
    if (aside == NULL)
        return -ENOMEM;
    findings->aside = aside; /* findings may be ranked again, with more set aside */
    for (size_t i = 0; i < findings->count; i++) {
        struct tn_finding *finding = &findings->items[i];
        if (only != NULL ? tn_kind_is_listed(only, finding->kind) : !finding->has_given_way) {
            findings->items[kept++] = *finding;
            continue;
        }
        findings->given_way += only == NULL;
        if (is_part(findings, finding))
            findings->aside[findings->aside_count++] = *finding;
        else
            tn_finding_finish(finding);
    }
    findings->count = kept;
    return 0;
}

int tn_findings_reorder(struct tn_findings *findings, const struct tn_kind *const *kinds)
{
    int r = tn_findings_compete(findings, kinds);
    if (r == 0)
        r = put_in_order(findings, kinds);
    mark_small(findings, kinds);
    return r;
}

int tn_findings_order(struct tn_findings *findings, const struct tn_kind *const *kinds)
{
    int r = tn_findings_reorder(findings, kinds);
    return r < 0 ? r : tn_finding_keys_give(findings);
}

int tn_findings_rank(struct tn_findings *findings, const struct tn_kind *const *kinds, const char *only)
{
    int r = tn_findings_order(findings, kinds);
    return r < 0 ? r : tn_findings_keep(findings, only);
}
