/* SPDX-License-Identifier: MIT */
#include "tenure/analyze.h"
#include "tenure/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which kind gives way to which, at the same lines; the reasons stand in docs/analyses.md. In short: a block
 * that leaves the heap needs no pool; a structure that holds it needs none either; what a pool serves is
 * preallocated by it; a number of blocks means nothing for what only grows. fixed-maximum and presize speak
 * of sizes and go together with the rest, but for the two that state the size themselves; a fixed maximum
 * takes its overhead away with it. Kinds that are not here neither give way nor displace. A kind stands after
 * all that it gives way to. */
static const struct {
    const char *kind;
    double weight; /* of its saving in the order: 1 a block is gone, 1/2 it comes from elsewhere, 1/4 it
                      is still to be had, and the change is only the first half of one */
    const char *leaders[7]; /* ended by NULL */
} rules[] = {
    {"stack-buffer", 1, {NULL}},
    {"growth", 1, {NULL}},
    {"combine", 1, {"stack-buffer", NULL}},
    {"permanent", 1, {"stack-buffer", "combine", NULL}},
    {"pool", 0.5, {"stack-buffer", "combine", "permanent", "growth", NULL}},
    {"preallocate", 0.5, {"stack-buffer", "combine", "permanent", "growth", "pool", NULL}},
    {"fixed-maximum", 0.25, {"stack-buffer", "combine", NULL}},
    {"presize", 0.5, {"stack-buffer", "combine", NULL}},
    {"pinning", 0.25, {"stack-buffer", "combine", "permanent", "pool", "preallocate", "growth", NULL}},
    {"overhead",
     0.25,
     {"stack-buffer", "combine", "permanent", "pool", "preallocate", "fixed-maximum", NULL}},
};

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

/* Place of a kind in the table; RULE_COUNT if it does not compete. */
static size_t find_rule(const char *kind)
{
    size_t rule = 0;
    while (rule < RULE_COUNT && strcmp(rules[rule].kind, kind) != 0)
        rule++;
    return rule;
}

