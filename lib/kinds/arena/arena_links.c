/* SPDX-License-Identifier: MIT */
/* The kind `arena`: what the recording saw of who holds the blocks that outlive the call. Asked once for each
 * line that has such. */
#include "arenas.h"

#include "tenure/kinds.h"

#include <inttypes.h>

/* Who was seen to hold blocks of a site, most of all. */
struct arena_holder {
    uint32_t site;         /* index in tn_pass.sites */
    uint64_t offset_bytes; /* where in its blocks */
    const char *member;    /* what these have there: "struct txn.token"; NULL: not known. Borrowed */
};

/* Whether another site's blocks hold those of a site, beyond what chance explains. */
static bool find_holder(const struct tn_arenas *arenas, uint32_t site, struct arena_holder *ret_holder)
{
    double best = 0;
    for (uint32_t holder = tn_site_links_next_holder(&arenas->links, site, 0); holder != 0;
         holder = tn_site_links_next_holder(&arenas->links, site, holder)) {
        struct tn_link_share share;
        if (holder == site || !tn_site_links_between(&arenas->links, holder, site, &share) ||
            (double)share.looks / (double)share.looks_made <= best)
            continue;
        best = (double)share.looks / (double)share.looks_made;
        *ret_holder = (struct arena_holder){
            .site = holder,
            .offset_bytes = share.offset_bytes,
            .member = tn_site_links_member(&arenas->links, holder, share.offset_bytes),
        };
    }
    return best > 0;
}

int tn_arena_add_holder(const struct tn_arenas *arenas, const struct tn_pass *pass, uint32_t site,
                        struct tn_evidence_set *entry)
{
    struct arena_holder holder;
    struct tn_finding named;
    char place[320];
    if (!find_holder(arenas, site, &holder))
        return 0;
    int r = tn_finding_begin(pass, &tn_kind_arena, &holder.site, 1, &named);
    if (r < 0)
        return r;
    tn_evidence_add_text(entry, "held_by", tn_finding_place(&named.sites[0], place, sizeof(place)));
    tn_evidence_add_bytes(entry, "held_offset_bytes", holder.offset_bytes);
    if (holder.member != NULL)
        tn_evidence_add_text(entry, "held_as", holder.member);
    tn_finding_finish(&named);
    return 0;
}

int tn_arena_note_holder(const struct tn_arenas *arenas, const struct tn_pass *pass,
                         const struct tn_arena_survey *survey, struct tn_buffer *notes)
{
    const struct tn_arena_site *worst = NULL;
    struct arena_holder holder = {0}, found;
    struct tn_finding named;
    char held_place[256], place[256];
    for (size_t i = 0; i < survey->count; i++) {
        const struct tn_arena_site *site = &survey->sites[i];
        if (site->escapes == 0 || (worst != NULL && site->escapes <= worst->escapes) ||
            !find_holder(arenas, site->site, &found))
            continue;
        worst = site;
        holder = found;
    }
    if (worst == NULL)
        return 0;
    const uint32_t both[] = {worst->site, holder.site};
    int r = tn_finding_begin(pass, &tn_kind_arena, both, 2, &named);
    if (r < 0)
        return r;
    r = tn_buffer_print(
        notes, "%swhat outlives the call of %s is held by blocks of %s, at offset %" PRIu64 "%s%s%s",
        notes->size_bytes != 0 ? "\n" : "", tn_finding_place(&named.sites[0], held_place, sizeof(held_place)),
        tn_finding_place(&named.sites[1], place, sizeof(place)), holder.offset_bytes,
        holder.member != NULL ? " (probably " : "", holder.member != NULL ? holder.member : "",
        holder.member != NULL ? ")" : "");
    tn_finding_finish(&named);
    return r;
}
