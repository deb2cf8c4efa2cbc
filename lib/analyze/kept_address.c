/* SPDX-License-Identifier: MIT */
/* What the recording saw of who holds blocks' addresses, as far as it speaks against their being gone with a
 * call. Asked by kinds when they state findings. */
#include "tenure/kept_address.h"

#include <inttypes.h>
#include <string.h>

/* Holders of holders that are looked at: a block in a packet that waits in a queue waits as well. */
#define HOLDERS_MAX 3u

/* A holder that keeps the address in this share of the looks may keep it longer; what only handles it does
 * not. From daemons whose queues were known. */
#define KEPT_SHARE 0.2

/* Looks that a share is taken of, at least. */
#define LOOKS_MIN 5u

struct kept_search {
    const struct tn_pass *pass;
    const struct tn_kept_question *question;
    unsigned holders_left; /* that may be looked at, one held by the next */
};

/* Whether blocks of other sites were seen at the same place. It may be a pointer that was left over there,
 * while the memory that it points to was given away again: nothing tells which of them is meant. */
static bool is_ambiguous(const struct kept_search *search, const struct tn_link_by_stack *link)
{
    const struct tn_site_links *links = search->question->links;
    const struct tn_stack_node *nodes = search->pass->nodes;
    for (size_t i = 0; i < links->stack_count; i++) {
        const struct tn_link_by_stack *other = &links->stacks[i];
        if (other->holder_stack_id == link->holder_stack_id && other->module_id == link->module_id &&
            other->offset_bytes == link->offset_bytes &&
            nodes[other->held_stack_id].site != nodes[link->held_stack_id].site)
            return true;
    }
    return false;
}

static bool counts(const struct kept_search *search, const struct tn_link_by_stack *link)
{
    const struct tn_site_links *links = search->question->links;
    uint64_t made = link->moment != TN_LINK_HOLDER_DEATH
                        ? tn_site_links_looks(links, link->held_stack_id, link->moment)
                        : 0;
    return made >= LOOKS_MIN && link->distinct >= TN_SITE_LINK_DISTINCT_MIN &&
           (double)link->looks >= KEPT_SHARE * (double)made && !is_ambiguous(search, link);
}

/* Whether blocks born with a stack outlive the owner's call, or are held by such that do. */
static bool outlives(const struct kept_search *search, uint32_t stack_id)
{
    const struct tn_site_links *links = search->question->links;
    struct kept_search further = *search;
    if (!search->question->is_gone(search->question->context, stack_id))
        return true;
    if (further.holders_left-- == 0)
        return false;
    for (size_t i = 0; i < links->stack_count; i++)
        if (links->stacks[i].held_stack_id == stack_id && links->stacks[i].holder_stack_id != 0 &&
            counts(search, &links->stacks[i]) && outlives(&further, links->stacks[i].holder_stack_id))
            return true;
    return false;
}

const struct tn_link_by_stack *tn_kept_address_find(const struct tn_pass *pass,
                                                    const struct tn_kept_question *question,
                                                    uint32_t held_stack, const struct tn_link_by_stack *best)
{
    const struct kept_search search = {pass, question, HOLDERS_MAX};
    for (size_t i = 0; i < question->links->stack_count; i++) {
        const struct tn_link_by_stack *link = &question->links->stacks[i];
        if (link->held_stack_id != held_stack || !counts(&search, link) ||
            (best != NULL && best->holder_stack_id != 0))
            continue;
        if (link->holder_stack_id == 0 ? best == NULL : outlives(&search, link->holder_stack_id))
            best = link;
    }
    return best;
}

static int note_global(const struct tn_link_by_stack *link, struct tn_buffer *notes)
{
    return tn_buffer_print(
        notes, "%sa variable that outlives the call was seen to hold its address (+0x%" PRIx64 ")",
        notes->size_bytes != 0 ? "\n" : "", link->offset_bytes);
}

static int tell_block(const struct tn_link_by_stack *link, const struct tn_finding_site *site,
                      const char *blocks, struct tn_finding *finding, struct tn_buffer *notes)
{
    struct tn_finding_line line = {site->function, site->file, site->line, site->module, site->offset_bytes};
    char place[320];
    tn_finding_place(site, place, sizeof(place));
    if (finding->condition.kind != NULL && strcmp(finding->condition.kind, "address-stored") == 0)
        return tn_buffer_print(notes, "%sits address was seen in a block of %s, at offset %" PRIu64,
                               notes->size_bytes != 0 ? "\n" : "", place, link->offset_bytes);
    return tn_finding_add_condition(
        finding, "address-kept", &line, 1,
        "nothing keeps %s beyond the call, although its address is kept in a block of %s "
        "at offset %" PRIu64,
        blocks, place, link->offset_bytes);
}

int tn_kept_address_tell(const struct tn_pass *pass, const struct tn_kind *kind,
                         const struct tn_link_by_stack *link, const char *blocks, struct tn_finding *finding,
                         struct tn_buffer *notes)
{
    struct tn_finding named;
    uint32_t holder = pass->nodes[link->holder_stack_id].site;
    if (link->holder_stack_id == 0)
        return note_global(link, notes);
    int r = tn_finding_begin(pass, kind, &holder, 1, &named);
    if (r < 0)
        return r;
    r = tell_block(link, &named.sites[0], blocks, finding, notes);
    tn_finding_finish(&named);
    return r;
}
