/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: what the recording saw of who holds the blocks' address. A block that outlives the
 * owner's call and holds it often may keep it in another run. Never enough to refute, and no link proves
 * nothing. Called once a finding. */
#include "stack_buffer.h"

#include "tenure/kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A holder that keeps the address in this share of the looks may keep it longer; what only handles it does
 * not. From daemons whose queues were known. */
#define KEPT_SHARE 0.2

/* Looks that a share is taken of, at least. */
#define LOOKS_MIN 5u

/* Whether blocks of other sites were seen at the same place. It may be a pointer that was left over there,
 * while the memory that it points to was given away again: nothing tells which of them is meant. */
static bool is_ambiguous(const struct tn_buffer_holders *holders, const struct tn_link_by_stack *link)
{
    const struct tn_site_links *links = &holders->buffers->links;
    const struct tn_stack_node *nodes = holders->pass->nodes;
    for (size_t i = 0; i < links->stack_count; i++) {
        const struct tn_link_by_stack *other = &links->stacks[i];
        if (other->holder_stack_id == link->holder_stack_id && other->module_id == link->module_id &&
            other->offset_bytes == link->offset_bytes &&
            nodes[other->held_stack_id].site != nodes[link->held_stack_id].site)
            return true;
    }
    return false;
}

static bool counts(const struct tn_buffer_holders *holders, const struct tn_link_by_stack *link)
{
    const struct tn_site_links *links = &holders->buffers->links;
    uint64_t made = link->moment != TN_LINK_HOLDER_DEATH
                        ? tn_site_links_looks(links, link->held_stack_id, link->moment)
                        : 0;
    return made >= LOOKS_MIN && link->distinct >= TN_SITE_LINK_DISTINCT_MIN &&
           (double)link->looks >= KEPT_SHARE * (double)made && !is_ambiguous(holders, link);
}

/* Whether blocks born with a stack outlive the owner's call, or are held by such that do. */
static bool outlives(const struct tn_buffer_holders *holders, uint32_t stack_id)
{
    const struct tn_site_links *links = &holders->buffers->links;
    struct tn_buffer_holders further = *holders;
    if (!tn_stack_buffer_is_gone(holders, stack_id))
        return true;
    if (further.holders_left-- == 0)
        return false;
    for (size_t i = 0; i < links->stack_count; i++)
        if (links->stacks[i].held_stack_id == stack_id && links->stacks[i].holder_stack_id != 0 &&
            counts(holders, &links->stacks[i]) && outlives(&further, links->stacks[i].holder_stack_id))
            return true;
    return false;
}

/* The link that speaks most clearly against the finding: a block before a global, then the larger share. */
static const struct tn_link_by_stack *find_kept(const struct tn_buffer_holders *holders, uint32_t held_stack,
                                                const struct tn_link_by_stack *best)
{
    const struct tn_site_links *links = &holders->buffers->links;
    for (size_t i = 0; i < links->stack_count; i++) {
        const struct tn_link_by_stack *link = &links->stacks[i];
        if (link->held_stack_id != held_stack || !counts(holders, link) ||
            (best != NULL && best->holder_stack_id != 0))
            continue;
        if (link->holder_stack_id == 0 ? best == NULL : outlives(holders, link->holder_stack_id))
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

/* Say where the blocks are kept: as a condition, or in a note. */
static int tell(const struct tn_pass *pass, const struct tn_link_by_stack *link, struct tn_finding *finding,
                struct tn_buffer *notes)
{
    struct tn_finding named;
    char place[320];
    uint32_t holder = pass->nodes[link->holder_stack_id].site;
    int r = tn_finding_begin(pass, &tn_kind_stack_buffer, &holder, 1, &named);
    if (r < 0)
        return r;
    const struct tn_finding_site *site = &named.sites[0];
    struct tn_finding_line line = {site->function, site->file, site->line, site->module, site->offset_bytes};
    tn_finding_place(site, place, sizeof(place));
    bool is_told = finding->condition.kind != NULL && strcmp(finding->condition.kind, "address-stored") == 0;
    if (is_told)
        r = tn_buffer_print(notes, "%sits address was seen in a block of %s, at offset %" PRIu64,
                            notes->size_bytes != 0 ? "\n" : "", place, link->offset_bytes);
    else
        r = tn_finding_add_condition(
            finding, "address-kept", &line, 1,
            "nothing keeps the block beyond the call, although its address is kept in a block of %s "
            "at offset %" PRIu64,
            place, link->offset_bytes);
    tn_finding_finish(&named);
    return r;
}

int tn_stack_buffer_add_kept(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                             const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                             struct tn_finding *finding, struct tn_buffer *notes)
{
    struct tn_buffer_holders holders = {buffers, pass, owner->function, TN_BUFFER_HOLDERS_MAX};
    const struct tn_link_by_stack *kept = NULL;
    if (finding->confidence == TN_CONFIDENCE_WEAK)
        return 0;
    for (size_t i = 0; i < births->stack_count; i++)
        kept = find_kept(&holders, births->stacks[i], kept);
    if (kept == NULL)
        return 0;
    return kept->holder_stack_id == 0 ? note_global(kept, notes) : tell(pass, kept, finding, notes);
}
