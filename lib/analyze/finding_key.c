/* SPDX-License-Identifier: MIT */
/* Keys of findings: a hash of what a rebuild leaves as it is. A sum over the sites makes their order
 * irrelevant; findings with equal hashes are numbered by line. Called by rank.c. */
#include "finding_key.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A finding with what its key is made of. */
struct keyed {
    struct tn_finding *finding;
    uint64_t hash; /* of kind and sites, before findings with equal ones are told apart */
};

uint64_t tn_hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return tn_mix(hash + 1);
}

/* Builds happen in many folders. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static uint64_t hash_site(const struct tn_finding_site *site)
{
    uint64_t hash = tn_hash_text(site->function[0] == '\0' ? site->offset_bytes : 0, site->function);
    hash = tn_hash_text(hash, base_name(site->file));
    hash = tn_hash_text(hash, base_name(site->module));
    if (site->call.is_told)
        hash = tn_hash_text(hash ^ (site->call.number + 1), "call");
    for (size_t i = 0; i < site->caller_count; i++)
        hash = tn_hash_text(hash, site->callers[i].function);
    return tn_hash_text(hash, site->via);
}

static uint64_t hash_finding(const struct tn_finding *finding)
{
    uint64_t sites = 0;
    for (size_t i = 0; i < finding->site_count; i++)
        sites += hash_site(&finding->sites[i]);
    return tn_hash_text(sites, finding->kind);
}

static uint64_t first_line(const struct tn_finding *finding)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < finding->site_count; i++) {
        const struct tn_finding_site *site = &finding->sites[i];
        uint64_t line = site->line != 0 ? site->line : site->offset_bytes;
        if (line < least)
            least = line;
    }
    return least;
}

/* Equal hashes together, by line among themselves. */
static int compare(const void *a, const void *b)
{
    const struct keyed *left = a, *right = b;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    uint64_t left_line = first_line(left->finding), right_line = first_line(right->finding);
    if (left_line != right_line)
        return left_line < right_line ? -1 : 1;
    return left->finding->rank < right->finding->rank ? -1 : 1;
}

int tn_finding_keys_give(struct tn_findings *findings)
{
    struct keyed *keyed = calloc(findings->count + 1, sizeof(keyed[0]));
    if (keyed == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < findings->count; i++)
        keyed[i] = (struct keyed){&findings->items[i], hash_finding(&findings->items[i])};
    qsort(keyed, findings->count, sizeof(keyed[0]), compare);
    uint64_t ordinal = 0;
    for (size_t i = 0; i < findings->count; i++) {
        ordinal = i > 0 && keyed[i].hash == keyed[i - 1].hash ? ordinal + 1 : 0;
        keyed[i].finding->key = (uint32_t)(tn_mix(keyed[i].hash + ordinal) >> 32);
    }
    free(keyed);
    return 0;
}