static bool displaces(size_t leader, size_t rule)
{
    for (const char *const *kind = rules[rule].leaders; *kind != NULL; kind++)
        if (strcmp(*kind, rules[leader].kind) == 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------------------------------- competition */

/* Who leads at a site: by kind, 1 + the place of the finding; 0: nobody. */
struct claims {
    size_t leaders[RULE_COUNT];
};

struct competition {
    struct tn_findings *findings;
    struct tn_map index; /* key of a site -> its place in claims, + 1 */
    struct claims *claims;
    size_t claim_count;
    bool *has_given_way; /* by finding */
};

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return tn_mix(hash + 1);
}

/* Not by row: a log without sites has none, and neither has a site that only this report knows. */
static uint64_t site_key(const struct tn_finding_site *site)
{
    uint64_t hash = hash_text(site->line, site->function);
    hash = hash_text(hash, site->file);
    hash = hash_text(hash ^ site->offset_bytes, site->module);
    return hash_text(hash, site->via) | 1;
}

static struct claims *claims_of(const struct competition *competition, const struct tn_finding_site *site)
{
    const uint64_t *place = tn_map_find(&competition->index, site_key(site));
    return place != NULL ? &competition->claims[*place - 1] : NULL;
}

/* The strongest finding that a rule gives way to at a site, among the sure ones or all; 0: none, else place
 * + 1.
 */
static size_t find_leader(const struct competition *competition, const struct tn_finding_site *site,
                          size_t rule, enum tn_confidence confidence)
{
    const struct claims *claims = claims_of(competition, site);
    for (size_t leader = 0; claims != NULL && leader < RULE_COUNT; leader++) {
        size_t place = claims->leaders[leader];
        if (place == 0 || !displaces(leader, rule))
            continue;
        if (competition->findings->items[place - 1].confidence != TN_CONFIDENCE_WEAK ||
            confidence == TN_CONFIDENCE_WEAK)
            return place;
    }
    return 0;
}

/* A sure finding takes the place of a weak one of its kind. */
static int claim(struct competition *competition, size_t place, size_t rule)
{
    const struct tn_finding *finding = &competition->findings->items[place];
    for (size_t i = 0; i < finding->site_count; i++) {
        struct claims *claims = claims_of(competition, &finding->sites[i]);
        if (claims == NULL) {
            claims = &competition->claims[competition->claim_count++];
            int r = tn_map_put(&competition->index, site_key(&finding->sites[i]), competition->claim_count);
            if (r < 0)
                return r;
        }
        size_t *leader = &claims->leaders[rule];
        if (*leader == 0 || competition->findings->items[*leader - 1].confidence < finding->confidence)
            *leader = place + 1;
    }
    return 0;
}

/* Whether a word stands in a list such as "pool, presize". */
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

/* A finding gives way when others lead at each of its sites; else it leads as well. */
static int place_finding(struct competition *competition, size_t place, size_t rule)
{
    struct tn_findings *findings = competition->findings;
    const struct tn_finding *finding = &findings->items[place];
    bool gives_way = finding->site_count != 0;
    for (size_t i = 0; i < finding->site_count && gives_way; i++)
        gives_way = find_leader(competition, &finding->sites[i], rule, finding->confidence) != 0;
    if (!gives_way)
        return claim(competition, place, rule);
    competition->has_given_way[place] = true;
    int r = 0;
    for (size_t i = 0; i < finding->site_count && r == 0; i++) {
        size_t leader = find_leader(competition, &finding->sites[i], rule, finding->confidence);
        r = name_alternative(&findings->items[leader - 1], finding->kind);
    }
    return r;
}

static int begin_competition(struct tn_findings *findings, struct competition *ret_competition)
{
    size_t site_count = 0;
    for (size_t i = 0; i < findings->count; i++)
        site_count += findings->items[i].site_count;
    *ret_competition = (struct competition){
        .findings = findings,
        .claims = calloc(site_count + 1, sizeof(struct claims)),
        .has_given_way = calloc(findings->count + 1, sizeof(bool)),
    };
    return ret_competition->claims != NULL && ret_competition->has_given_way != NULL ? 0 : -ENOMEM;
}

/* Strongest kinds first: what a finding could give way to has its place already. */
static int compete(struct competition *competition)
{
    const struct tn_findings *findings = competition->findings;
    int r = 0;
    for (size_t rule = 0; rule < RULE_COUNT && r == 0; rule++)
        for (size_t i = 0; i < findings->count && r == 0; i++)
            if (find_rule(findings->items[i].kind) == rule)
                r = place_finding(competition, i, rule);
    return r;
}

static void drop_losers(struct competition *competition)
{
    struct tn_findings *findings = competition->findings;
    size_t kept = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (!competition->has_given_way[i]) {
            findings->items[kept++] = findings->items[i];
            continue;
        }
        tn_finding_finish(&findings->items[i]);
        findings->given_way++;
    }
    findings->count = kept;
}

/* ---------------------------------------------------------------------------------------- order */

struct ranked {
    struct tn_finding finding;
    size_t kind_order;
    int64_t heap_bytes; /* measured_bytes */
    double share;       /* of the process's allocations, plus of its peak; weighted by kind */
};

/* A number in the evidence, which is JSON that this folder wrote; fallback when it is not there. */
static uint64_t find_number(const char *evidence, const char *key, uint64_t fallback)
{
    char member[64];
    snprintf(member, sizeof(member), "\"%s\": ", key);
    const char *at = evidence != NULL ? strstr(evidence, member) : NULL;
    return at != NULL ? strtoull(at + strlen(member), NULL, 10) : fallback;
}

/* A buffer for sizes that vary is as sure as the bound that the program must first hold them to. */
#define VARYING_WEIGHT 0.75

/* A buffer further from its owner than two calls has to pass through functions that know nothing of it. */
#define FAR_WEIGHT 0.5
#define FAR_DOWN   2u

static double weight_of(const struct tn_finding *finding, size_t rule)
{
    if (rule == RULE_COUNT)
        return 1;
    uint64_t buffer_bytes = find_number(finding->evidence, "buffer_bytes", 0);
    bool varies = find_number(finding->evidence, "min_size_bytes", buffer_bytes) < buffer_bytes;
    bool is_far = find_number(finding->evidence, "frames_down", 0) > FAR_DOWN;
    return rules[rule].weight * (varies ? VARYING_WEIGHT : 1) * (is_far ? FAR_WEIGHT : 1);
}

/* Below this share of the peak, what a replay measured is a matter of where blocks happen to fall. */
#define MEASURED_SHARE 100

/* Heap that is saved on the model where most is, less what the change takes elsewhere. */
static int64_t measured_bytes(const struct tn_findings *findings, const struct tn_finding_saving *saving)
{
    int64_t most_bytes = 0;
    for (size_t i = 0; i < saving->heap_delta_count; i++)
        if (-saving->heap_deltas[i].bytes > most_bytes)
            most_bytes = -saving->heap_deltas[i].bytes;
    most_bytes -= (int64_t)saving->outside_bytes;
    return most_bytes > (int64_t)(findings->peak_live_bytes / MEASURED_SHARE) ? most_bytes : 0;
}

/* What grows weighs by all that it grew, also where the process had its peak before. */
static struct ranked weigh(const struct tn_findings *findings, const struct tn_finding *finding)
{
    struct ranked ranked = {.finding = *finding, .kind_order = find_rule(finding->kind)};
    const struct tn_finding_saving *saving = &finding->saving;
    ranked.heap_bytes = measured_bytes(findings, saving);
    if (findings->allocations != 0)
        ranked.share = (double)saving->allocations_removed / (double)findings->allocations;
    double bytes = saving->peak_bytes_delta < 0 ? -(double)saving->peak_bytes_delta : 0;
    double risen_bytes = (double)find_number(finding->evidence, "risen_bytes", 0);
    if (findings->peak_live_bytes != 0)
        ranked.share += (risen_bytes > bytes ? risen_bytes : bytes) / (double)findings->peak_live_bytes;
    ranked.share *= weight_of(finding, ranked.kind_order);
    return ranked;
}

/* Doubtful ones last; what speaks of the whole program after what names a line; then what a replay measured;
 * then the share of heap traffic and of the peak that goes away. */
static int compare(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    bool left_weak = left->finding.confidence == TN_CONFIDENCE_WEAK;
    bool right_weak = right->finding.confidence == TN_CONFIDENCE_WEAK;
    if (left_weak != right_weak)
        return left_weak ? 1 : -1;
    bool left_whole = left->finding.site_count == 0, right_whole = right->finding.site_count == 0;
    if (left_whole != right_whole)
        return left_whole ? 1 : -1;
    if (left->heap_bytes != right->heap_bytes)
        return left->heap_bytes < right->heap_bytes ? 1 : -1;
    if (left->share != right->share)
        return left->share < right->share ? 1 : -1;
    if (left->kind_order != right->kind_order)
        return left->kind_order > right->kind_order ? 1 : -1;
    uint64_t left_site = left_whole ? 0 : left->finding.sites[0].site_id;
    uint64_t right_site = right_whole ? 0 : right->finding.sites[0].site_id;
    return (left_site > right_site) - (left_site < right_site);
}

static int put_in_order(struct tn_findings *findings)
{
    struct ranked *ranked = calloc(findings->count + 1, sizeof(ranked[0]));
    if (ranked == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < findings->count; i++)
        ranked[i] = weigh(findings, &findings->items[i]);
    qsort(ranked, findings->count, sizeof(ranked[0]), compare);
    for (size_t i = 0; i < findings->count; i++) {
        findings->items[i] = ranked[i].finding;
        findings->items[i].rank = (uint32_t)i + 1;
    }
    free(ranked);
    return 0;
}

int tn_findings_rank(struct tn_findings *findings)
{
    struct competition competition;
    int r = begin_competition(findings, &competition);
    if (r == 0)
        r = compete(&competition);
    if (r == 0)
        drop_losers(&competition);
    tn_map_finish(&competition.index);
    free(competition.claims);
    free(competition.has_given_way);
    return r == 0 ? put_in_order(findings) : r;
}
